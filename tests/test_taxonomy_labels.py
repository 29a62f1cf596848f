import json

import numpy as np
import pytest
from support.angle_samples import declaration, label

from autolabel_core.documents.classifier import classify
from autolabel_core.documents.documents import Documents
from autolabel_core.labelling.audit import JudgedLabel, record_verdicts
from autolabel_core.operations.registration import register
from autolabel_core.tables.aligned_vectors import NOT_EMBEDDED
from autolabel_core.tables.embeddings import Embeddings
from autolabel_core.tables.label_report import chosen_for_sheet
from autolabel_core.tables.raw_objects import RawObjects
from autolabel_core.tables.reference_set import ReferenceSet
from autolabel_core.tables.taxonomy_labels import TaxonomyLabels


def documents(workspace, name="angles"):
    return {r["key"]: r for r in Documents(workspace.open(name)).find()}


def labels_of(workspace, name="angles"):
    return {k: (r["label"], r["label_source"]) for k, r in documents(workspace, name).items()}


def table_of(workspace, name="angles"):
    table = TaxonomyLabels(workspace.open(name))
    files = [table.path(batch) for batch in table.batches]
    return {r["key"]: r for file in files for r in table.warehouse.read_table(file).to_pylist()}


def test_the_nearest_reference_labels_what_is_near_enough(angles):
    found = labels_of(angles({"a": 0, "b": 20, "c": 30, "d": 90}, {"a": "left", "d": "up"}))
    assert found == {
        "a": ("left", "human"),
        "b": ("left", "auto"),
        "c": (None, None),
        "d": ("up", "human"),
    }


def test_a_persons_label_beats_a_nearer_reference(angles):
    found = angles({"a": 0, "b": 1, "c": 2}, {"a": "left", "b": "right", "c": "left"})
    assert labels_of(found)["b"] == ("right", "human")


def test_matched_means_auto_and_nothing_else(angles):
    rows = table_of(angles({"a": 0, "b": 1, "c": 2, "d": 90, "e": b""}, {"a": "left", "b": "left"}))
    assert {key for key, row in rows.items() if row["matched"]} == {"c"}
    for row in rows.values():
        assert row["matched"] == (row["label_source"] == "auto")
        assert (row["source_document_id"] is not None) == row["matched"]


def test_a_document_never_meets_itself(angles):
    rows = table_of(angles({"a": 0, "b": 60}, {"a": "left", "b": "up"}))
    assert rows["a"]["confidence"] == pytest.approx(0.5)
    assert rows["a"]["suggested_label"] == "up"
    assert [n["document_id"] for n in rows["a"]["neighbours"]] == [rows["b"]["document_id"]]


def test_two_documents_of_one_content_meet_each_other(angles):
    rows = table_of(angles({"a": 0, "b": 0}, {"a": "left"}))
    assert (rows["b"]["label"], rows["b"]["confidence"]) == ("left", 1.0)


def test_an_auto_label_is_never_a_reference(angles, home, bring_up_to_date):
    ws = angles({"a": 0, "b": 20}, {"a": "left"})
    assert labels_of(ws)["b"] == ("left", "auto")
    home.put("angles", {"c": 40})
    bring_up_to_date(ws, "angles")
    row = documents(ws)["c"]
    assert row["label"] is None
    assert row["taxonomy_match"]["confidence"] == pytest.approx(np.cos(np.radians(40)), abs=1e-6)


def test_fields_are_taken_from_the_match_but_own_values_win(angles):
    objects = {"a": 0, "b": 5, "c": 6, "c.json": '{"room": 7}', "d": 90}
    ws = angles(objects)
    label(ws, {"a": "left"}, room="hall")
    ws = angles(objects)
    assert {key: row["room"] for key, row in documents(ws).items()} == {
        "a": "hall",
        "b": "hall",
        "c": "7",
        "d": None,
    }


def test_enrichment_maps_source_to_target(angles):
    enrichment = [
        {"source": "payload.room", "target": "found_in"},
        {"source": "side", "target": "verified_side"},
        {"source": "label", "target": "same"},
    ]
    objects = {"a": 0, "a.json": '{"room": "hall"}', "b": 5, "c": 90}
    ws = angles(objects, {"a": "left"}, declaration(enrichment_fields=enrichment))
    found = documents(ws)
    assert (found["b"]["found_in"], found["b"]["verified_side"], found["b"]["same"]) == (
        "hall",
        "left",
        "left",
    )
    assert found["c"]["found_in"] is None
    assert (found["a"]["found_in"], found["a"]["verified_side"]) == ("hall", "left")


