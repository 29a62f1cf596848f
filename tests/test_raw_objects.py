import hashlib
import json
import struct
import zlib

import pytest

from autolabel_core.labelling.give_labels import GivenLabel, give_labels
from autolabel_core.ledger import effective_annotations
from autolabel_core.operations.registration import register
from autolabel_core.storage.buckets import ObjectSource
from autolabel_core.tables.raw_objects import RawObjects

COLOURS = """\
feature_extractor: {feature_extractor_name: colour_extractor, field_passthrough: [shade]}
taxonomy: {field_to_enrich: shade, confidence_threshold: 0.9}
"""
RED = (255, 0, 0)


def swept(workspace, name="colours"):
    """Rows of `raw_objects` by key, after one registration and one refresh of each stale batch."""
    collection = workspace.open(name)
    register(collection)
    table = RawObjects(collection)
    for batch in table.stale():
        table.refresh(batch)
    files = [table.path(batch) for batch in table.batches]
    rows = [row for file in files for row in table.warehouse.read_table(file).to_pylist()]
    return {row["key"]: row for row in rows}


def header_of(width_px, height_px):
    """A PNG that says how large it is, and holds no pixels."""

    def chunk(name, data):
        checksum = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + checksum

    size = struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def labels_of(workspace, name="colours"):
    return [(e.key, e.label, e.origin) for e in workspace.ledger.annotations(name)]


def held_label(workspace, key, name="colours"):
    rows = swept(workspace, name)
    contents = {row["document_id"]: row["content_hash"] for row in rows.values()}
    held = effective_annotations(workspace.ledger.annotations(name), contents)
    found = held.get(rows[key]["document_id"])
    return found and (found.label, found.origin)


def test_an_image_is_described(workspace, home):
    ws = workspace({"colours": COLOURS}, {"colours": {"a/red.png": RED}})
    row = swept(ws)["a/red.png"]
    data = (home.paths.buckets / "colours/a/red.png").read_bytes()
    assert row["content_hash"] == hashlib.sha256(data).hexdigest()
    assert (row["size"], row["media_type"]) == (len(data), "image/png")
    assert (row["width_px"], row["height_px"], row["reason"]) == (8, 8, None)


@pytest.mark.parametrize(
    ("key", "content", "reason"),
    [
        ("empty.png", b"", "0 bytes"),
        ("notes.png", b"just a note", "not an image"),
        ("huge.png", header_of(50_000, 50_000), "image too large"),
        ("large.png", b"x" * 1_100_000, "max_object_mb: 1"),
    ],
    ids=["empty", "no image", "huge header", "large"],
)
def test_what_cannot_be_read_is_quarantined_and_stops_nothing(workspace, key, content, reason):
    declaration = COLOURS + "max_object_mb: 1\n"
    rows = swept(workspace({"colours": declaration}, {"colours": {key: content, "red.png": RED}}))
    assert reason in rows[key]["reason"]
    assert rows["red.png"]["reason"] is None


def test_a_missing_required_property_is_a_reason(workspace):
    schema = (
        "source: {bucket_schema: {properties: {camera_id: {type: text, required: true}}}}\n"
        + COLOURS
    )
    objects = {"red.png": RED, "seen.png": RED, "seen.png.json": '{"camera_id": "north"}'}
    rows = swept(workspace({"colours": schema}, {"colours": objects}))
    assert "camera_id" in rows["red.png"]["reason"]
    assert rows["seen.png"]["reason"] is None


def test_an_object_that_is_gone_when_it_is_read_is_a_reason(workspace, home):
    ws = workspace({"colours": COLOURS}, {"colours": {"red.png": RED, "blue.png": (0, 0, 255)}})
    collection = ws.open("colours")
    register(collection)
    (home.paths.buckets / "colours/red.png").unlink()
    table = RawObjects(collection)
    table.refresh("batch_000001")
    rows = table.warehouse.read_table(table.path("batch_000001")).to_pylist()
    assert {row["key"]: row["reason"] for row in rows} == {
        "red.png": "is gone from the bucket",
        "blue.png": None,
    }
    assert set(swept(ws)) == {"blue.png"}


