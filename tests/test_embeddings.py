import io

import numpy as np
import pytest
from PIL import Image

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.models.extractors import Manifest
from autolabel_core.operations.registration import register
from autolabel_core.tables import embeddings as module
from autolabel_core.tables import resumable_batch
from autolabel_core.tables.embeddings import Embeddings
from autolabel_core.tables.raw_objects import RawObjects

COLOURS = """\
feature_extractor: {feature_extractor_name: colour_extractor, field_passthrough: [shade]}
taxonomy: {field_to_enrich: shade, confidence_threshold: 0.9}
"""


class Counting:
    """An extractor of texts that notes what it embeds; `dimension` may change behind its URI."""

    min_side_px = None

    def __init__(self):
        self.seen = []
        self.dimension = 2
        self.declared = None
        self.fail_after = 10**9

    @property
    def manifest(self):
        return Manifest("angle_extractor", "v1", "angle", "text", self.declared)

    def embed(self, batch):
        self.seen += list(batch)
        if len(self.seen) > self.fail_after:
            raise KeyboardInterrupt
        if any(item.startswith("poison") for item in batch):
            raise RuntimeError("cannot digest this")
        found = np.zeros((len(batch), self.dimension), np.float32)
        found[:, 0] = 1.0
        return found


@pytest.fixture
def counting(monkeypatch):
    extractor = Counting()
    monkeypatch.setattr("autolabel_core.models.extractors.load_extractor", lambda *args: extractor)
    return extractor


def embed(workspace, name="angles"):
    collection = workspace.open(name)
    register(collection)
    for table in (RawObjects(collection), Embeddings(collection)):
        for batch in table.stale():
            table.refresh(batch)
    return Embeddings(collection)


def reasons(table):
    found = {}
    for batch in table.batches:
        vectors = table.warehouse.read_vectors(table.path(batch))
        found |= dict(zip(vectors.document_ids, vectors.reasons, strict=True))
    return {table.objects[document].key: reason for document, reason in found.items()}


def test_vectors_lie_in_the_order_of_documents_with_their_contents(workspace):
    table = embed(workspace({"angles": _angles()}, {"angles": {"a": 0, "b": 90, "c": 180}}))
    found = table.warehouse.read_vectors(table.path("batch_000001"))
    assert found.document_ids == sorted(found.document_ids)
    by_key = {
        table.objects[d].key: v for d, v in zip(found.document_ids, found.vectors, strict=True)
    }
    assert np.allclose(
        [by_key["a"], by_key["b"], by_key["c"]], [[1, 0], [0, 1], [-1, 0]], atol=1e-6
    )


def _angles(extra=""):
    return (
        "feature_extractor: {feature_extractor_name: angle_extractor, field_passthrough: [side]}\n"
        "taxonomy: {field_to_enrich: side, confidence_threshold: 0.9}\n" + extra
    )


def test_content_is_embedded_once_whatever_happens_to_its_object(workspace, home, counting):
    ws = workspace({"angles": _angles("batch_size: 2\n")}, {"angles": {"a": "one", "b": "two"}})
    embed(ws)
    assert sorted(counting.seen) == ["one", "two"]
    bucket = home.paths.buckets / "angles"
    (bucket / "a").rename(bucket / "moved to a later batch")
    home.put("angles", {"b.json": '{"note": "only metadata"}', "copy of b": "two"})
    table = embed(ws)
    assert len(table.batches) == 2
    assert set(reasons(table)) == {"b", "copy of b", "moved to a later batch"}
    assert sorted(counting.seen) == ["one", "two"]
    home.put("angles", {"b": "three"})
    embed(ws)
    assert sorted(counting.seen) == ["one", "three", "two"]


def test_equal_contents_of_one_batch_are_embedded_once(workspace, counting):
    embed(workspace({"angles": _angles()}, {"angles": {"a": "same", "b": "same"}}))
    assert counting.seen == ["same"]


