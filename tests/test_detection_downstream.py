"""What boxes are good for: clusters, promotion, search, export, explanations, status, Dagster."""

from __future__ import annotations

import csv
import io

import pytest
from conftest import sweep_quietly
from PIL import Image
from support.detection_samples import NAME, SCENES, declaration, documents_by_key, image_of, judge
from support.grouped_angles import ask, clusters_by_key, definition
from support.toy_detectors import scene

from autolabel_core.clusters.promotion import confirm_promotion, propose_promotion
from autolabel_core.declarations.collections_folder import find_retriever
from autolabel_core.documents.explain import explain
from autolabel_core.documents.search import retrieve
from autolabel_core.exports import write_export
from autolabel_core.exports.label_exports_table import AnnotationExports
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.labelling.give_labels import GivenLabel, give_labels
from autolabel_core.labelling.promotion import promote
from autolabel_core.labelling.promotion_candidates import candidates
from autolabel_core.labelling.standing_predictions import standing_predictions
from autolabel_core.operations.advice import findings
from autolabel_core.operations.status import collection_status
from autolabel_core.tables.reference_set import ReferenceSet
from autolabel_core.tables.workspace import OpenCollection

URI = "mixpeek://block_detector@1.0.0/detection_embedding"


@pytest.fixture
def labelled(blocks):
    ws = blocks()
    judge(ws, "red.png", 0, "confirmed")
    judge(ws, "green.png", 0, "corrected", "leaf")
    sweep_quietly(ws, NAME)
    return ws


def test_what_the_tables_say_is_what_a_person_judges(labelled):
    image = image_of(labelled, "both.png")
    collection = labelled.open(NAME)
    said = standing_predictions(collection, [image["document_id"]], judging=True)
    version = "autolabel://block_detector@1.0.0/detections"
    assert {(p.class_name, p.xyxy_px, p.version) for p in said.by_id.values()} == {
        ("red", (2.0, 2.0, 12.0, 10.0), version),
        ("green", (30.0, 20.0, 50.0, 40.0), version),
    }
    assert said.looked_at == {image["content_hash"]: version}


def test_auto_labels_of_boxes_are_promoted_as_judgements_of_boxes(labelled):
    collection = labelled.open(NAME)
    chosen = candidates(collection, 0.9)
    assert {p.record["key"]: p.label for p in chosen} == {
        "both.png#det_0": "red",
        "both.png#det_1": "leaf",
    }
    assert promote(collection, chosen, "me") == 2
    words = {e.detection_id[-1]: e for e in labelled.ledger.box_annotations(NAME)[-2:]}
    assert (words["0"].label, words["1"].label) == ("confirmed", "corrected")
    assert words["1"].true_class == "leaf"
    sweep_quietly(labelled, NAME)
    assert promote(collection, chosen, "me") == 0
    assert len(ReferenceSet(collection).load().rows) == 4


def test_clusters_over_boxes_are_promoted_to_classes(blocks):
    many = {
        f"{colour}{i}.png": scene((5, 5, 25, 25, (230 * (i % 2 == 0) + 9 * i, 0, 0)))
        if colour == "r"
        else scene((5, 5, 25, 25, (0, 150 + i, 0)))
        for colour in "rg"
        for i in range(1, 9)
    }
    clusters = [definition(feature_uris=[URI], preprocessing_steps=[])]
    ws = blocks(many, {**declaration(confidence_threshold=0.0), "clusters": clusters})
    ask(ws, collection=NAME)
    sweep_quietly(ws, NAME)
    found = clusters_by_key(ws, collection=NAME)
    greens = {found[f"g{i}.png#det_0"] for i in range(1, 9)}
    reds = {found[f"r{i}.png#det_0"] for i in range(1, 9)}
    assert len(greens) == len(reds) == 1
    assert greens != reds
    (cluster,) = greens
    proposal = propose_promotion(ws.open(NAME), cluster, "leaf", core=2)
    assert confirm_promotion(ws, proposal, "me", force=True) == 2
    words = ws.ledger.box_annotations(NAME)
    assert {(w.label, w.predicted_class, w.true_class) for w in words} == {
        ("corrected", "green", "leaf")
    }
    sweep_quietly(ws, NAME)
    labels = {k: r["verified_class"] for k, r in documents_by_key(ws, "kind:eq:detection").items()}
    assert {labels[f"g{i}.png#det_0"] for i in range(1, 9)} == {"leaf"}