def test_unchanged_objects_are_not_read_again(workspace, home, monkeypatch):
    ws = workspace({"colours": COLOURS}, {"colours": {"red.png": RED, "blue.png": (0, 0, 255)}})
    swept(ws)
    opened = []
    real = ObjectSource.open
    monkeypatch.setattr(
        ObjectSource, "open", lambda self, key: opened.append(key) or real(self, key)
    )
    swept(ws)
    assert opened == []
    home.put("colours", {"blue.png": (0, 0, 250), "green.png": (0, 255, 0)})
    swept(home.workspace)
    assert sorted(opened) == ["blue.png", "green.png"]


def test_unreadable_objects_are_tried_again_when_they_change(workspace, home):
    ws = workspace({"colours": COLOURS}, {"colours": {"red.png": b"half an ima"}})
    assert swept(ws)["red.png"]["reason"]
    home.put("colours", {"red.png": RED})
    assert swept(home.workspace)["red.png"]["reason"] is None


def test_a_label_in_the_metadata_is_imported_once(workspace, home):
    objects = {"red.png": RED, "red.png.json": '{"shade": " warm "}'}
    ws = workspace({"colours": COLOURS}, {"colours": objects})
    swept(ws)
    home.put("colours", {"blue.png": (0, 0, 255)})
    swept(ws)
    assert labels_of(ws) == [("red.png", "warm", "metadata")]


def test_a_later_label_is_overridden_only_when_the_metadata_changes(workspace, home):
    objects = {"red.png": RED, "red.png.json": '{"shade": "warm"}'}
    ws = workspace({"colours": COLOURS}, {"colours": objects})
    swept(ws)
    give_labels(ws.open("colours"), [GivenLabel("red.png", "cold")], "me", "cli")
    home.put("colours", {"red.png.json": '{"shade": "warm", "note": "seen again"}'})
    assert held_label(ws, "red.png") == ("cold", "cli")
    home.put("colours", {"red.png.json": '{"shade": "hot"}'})
    assert held_label(ws, "red.png") == ("hot", "metadata")
    home.put("colours", {"red.png.json": '{"shade": "warm"}'})
    assert held_label(ws, "red.png") == ("warm", "metadata")


def test_an_overwritten_object_takes_its_metadata_label_again(workspace, home):
    objects = {"red.png": RED, "red.png.json": '{"shade": "warm"}'}
    ws = workspace({"colours": COLOURS}, {"colours": objects})
    swept(ws)
    home.put("colours", {"red.png": (200, 0, 0)})
    assert held_label(ws, "red.png") == ("warm", "metadata")
    assert len(labels_of(ws)) == 2


@pytest.mark.parametrize(("value", "label"), [(7, "7"), (True, "true"), (None, None), ("", None)])
def test_a_label_that_is_no_text_is_read_as_one(workspace, value, label):
    sidecar = json.dumps({"shade": value})
    ws = workspace({"colours": COLOURS}, {"colours": {"r.png": RED, "r.png.json": sidecar}})
    swept(ws)
    assert labels_of(ws) == ([("r.png", label, "metadata")] if label else [])


def test_an_unfit_label_in_the_metadata_quarantines_its_object_alone(workspace):
    sidecar = json.dumps({"shade": "wa\u200brm"})
    objects = {"r.png": RED, "r.png.json": sidecar, "b.png": (0, 0, 255)}
    rows = swept(workspace({"colours": COLOURS}, {"colours": objects}))
    assert "U+200B" in rows["r.png"]["reason"]
    assert rows["b.png"]["reason"] is None


def test_a_changed_declaration_reads_everything_anew(workspace, home):
    ws = workspace({"colours": COLOURS}, {"colours": {"large.png": b"x" * 2_000_000}})
    assert "not an image" in swept(ws)["large.png"]["reason"]
    home.declare("colours", COLOURS + "max_object_mb: 1\n")
    assert "max_object_mb" in swept(home.workspace)["large.png"]["reason"]


def test_the_report_counts_and_names_what_is_quarantined(workspace):
    ws = workspace({"colours": COLOURS}, {"colours": {"red.png": RED, "empty.png": b""}})
    swept(ws)
    report = RawObjects(ws.open("colours")).report("batch_000001")
    assert (report["objects"], report["quarantined"]) == (2, 1)
    assert report["media types"] == [{"media_type": "image/png", "objects": 1}]
    assert report["quarantine"] == [{"key": "empty.png", "reason": "is empty (0 bytes)"}]
