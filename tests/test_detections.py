"""The table of boxes: a document for each box and for each image, stable, and never done twice."""

from __future__ import annotations

import json

import pytest
from PIL import Image
from support.detection_samples import (
    NAME,
    SCENES,
    declaration,
    detected,
    detections_of,
    documents,
    documents_by_key,
    image_of,
)
from support.toy_detectors import BlockDetector, scene

from autolabel_core.foundation.errors import NotFoundError
from autolabel_core.tables.embeddings import Embeddings

BATCH = "batch_000001"


def test_each_box_and_each_image_is_a_document(blocks):
    found = documents_by_key(blocks())
    assert set(found) == {
        *("both.png", "both.png#det_0", "both.png#det_1", "empty.png"),
        *("green.png", "green.png#det_0", "red.png", "red.png#det_0"),
    }
    box = found["both.png#det_0"]
    assert box["document_id"] == f"{found['both.png']['document_id']}_det_0"
    assert (box["kind"], box["detected_class"]) == ("detection", "red")
    assert box["detected_confidence"] == round(200 / 255, 4)
    assert (box["bbox"], box["bbox_format"]) == ({"x": 2.0, "y": 2.0, "w": 10.0, "h": 8.0}, "xywh")
    assert (box["image_key"], box["width_px"], box["height_px"]) == ("both.png", 64, 48)
    image = found["both.png"]
    assert (image["kind"], image["label"], image["reason"]) == ("image", None, None)
    assert [d["class"] for d in image["detections"]] == ["red", "green"]
    assert found["empty.png"]["detections"] == []


def test_what_lies_in_a_box_is_embedded_and_nothing_else(blocks):
    ws = blocks()
    table = Embeddings(ws.open(NAME))
    assert table.extractor.manifest.feature_uri == (
        "autolabel://block_detector@1.0.0/detection_embedding_colour_extractor_v1_mean_rgb"
    )
    found = ws.warehouse.read_vectors(table.path(BATCH))
    ids = {row["document_id"]: row["key"] for row in table.items.rows(BATCH)}
    vectors = {ids[d]: v.tolist() for d, v in zip(found.document_ids, found.vectors, strict=True)}
    assert vectors == {
        "both.png#det_0": [1, 0, 0],
        "both.png#det_1": [0, 1, 0],
        "green.png#det_0": [0, 1, 0],
        "red.png#det_0": [1, 0, 0],
    }


def test_a_rerun_writes_the_same_bytes(blocks):
    ws = blocks()
    path = detected(ws).path(BATCH)
    before = path.read_bytes()
    path.unlink()
    detected(ws).refresh(BATCH)
    assert path.read_bytes() == before


def test_an_image_is_looked_at_once_for_each_content_and_detector(
    blocks, home, bring_up_to_date, monkeypatch
):
    blocks()
    seen = []
    real = BlockDetector.detect

    def counting(self, images):
        seen.extend(image.size for image in images)
        return real(self, images)

    monkeypatch.setattr(BlockDetector, "detect", counting)
    home.put(NAME, {"new.png": scene(size=(20, 20)), "copy.png": SCENES["red.png"]})
    bring_up_to_date(home.workspace, NAME)
    assert seen == [(20, 20)]
    assert [r["detected_class"] for r in detections_of(home.workspace, "copy.png")] == ["red"]


def test_a_threshold_is_the_same_version_and_is_applied_anew(blocks, home, bring_up_to_date):
    ws = blocks()
    folder = detected(ws).folder
    home.declare(NAME, declaration(confidence_threshold=0.5))
    bring_up_to_date(home.workspace, NAME)
    assert detected(home.workspace).folder == folder
    assert [r["detected_class"] for r in detections_of(home.workspace, "both.png")] == ["red"]


def test_classes_and_the_most_confident_are_kept(blocks, home, bring_up_to_date):
    blocks(declared=declaration(classes=["green"]))
    assert [r["detected_class"] for r in detections_of(home.workspace, "both.png")] == ["green"]
    home.declare(NAME, declaration(max_detections=1))
    bring_up_to_date(home.workspace, NAME)
    assert [r["detected_class"] for r in detections_of(home.workspace, "both.png")] == ["red"]


