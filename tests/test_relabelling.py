"""Relabelling: any history of edits leaves the same bytes as a build from nothing."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from support.edited_worlds import BASE, NAME, World

from autolabel_core.foundation.paths import Paths
from autolabel_core.ledger import effective_annotations
from autolabel_core.tables.raw_objects import RawObjects
from autolabel_core.tables.workspace import Workspace

KEYS = st.sampled_from([*BASE, "new 1", "new 2", "new 3"])
NAMES = st.sampled_from([f"side {i}" for i in range(5)])
ANGLES = st.integers(0, 35).map(lambda n: 10 * n)
EDITS = st.one_of(
    st.tuples(st.just("put"), KEYS, ANGLES),
    st.tuples(st.just("put"), KEYS, st.just("")),
    st.tuples(st.just("delete"), KEYS),
    st.tuples(st.just("label"), KEYS, NAMES),
    st.tuples(st.just("contradict"), KEYS, NAMES),
    st.tuples(st.just("move"), KEYS, KEYS),
    st.tuples(st.just("withdraw"), KEYS),
    st.tuples(st.just("withdraw many"), st.integers(0, 21), st.integers(2, 15)),
    st.tuples(st.just("sidecar"), KEYS, NAMES),
    st.tuples(st.just("promote"), st.integers(0, 3)),
    st.tuples(st.just("wrong"), st.integers(0, 3), st.none() | NAMES),
    st.tuples(st.just("threshold"), st.sampled_from([-1.0, 0.5, 0.95, 1.0])),
    st.tuples(st.just("sweep")),
)


def published(root):
    # Caches, and notes of what the last sweep saw, are no derived tables.
    notes = {".neighbours", ".score", "last_annotations.arrow", "last_annotations.arrow.crc32"}
    files = [path for path in root.rglob("*") if path.is_file() and not notes & set(path.parts)]
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(files)}


def built_from_nothing(world, folder):
    old = world.home.paths
    fresh = Workspace(Paths(folder / "other home", old.collections, old.ledger_url))
    world.sweep(fresh)
    return published(fresh.paths.warehouse)


def naive_labels(world):
    """What the labels ought to be, by looking at every pair of documents."""
    workspace = world.workspace
    collection = workspace.open(NAME)
    rows = RawObjects(collection)
    contents, vectors, keys = {}, {}, {}
    for batch in rows.batches:
        for row in rows.warehouse.read_table(rows.path(batch)).to_pylist():
            keys[row["document_id"]] = row["key"]
            if row["content_hash"]:
                contents[row["document_id"]] = row["content_hash"]
            text = (world.bucket / row["key"]).read_text()
            # Metadata whose object moved away are an object of their own, and no number.
            if text and not text.startswith("{"):
                angle = np.radians(float(text))
                vectors[row["document_id"]] = np.array([np.cos(angle), np.sin(angle)], np.float32)
    held = effective_annotations(workspace.ledger.annotations(NAME), contents)
    verdicts = workspace.ledger.audits(NAME)
    latest = {(v.document_id, v.content_hash, v.auto_label): v.verdict for v in verdicts}
    threshold = collection.declaration.taxonomy.confidence_threshold
    found = {}
    for document, key in keys.items():
        scores = [
            (-score(vectors[document], vectors[other]), other)
            for other in held
            if other != document and other in vectors and document in vectors
        ]
        nearest, source = min(scores, default=(None, None))
        label = held[source].label if source else None
        judged = latest.get((document, contents.get(document), label))
        if document in held:
            found[key] = (held[document].label, held[document].source)
        elif source and -float(nearest) >= threshold and judged != "wrong":
            found[key] = (label, "auto")
        else:
            found[key] = (None, None)
    return found


def score(one, other):
    one, other = unit(one), unit(other)
    return np.float32(one.astype(np.float64) @ other.astype(np.float64))


def unit(vector):
    length = np.sqrt(np.einsum("d,d->", vector, vector, dtype=np.float64))
    return np.ascontiguousarray(vector / length, dtype=np.float32)


def check(edits, score="nearest"):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        world = World(folder, score)
        for edit in edits:
            world.apply(edit)
        world.sweep()
        found = published(world.home.paths.warehouse)
        assert found == built_from_nothing(world, folder)
        if score == "nearest":
            labels = {r["key"]: (r["label"], r["label_source"]) for r in world.rows()}
            assert labels == naive_labels(world)
        world.sweep()
        assert published(world.home.paths.warehouse) == found


QUIET = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "phases": [Phase.explicit, Phase.reuse, Phase.generate],
}


@given(st.lists(EDITS, min_size=3, max_size=10))
@settings(max_examples=4, **QUIET)
def test_edits_give_what_a_build_from_nothing_gives(toy_extractors, edits):
    check(edits)


@pytest.mark.parametrize("score", ["vote", "class_mean", "probe", "auto"])
@given(edits=st.lists(EDITS, min_size=3, max_size=8))
@settings(max_examples=2, **QUIET)
def test_under_every_score_edits_give_what_a_build_from_nothing_gives(toy_extractors, score, edits):
    check(edits, score)


@pytest.mark.slow
@given(st.lists(EDITS, min_size=5, max_size=25))
@settings(max_examples=25, **QUIET)
def test_long_histories_give_what_a_build_from_nothing_gives(toy_extractors, edits):
    check(edits)


@pytest.mark.parametrize(
    "edits",
    [
        [("withdraw many", 0, 15), ("sweep",), ("withdraw many", 15, 15)],
        [
            ("label", "k25", "side 4"),
            ("sweep",),
            ("put", "k25", 10),
            ("sweep",),
            ("put", "k25", ""),
        ],
        [("delete", "k03"), ("sweep",), ("put", "k03", 21), ("sidecar", "k03", "side 0")],
        [("threshold", -1.0), ("wrong", 3, None), ("wrong", 3, "side 1"), ("threshold", 0.5)],
        [
            ("contradict", "k03", "side 4"),
            ("move", "k04", "new 1"),
            ("sweep",),
            ("label", "k03", "side 1"),
            ("move", "new 1", "k05"),
        ],
        [("threshold", 0.5), ("promote", 3), ("label", "k24", "side 4"), ("withdraw", "k23")],
    ],
    ids=["all withdrawn", "overwritten", "deleted and back", "audited", "contradicted", "promoted"],
)
def test_histories_that_once_were_feared(toy_extractors, edits):
    check(edits)


def test_a_lost_or_damaged_cache_changes_nothing(toy_extractors, tmp_path):
    world = World(tmp_path)
    cache = world.home.paths.warehouse / NAME / "taxonomy_labels/.neighbours"
    files = sorted(cache.rglob("*.arrow"))
    files[0].unlink()
    files[1].write_bytes(b"damaged")
    files[2].write_bytes(files[2].read_bytes()[:-400])
    world.do_label("k29", "side 4")
    world.sweep()
    assert published(world.home.paths.warehouse) == built_from_nothing(world, tmp_path)


def test_lost_files_are_made_again_with_the_same_bytes(toy_extractors, tmp_path):
    world = World(tmp_path)
    found = published(world.home.paths.warehouse)
    for path in world.home.paths.warehouse.rglob("batch_000002.*"):
        path.unlink()
    next(world.home.paths.warehouse.rglob("references.arrow")).write_bytes(b"damaged")
    world.sweep()
    assert published(world.home.paths.warehouse) == found