def test_a_retriever_of_the_field_surfaces_unsure_boxes(blocks, home):
    filters = {"AND": [{"field": "detections.0.confidence", "operator": "lt", "value": 0.8}]}
    search = {"feature_uri": URI, "query": "{{INPUT.query}}", "top_k": 10}
    stage = {
        "stage_name": "low_confidence",
        "stage_type": "filter",
        "config": {
            "stage_id": "feature_search",
            "parameters": {"searches": [search], "filters": filters},
        },
    }
    retriever = {"retriever_name": "detection_review", "stages": [stage]}
    ws = blocks(declared={**declaration(), "retrievers": [retriever]})
    collection, declared = find_retriever(ws.collections, "ret_detection_review")
    found = retrieve(OpenCollection(ws, collection), declared, {"query": "red.png#det_0"})
    assert [(r["key"], round(r["score"], 6)) for r in found] == [
        ("both.png#det_0", 1.0),
        ("both.png#det_1", 0.0),
    ]


def test_tables_and_crops_are_exported(labelled, tmp_path):
    exports = AnnotationExports(labelled.open(NAME))
    write_export("csv", exports.documents(), tmp_path / "csv")
    text = next((tmp_path / "csv").glob("*.csv")).read_text(encoding="utf-8")
    rows = {row["key"]: row["label"] for row in csv.DictReader(io.StringIO(text))}
    assert rows["green.png#det_0"] == "leaf"
    assert len(rows) == 4
    write_export("image_folder", exports.documents(), tmp_path / "crops", exports.read_object())
    crops = sorted((tmp_path / "crops").rglob("*.png"))
    assert {path.parent.name for path in crops} == {"red", "leaf"}
    assert Image.open(next(p for p in crops if p.parent.name == "leaf")).size == (20, 20)


def test_a_label_is_traced_to_the_judgement_behind_it(labelled):
    traced = explain(labelled.open(NAME), "both.png#det_1")
    assert traced["document"]["verified_class"] == "leaf"
    because = traced["because"]
    assert because["key"] == "green.png#det_0"
    assert (because["annotations"][0]["label"], because["annotations"][0]["stale"]) == (
        "leaf",
        False,
    )


def test_boxes_are_not_labelled_like_objects(labelled):
    with pytest.raises(AutolabelError, match="autolabel annotate"):
        given = [GivenLabel("red.png#det_0", "red")]
        give_labels(labelled.open(NAME), given, "me", "cli")


def test_status_counts_images_and_boxes_apart(labelled):
    numbers = collection_status(labelled.open(NAME))
    assert (numbers["objects"], numbers["detections"]) == (4, 4)
    assert (numbers["images_without_detections"], numbers["quarantined"]) == (1, 0)
    assert (numbers["human"], numbers["auto"], numbers["review_queue"]) == (2, 2, 0)
    (check,) = [f for f in findings(numbers) if f.name == "images_with_detections"]
    assert check.passed
    many = {**numbers, "images_without_detections": 3}
    (check,) = [f for f in findings(many) if f.name == "images_with_detections"]
    assert "3 of 4 images have no detection (75.0%)" in check.text
    assert not check.passed


def test_a_separate_collection_of_crops_labels_boxes(workspace, home):
    crops = {"leaf.png": (0, 200, 0), "brick.png": (200, 0, 0)}
    catalogue = {
        "feature_extractor": {
            "feature_extractor_name": "colour_extractor",
            "field_passthrough": ["verified_class"],
        }
    }
    declared = declaration()
    declared["taxonomy"] = {
        "field_to_enrich": "verified_class",
        "reference": "verified_objects",
        "confidence_threshold": 0.75,
    }
    ws = workspace(
        {NAME: declared, "verified_objects": catalogue},
        {NAME: SCENES, "verified_objects": crops},
    )
    sweep_quietly(ws, "verified_objects")
    given = [GivenLabel("leaf.png", "leaf"), GivenLabel("brick.png", "brick")]
    give_labels(ws.open("verified_objects"), given, "me", "cli")
    sweep_quietly(ws, "verified_objects")
    sweep_quietly(ws, NAME)
    found = documents_by_key(home.workspace, "kind:eq:detection")
    assert {k: r["verified_class"] for k, r in found.items()} == {
        "both.png#det_0": "brick",
        "both.png#det_1": "leaf",
        "green.png#det_0": "leaf",
        "red.png#det_0": "brick",
    }