def test_without_a_model_images_wait_and_nothing_fails(blocks):
    learned = {"weights": "registry:active", "parameters": {"needs_weights": True}}
    ws = blocks(declared=declaration(**learned))
    assert {r["kind"] for r in documents(ws)} == {"image"}
    assert detected(ws).report(BATCH)["waits for a first model"] == "yes"
    assert detected(ws).report(BATCH)["images"] == 4


def test_a_damaged_image_is_a_reason_and_costs_no_other(blocks):
    whole = SCENES["red.png"]
    ws = blocks({"cut.png": whole[:-30], "red.png": whole, "no.png": b"no image"})
    found = documents_by_key(ws)
    assert "truncated" in found["cut.png"]["reason"]
    assert found["cut.png"]["detections"] is None
    assert found["no.png"]["reason"]
    assert found["red.png"]["reason"] is None
    report = detected(ws).report(BATCH)
    assert (report["quarantined"], report["images"], report["detections"]) == (2, 3, 1)


def test_boxes_that_leave_the_image_are_cut_and_slivers_dropped(blocks):
    ws = blocks(
        {"edge.png": scene((50, 0, 64, 20, (240, 0, 0)), (63, 30, 64, 40, (0, 240, 0)))},
        declaration(parameters={"shift_px": 7.5}),
    )
    (row,) = detections_of(ws, "edge.png")
    assert row["xyxy_px"] == [57.5, 0, 64, 20]
    table = Embeddings(ws.open(NAME))
    (crop,) = table.items.decoded([row], None)
    assert isinstance(crop, Image.Image)
    assert crop.size == (7, 20)


@pytest.mark.parametrize(
    "filter_, keys",
    [
        ("detections.0.confidence:lt:0.8", {"both.png", "both.png#det_0", "both.png#det_1"}),
        ("detections.min_confidence:lt:0.5", {"both.png", "both.png#det_0", "both.png#det_1"}),
        ("detections.max_confidence:gt:0.9", {"red.png", "red.png#det_0"}),
        ("detections.count:eq:0", {"empty.png"}),
        (
            "detections.classes:contains:red",
            {*("both.png", "both.png#det_0", "both.png#det_1", "red.png", "red.png#det_0")},
        ),
        ("detections.1.class:eq:green", {"both.png", "both.png#det_0", "both.png#det_1"}),
        ("detections.0.bbox.w:eq:10", {"both.png", "both.png#det_0", "both.png#det_1"}),
        ("detected_confidence:lt:0.5", {"both.png#det_1"}),
        ("bbox.x:gt:20", {"both.png#det_1"}),
        ("kind:eq:image", set(SCENES)),
    ],
)
def test_filters_say_which_box_they_mean(blocks, filter_, keys):
    assert set(documents_by_key(blocks(), filter_)) == keys


def test_a_filter_that_does_not_say_which_box_is_refused(blocks):
    with pytest.raises(NotFoundError, match=r"detections\.min_confidence"):
        documents(blocks(), "detections.confidence:lt:0.7")


def test_the_report_counts_and_the_picture_is_small(blocks):
    ws = blocks()
    report = detected(ws).report(BATCH)
    assert (report["images"], report["detections"], report["images without detections"]) == (
        4,
        4,
        1,
    )
    assert report["classes"] == [
        {"class": "green", "detections": 2},
        {"class": "red", "detections": 2},
    ]
    (png,) = detected(ws).pictures(BATCH).values()
    assert png.startswith(b"\x89PNG")
    assert len(png) < 100_000


def test_what_images_list_is_json_in_the_table(blocks):
    listed = json.loads(image_of(blocks(), "both.png")["detections"])
    assert listed[0] == {
        "class": "red",
        "confidence": 0.7843,
        "bbox": {"x": 2.0, "y": 2.0, "w": 10.0, "h": 8.0},
        "bbox_format": "xywh",
    }