def test_hierarchical_labels_travel_whole(angles):
    ws = angles({"a": 0, "b": 5}, {"a": "Shoes > Running > Red"})
    assert labels_of(ws)["b"] == ("Shoes > Running > Red", "auto")


def test_thresholds_of_single_labels_count(angles):
    declared = declaration(label_thresholds={"left": 0.999, "up": 0.5})
    found = labels_of(
        angles({"a": 0, "b": 5, "c": 45, "d": 90}, {"a": "left", "d": "up"}, declared)
    )
    assert found["b"] == (None, None)
    assert found["c"] in {("up", "auto"), (None, None)}


def test_references_are_filtered_by_the_retriever(angles):
    stages = [
        {
            "stage_id": "attribute_filter",
            "parameters": {"field": "room", "operator": "eq", "value": "lab"},
        },
        {
            "stage_id": "feature_search",
            "parameters": {"searches": [{"min_score": 0.5, "top_k": 1}]},
        },
    ]
    declared = declaration(retriever="checked", confidence_threshold=0.1)
    retrievers = [{"retriever_name": "checked", "stages": stages}]
    objects = {"a": 0, "b": 20, "b.json": '{"room": "lab"}', "c": 5, "d": 90}
    labels = {"a": "left", "b": "right"}
    found = documents(angles(objects, labels, declared, retrievers=retrievers))
    assert (found["c"]["label"], found["c"]["label_source"]) == ("right", "auto")
    assert found["d"]["label"] is None
    assert found["d"]["taxonomy_match"]["confidence"] == pytest.approx(
        np.cos(np.radians(70)), abs=1e-6
    )


def test_the_separate_approach_labels_from_another_collection(workspace, bring_up_to_date):
    ws = workspace(
        {"known": declaration(), "angles": declaration(reference="known")},
        {"known": {"k": 0}, "angles": {"a": 5, "b": 90, "c": 91}},
    )
    bring_up_to_date(ws, "known")
    label(ws, {"k": "left"}, "known", room="hall")
    label(ws, {"c": "up"}, "angles")
    bring_up_to_date(ws, "known")
    bring_up_to_date(ws, "angles")
    assert labels_of(ws) == {"a": ("left", "auto"), "b": (None, None), "c": ("up", "human")}
    assert documents(ws)["a"]["room"] == "hall"


def test_a_label_that_an_audit_found_wrong_is_not_given_again(angles, home, bring_up_to_date):
    ws = angles({"a": 0, "b": 5, "c": 6}, {"a": "left"})
    record_verdicts(ws.open("angles"), [JudgedLabel("b", "left", "wrong", None, "")], "me")
    bring_up_to_date(ws, "angles")
    row = documents(ws)["b"]
    assert (row["label"], row["suggested_label"], row["taxonomy_match"]["matched"]) == (
        None,
        "left",
        False,
    )
    assert labels_of(ws)["c"] == ("left", "auto")
    home.put("angles", {"b": 4})
    bring_up_to_date(ws, "angles")
    assert labels_of(ws)["b"] == ("left", "auto")


def test_on_demand_stores_no_match_but_classifies(angles, tmp_path):
    ws = angles({"a": 0, "b": 5}, {"a": "left"}, declaration(execution_mode="on_demand"))
    assert labels_of(ws) == {"a": ("left", "human"), "b": (None, None)}
    assert documents(ws)["b"]["taxonomy_match"]["confidence"] is None
    file = tmp_path / "asked.txt"
    file.write_text("7")
    found = classify(ws.open("angles"), [file])
    assert (found[0]["label"], found[0]["taxonomy_match"]["matched"]) == ("left", True)


def test_without_a_taxonomy_only_people_label(angles):
    declared = {"feature_extractor": declaration()["feature_extractor"]}
    found = labels_of(angles({"a": 0, "b": 0}, {"a": "left"}, declared))
    assert found == {"a": ("left", "human"), "b": (None, None)}


