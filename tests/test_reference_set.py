import json
import math

import numpy as np
import pytest
from support.angle_samples import label

from autolabel_core.foundation.statistics import wilson_interval
from autolabel_core.ledger import Annotation
from autolabel_core.tables.reference_set import ReferenceSet
from autolabel_core.tables.references import ReferenceVectors, leave_one_out_report


def reference_set(workspace):
    return ReferenceSet(workspace.open("angles"))


def rows_of(workspace):
    return {row["key"]: row for row in reference_set(workspace).load().rows}


def promoted(workspace, key, label_):
    held = reference_set(workspace)
    batch = workspace.warehouse.read_table(held.embeddings.items.path("batch_000001")).to_pylist()
    row = next(row for row in batch if row["key"] == key)
    return Annotation(
        collection="angles",
        document_id=row["document_id"],
        key=key,
        label=label_,
        content_hash=row["content_hash"],
        annotator="me",
        origin="promotion",
        source="promoted",
    )


def test_only_people_make_references(angles, bring_up_to_date):
    ws = angles({"a": 0, "b": 5, "c": 90, "d": 95}, {"a": "left", "c": "right"})
    ws.ledger.append_annotations([promoted(ws, "d", "right")])
    bring_up_to_date(ws, "angles")
    found = {key: (row["label"], row["label_source"]) for key, row in rows_of(ws).items()}
    assert found == {
        "a": ("left", "human"),
        "c": ("right", "human"),
        "d": ("right", "promoted"),
    }


def test_references_carry_vectors_of_their_content(angles):
    found = reference_set(angles({"a": 0, "b": 90}, {"a": "left", "b": "up"})).load()
    by_key = {r["key"]: v for r, v in zip(found.rows, found.vectors, strict=True)}
    assert np.allclose([by_key["a"], by_key["b"]], [[1, 0], [0, 1]], atol=1e-6)
    assert [r["document_id"] for r in found.rows] == sorted(r["document_id"] for r in found.rows)


def test_withdrawn_overwritten_and_deleted_references_go(angles, home, bring_up_to_date):
    ws = angles({"a": 0, "b": 1, "c": 2}, {"a": "left", "b": "left", "c": "left"})
    label(ws, {"a": None})
    home.put("angles", {"b": 50})
    (home.paths.buckets / "angles/c").unlink()
    bring_up_to_date(ws, "angles")
    assert rows_of(ws) == {}
    home.put("angles", {"b": 1})
    bring_up_to_date(ws, "angles")
    assert list(rows_of(ws)) == ["b"]


def test_fields_come_from_the_metadata_and_then_from_the_annotation(angles, home, bring_up_to_date):
    sidecar = json.dumps({"room": 12, "floor": "2"})
    ws = angles({"a": 0, "a.json": sidecar, "b": 3}, {"a": "left", "b": "left"})
    assert rows_of(ws)["a"]["fields"] == {"room": 12, "floor": "2"}
    label(ws, {"a": "left"}, room="hall")
    bring_up_to_date(ws, "angles")
    assert rows_of(ws)["a"]["fields"] == {"room": "hall", "floor": "2"}


def test_uploads_without_labels_leave_the_file_as_it_was(angles, home, bring_up_to_date):
    ws = angles({"a": 0, "b": 90}, {"a": "left", "b": "up"}, batch_size=2)
    file = reference_set(ws).path()
    before, made = file.read_bytes(), file.stat().st_mtime_ns
    home.put("angles", {"c": 45, "d": 46})
    bring_up_to_date(ws, "angles")
    assert (file.read_bytes(), file.stat().st_mtime_ns) == (before, made)


def test_a_rebuilt_file_has_the_same_bytes(angles, bring_up_to_date):
    ws = angles({"a": 0, "b": 90, "c": 3}, {"a": "left", "b": "up", "c": "left"})
    file = reference_set(ws).path()
    before = file.read_bytes()
    file.unlink()
    bring_up_to_date(ws, "angles")
    assert file.read_bytes() == before