def test_a_crash_half_way_loses_no_finished_chunk(workspace, counting, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 3)
    monkeypatch.setattr(resumable_batch, "KEEP_SECONDS", 0.0)
    ws = workspace({"angles": _angles()}, {"angles": {f"k{i}": f"text {i}" for i in range(10)}})
    counting.fail_after = 6
    with pytest.raises(KeyboardInterrupt):
        embed(ws)
    done = counting.seen[:6]
    counting.seen, counting.fail_after = [], 10**9
    table = embed(ws)
    assert len(counting.seen) == 4
    assert not set(counting.seen) & set(done)
    assert set(reasons(table).values()) == {None}
    assert not list(table.folder.rglob(".parts/*"))


def test_a_truncated_image_is_a_reason_and_stops_nothing(workspace):
    whole = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(whole, format="JPEG")
    cut = whole.getvalue()[:1000]
    table = embed(
        workspace({"colours": COLOURS}, {"colours": {"cut.jpg": cut, "r.png": (9, 0, 0)}}),
        "colours",
    )
    found = reasons(table)
    assert "truncated" in found["cut.jpg"]
    assert found["r.png"] is None
    report = table.report("batch_000001")
    assert (report["vectors"], report["without a vector"]) == (1, 1)
    assert report["quarantine"][0]["key"] == "cut.jpg"


@pytest.mark.parametrize("declared", [None, 3])
def test_another_dimension_under_the_same_uri_is_refused(workspace, home, counting, declared):
    ws = workspace({"angles": _angles("batch_size: 1\n")}, {"angles": {"a": "one"}})
    embed(ws)
    home.put("angles", {"b": "two"})
    counting.dimension, counting.declared = 3, declared
    with pytest.raises(AutolabelError, match=r"of 2 and of 3 dimensions.*Raise `version`"):
        embed(ws)


def test_an_object_replaced_after_it_was_read_is_healed_by_the_next_pass(workspace, home, counting):
    ws = workspace({"angles": _angles()}, {"angles": {"a": "one", "b": "two"}})
    collection = ws.open("angles")
    register(collection)
    RawObjects(collection).refresh("batch_000001")
    home.put("angles", {"a": "another"})
    table = Embeddings(collection)
    table.refresh("batch_000001")
    assert "changed while it was read" in reasons(table)["a"]
    assert reasons(table)["b"] is None
    assert reasons(embed(ws)) == {"a": None, "b": None}
    assert counting.seen == ["two", "another"]


def test_a_raised_version_is_a_new_feature_space_beside_the_old(workspace, home):
    ws = workspace({"angles": _angles()}, {"angles": {"a": 0}})
    old = embed(ws)
    home.declare("angles", _angles().replace("field_passthrough", "version: v2, field_passthrough"))
    new = embed(home.workspace)
    assert new.folder != old.folder
    assert old.path("batch_000001").exists()
    assert new.path("batch_000001").exists()


def test_a_batch_without_any_readable_object_has_no_vectors(workspace, counting):
    ws = workspace({"angles": _angles("batch_size: 1\n")}, {"angles": {"a": b"", "b": "two"}})
    table = embed(ws)
    assert reasons(table)["a"]
    assert reasons(table)["b"] is None


def test_an_item_that_the_extractor_fails_on_costs_no_other_its_vector(workspace, home, counting):
    objects = {"a": "one", "b": "poison", "c": "three"}
    ws = workspace({"angles": _angles()}, {"angles": objects})
    found = reasons(embed(ws))
    assert found["a"] is found["c"] is None
    assert "fails on it: RuntimeError('cannot digest this')" in found["b"]
    home.put("angles", {"another": "poison too", "copy": "one"})
    found = reasons(embed(ws))
    assert [key for key, reason in found.items() if reason] == ["another", "b"]
    assert sorted(found) == ["a", "another", "b", "c", "copy"]
