"""Annotations of boxes: references, carried to other versions by place."""

from __future__ import annotations

from support.detection_samples import (
    NAME,
    annotate,
    declaration,
    detected,
    documents,
    documents_by_key,
    judge,
)
from support.toy_detectors import scene

from autolabel_core.tables.embeddings import Embeddings
from autolabel_core.tables.reference_set import ReferenceSet
from autolabel_core.tables.taxonomy_labels import TaxonomyLabels


def test_confirmed_and_corrected_boxes_are_references_and_label_the_rest(blocks, bring_up_to_date):
    ws = blocks()
    judge(ws, "red.png", 0, "confirmed", payload={"category": "warm"})
    judge(ws, "green.png", 0, "corrected", "leaf")
    bring_up_to_date(ws, NAME)
    found = documents_by_key(ws, "kind:eq:detection")
    said = {k: (r["verified_class"], r["label_source"], r["verdict"]) for k, r in found.items()}
    assert said == {
        "red.png#det_0": ("red", "human", "confirmed"),
        "green.png#det_0": ("leaf", "human", "corrected"),
        "both.png#det_0": ("red", "auto", None),
        "both.png#det_1": ("leaf", "auto", None),
    }
    assert found["both.png#det_0"]["object_category"] == "warm"
    assert found["red.png#det_0"]["object_category"] == "warm"


def test_a_false_positive_is_no_reference_and_is_not_labelled(blocks, bring_up_to_date):
    ws = blocks()
    judge(ws, "red.png", 0, "confirmed")
    judge(ws, "both.png", 0, "false_positive")
    bring_up_to_date(ws, NAME)
    record = documents_by_key(ws)["both.png#det_0"]
    assert (record["label"], record["label_source"], record["verdict"]) == (
        None,
        "human",
        "false_positive",
    )
    rows = ReferenceSet(ws.open(NAME)).load().rows
    assert [row["key"] for row in rows] == ["red.png#det_0"]


def test_a_missed_box_becomes_a_reference_when_a_detector_finds_it(blocks, home, bring_up_to_date):
    ws = blocks(declared=declaration(confidence_threshold=0.5))
    annotate(ws, "both.png", "missed", true_class="moss", xyxy_px=(31.0, 20.0, 50.0, 40.0))
    bring_up_to_date(ws, NAME)
    assert ReferenceSet(ws.open(NAME)).load().rows == []
    home.declare(NAME, declaration())
    bring_up_to_date(home.workspace, NAME)
    found = documents_by_key(home.workspace, "verified_class:eq:moss")
    assert {k: r["verdict"] for k, r in found.items()} == {
        "both.png#det_1": "missed",
        "green.png#det_0": None,
    }


def test_what_was_said_is_carried_to_another_version_by_place(blocks, home, bring_up_to_date):
    ws = blocks()
    judge(ws, "red.png", 0, "corrected", "brick")
    judge(ws, "both.png", 1, "corrected", "leaf")
    bring_up_to_date(ws, NAME)
    home.declare(NAME, declaration(version="2.0.0", parameters={"shift_px": 6.0}))
    bring_up_to_date(home.workspace, NAME)
    rows = ReferenceSet(home.workspace.open(NAME)).load().rows
    # 20 px wide and moved by 6: 14 / 26 = 0.54 of the union; 10 px wide: 4 / 16 is too little.
    assert {row["key"]: row["label"] for row in rows} == {
        "red.png#det_0": "brick",
        "both.png#det_1": "leaf",
    }
    home.declare(NAME, declaration(version="3.0.0", parameters={"shift_px": 8.0}))
    bring_up_to_date(home.workspace, NAME)
    assert ReferenceSet(home.workspace.open(NAME)).load().rows == []


def test_another_content_makes_what_was_said_stale(blocks, home, bring_up_to_date):
    ws = blocks()
    judge(ws, "red.png", 0, "confirmed")
    home.put(NAME, {"red.png": scene((10, 10, 30, 30, (241, 0, 0)))})
    bring_up_to_date(home.workspace, NAME)
    assert ReferenceSet(home.workspace.open(NAME)).load().rows == []
    assert detected(home.workspace).stale_annotations() == 1


def test_labels_and_images_change_over_together(blocks, home, bring_up_to_date):
    ws = blocks(declared={**declaration(), "batch_size": 2})
    judge(ws, "red.png", 0, "confirmed")
    bring_up_to_date(ws, NAME)
    before = documents(ws)
    declared = declaration(version="2.0.0", parameters={"shift_px": 2.0})
    home.declare(NAME, {**declared, "batch_size": 2})
    ws = home.workspace
    assert detected(ws).stale() == ["batch_000001", "batch_000002"]
    for table in (detected(ws), Embeddings(ws.open(NAME))):
        table.refresh("batch_000001")
    assert not TaxonomyLabels(ws.open(NAME)).refresh("batch_000001")
    assert documents(ws) == before
    detected(ws).refresh("batch_000002")
    assert documents(ws) == before
    bring_up_to_date(ws, NAME)
    after = {r["key"]: r for r in documents(ws)}
    assert after["red.png#det_0"]["bbox"]["x"] == 12.0
    assert after["red.png"]["detections"][0]["bbox"]["x"] == 12.0
    assert after["red.png#det_0"]["label_source"] == "human"