def unit(degrees):
    radians = [math.radians(d) for d in degrees]
    return np.array([[math.cos(r), math.sin(r)] for r in radians], np.float32)


def references(labels, degrees):
    rows = [
        {"document_id": f"d{i:03d}", "key": f"k{i}", "content_hash": "", "label": name}
        | {"label_source": "human", "fields": {}, "metadata": {}}
        for i, name in enumerate(labels)
    ]
    return ReferenceVectors(rows, unit(degrees), "autolabel://x@v1/y", "1", "autolabel://x@v1/y")


def naive_agreement(labels, degrees):
    agree = asked = 0
    for i, name in enumerate(labels):
        if labels.count(name) == 1:
            continue
        asked += 1
        distance = {j: abs(degrees[i] - degrees[j]) for j in range(len(labels)) if j != i}
        agree += labels[min(distance, key=distance.get)] == name
    return agree, asked


@pytest.mark.parametrize(
    ("labels", "degrees"),
    [
        (["a", "a", "b", "b"], [0, 2, 40, 41]),
        (["a", "b", "a", "b"], [0, 2, 5, 9]),
        (["a", "a", "b"], [0, 3, 50]),
        (["a", "a", "a", "b", "b"], [0, 10, 13, 14, 60]),
    ],
)
def test_agreement_is_that_of_the_nearest_other(labels, degrees):
    agree, asked = naive_agreement(labels, degrees)
    judged = leave_one_out_report(references(labels, degrees))
    assert judged["leave_one_out_agreement"] == agree / asked
    assert (judged["agreement_low"], judged["agreement_high"]) == wilson_interval(agree, asked)


@pytest.mark.parametrize("labels", [[], ["a"], ["a", "b"], ["a", "b", "c"]])
def test_without_two_of_a_label_there_is_nothing_to_agree_about(labels):
    judged = leave_one_out_report(references(labels, list(range(len(labels)))))
    assert judged["leave_one_out_agreement"] is None
    assert judged["references"] == len(labels)


def test_the_disagreeing_are_listed_most_similar_first():
    judged = leave_one_out_report(
        references(["a", "b", "a", "b", "a", "b"], [0, 1, 30, 33, 60, 62])
    )
    pairs = [(entry["key"], entry["nearest_key"]) for entry in judged["disagreeing"]]
    assert pairs == [
        ("k0", "k1"),
        ("k1", "k0"),
        ("k4", "k5"),
        ("k5", "k4"),
        ("k2", "k3"),
        ("k3", "k2"),
    ]
    scores = [entry["score"] for entry in judged["disagreeing"]]
    assert scores == sorted(scores, reverse=True)


def test_near_duplicates_are_listed_also_under_two_labels():
    judged = leave_one_out_report(references(["a", "b", "a"], [0, 0.5, 40]))
    found = {(e["key"], e["label"], e["nearest_label"]) for e in judged["near_duplicates"]}
    assert found == {("k0", "a", "b"), ("k1", "b", "a")}


def test_the_judgement_is_stored_and_not_computed_again(angles, monkeypatch):
    ws = angles({"a": 0, "b": 1, "c": 90}, {"a": "left", "b": "left", "c": "up"})
    monkeypatch.setattr(ReferenceVectors, "leave_one_out", None)
    report = reference_set(ws).report()
    assert report["leave_one_out_agreement"] == 1.0
    assert report["labels"] == [
        {"label": "left", "label_source": "human", "references": 2},
        {"label": "up", "label_source": "human", "references": 1},
    ]


def test_there_is_a_judgement_before_there_is_a_file(workspace):
    ws = workspace({"angles": "feature_extractor: {feature_extractor_name: angle_extractor}\n"})
    assert reference_set(ws).judgement() == {
        "references": 0,
        "labels": [],
        "leave_one_out_agreement": None,
    }