def test_a_new_feature_version_takes_over_when_every_batch_has_it(
    angles, home, workspace, bring_up_to_date
):
    objects = {f"k{i}": i for i in range(4)}
    ws = angles(objects, {"k0": "left"}, batch_size=2)
    before = labels_of(ws)
    declared = declaration()
    declared["feature_extractor"]["version"] = "v2"
    ws = workspace({"angles": {**declared, "batch_size": 2}})
    collection = ws.open("angles")
    Embeddings(collection).refresh("batch_000001")
    for table in (ReferenceSet, TaxonomyLabels):
        assert table(collection).stale() == []
    assert ReferenceSet(collection).load().feature_uri.startswith("autolabel://angle_extractor@v1")
    assert labels_of(ws) == before
    bring_up_to_date(ws, "angles")
    assert ReferenceSet(collection).load().feature_uri.startswith("autolabel://angle_extractor@v2")
    assert labels_of(ws) == before


def test_labels_wait_for_no_vector_and_mix_up_no_document(angles, home, bring_up_to_date):
    ws = angles({"a": 0, "b": 90, "c": 5}, {"a": "left", "b": "up"})
    (home.paths.buckets / "angles/a").unlink()
    home.put("angles", {"z": 1, "c": 91})
    collection = ws.open("angles")
    register(collection)
    RawObjects(collection).refresh("batch_000001")
    TaxonomyLabels(collection).refresh("batch_000001")
    rows = table_of(ws)
    assert {key: row["reason"] for key, row in rows.items()} == {
        "b": None,
        "c": NOT_EMBEDDED,
        "z": NOT_EMBEDDED,
    }
    assert (rows["b"]["label"], rows["z"]["label"]) == ("up", None)
    bring_up_to_date(ws, "angles")
    assert labels_of(ws) == {"b": ("up", "human"), "c": ("up", "auto"), "z": (None, None)}


def test_the_report_counts_and_draws(angles):
    ws = angles({"a": 0, "b": 5, "c": 90}, {"a": "left"})
    table = TaxonomyLabels(ws.open("angles"))
    report, pictures = table.report("batch_000001"), table.pictures("batch_000001")
    assert [report[name] for name in ("documents", "human", "auto", "unlabelled")] == [3, 1, 1, 1]
    assert report["labels"] == [{"label": "left", "documents": 2}]
    assert pictures["confidence histogram"].startswith(b"\x89PNG")
    assert "contact sheet" not in pictures


def test_the_contact_sheet_shows_images_and_survives_missing_ones(
    workspace, home, bring_up_to_date
):
    colours = declaration()
    colours["feature_extractor"]["feature_extractor_name"] = "colour_extractor"
    reds = {f"r{i}.png": (200 + i, 0, 0) for i in range(5)}
    ws = workspace({"angles": colours}, {"angles": reds})
    bring_up_to_date(ws, "angles")
    label(ws, {"r0.png": "red"})
    bring_up_to_date(ws, "angles")
    labels = TaxonomyLabels(ws.open("angles"))
    whole = labels.pictures("batch_000001")["contact sheet"]
    (home.paths.buckets / "angles/r1.png").unlink()
    (home.paths.buckets / "angles/r2.png").write_bytes(b"")
    fewer = labels.pictures("batch_000001")["contact sheet"]
    assert whole.startswith(b"\x89PNG")
    assert fewer.startswith(b"\x89PNG")
    assert whole != fewer


def test_the_contact_sheet_chooses_from_all_corners():
    def row(key, source, confidence, reason=None):
        return {"key": key, "label_source": source, "confidence": confidence, "reason": reason}

    rows = [row(f"h{i}", "human", 0.1) for i in range(9)]
    rows += [row(f"a{i:02}", "auto", i / 100) for i in range(40)]
    rows += [row(f"u{i}", None, i / 100) for i in range(9)]
    rows += [row("broken", None, None, "cut"), row("alone", None, None)]
    keys = [chosen["key"] for chosen in chosen_for_sheet(rows)]
    assert keys[:4] == ["h0", "h1", "h2", "h3"]
    assert keys[4:12] == [f"a{i:02}" for i in range(39, 31, -1)]
    assert keys[12:20] == [f"a{i:02}" for i in range(7, -1, -1)]
    assert keys[20:] == ["u8", "u7", "u6", "u5"]
    few = [chosen["key"] for chosen in chosen_for_sheet(rows[9:19])]
    assert sorted(few) == [f"a{i:02}" for i in range(10)]


def test_metadata_rides_along(angles):
    ws = angles({"a": 0, "a.json": '{"camera_id": "north"}'})
    assert json.loads(table_of(ws)["a"]["metadata"]) == {"camera_id": "north"}
