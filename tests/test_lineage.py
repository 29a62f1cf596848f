import json

import pytest
from support.angle_samples import NAME, declaration, label

from autolabel_core.documents.explain import explain
from autolabel_core.foundation.errors import NotFoundError
from autolabel_core.labelling.audit import JudgedLabel, record_verdicts
from autolabel_core.labelling.promotion import promote
from autolabel_core.labelling.promotion_candidates import candidates


def explained(workspace, key, name=NAME):
    return explain(workspace.open(name), key)


def chain(traced):
    """Collection and key of each step, from the label to its origin."""
    steps = []
    while traced is not None:
        steps.append((traced["collection"], traced["key"]))
        traced = traced["because"]
    return steps


def test_an_auto_label_leads_to_its_reference_and_the_person(angles):
    traced = explained(angles({"a": 0, "b": 5}, {"a": "left"}), "b")
    assert chain(traced) == [(NAME, "b"), (NAME, "a")]
    assert traced["annotations"] == []
    person = traced["because"]["annotations"][0]
    assert (person["annotator"], person["origin"], person["label"]) == ("me", "cli", "left")
    assert person["stale"] is False
    json.dumps(traced)


def test_a_promoted_label_leads_to_what_it_was_matched_with(angles, bring_up_to_date):
    ws = angles({"a": 0, "b": 20, "c": 40}, {"a": "left"})
    promote(ws.open(NAME), candidates(ws.open(NAME)), "me")
    bring_up_to_date(ws, NAME)
    traced = explained(ws, "c")
    assert chain(traced) == [(NAME, "c"), (NAME, "b"), (NAME, "a")]
    assert traced["because"]["annotations"][0]["provenance"]["collection"] == NAME


def test_the_separate_approach_is_traced_across_collections(workspace, bring_up_to_date):
    ws = workspace(
        {"known": declaration(), NAME: declaration(reference="known")},
        {"known": {"k": 0}, NAME: {"a": 20, "b": 40}},
    )
    for name in ("known", NAME):
        bring_up_to_date(ws, name)
    label(ws, {"k": "left"}, "known")
    for name in ("known", NAME):
        bring_up_to_date(ws, name)
    promote(ws.open(NAME), candidates(ws.open(NAME)), "me")
    for name in ("known", NAME):
        bring_up_to_date(ws, name)
    assert chain(explained(ws, "b")) == [
        (NAME, "b"),
        ("known", "promoted/angles/a"),
        ("known", "k"),
    ]


def test_a_judgement_of_another_content_is_stale(angles, home):
    ws = angles({"a": 0}, {"a": "left"})
    home.put(NAME, {"a": 5})
    assert explained(ws, "a")["annotations"][0]["stale"] is True
    (home.paths.buckets / NAME / "a").unlink()
    assert explained(ws, "a")["annotations"][0]["stale"] is True


def test_what_cannot_be_read_is_explained_by_its_reason(angles):
    schema = {"bucket_schema": {"properties": {"camera": {"type": "text", "required": True}}}}
    ws = angles({"a": 0, "b": b""}, source=schema)
    assert "camera" in explained(ws, "a")["document"]["reason"]
    assert explained(ws, "b")["because"] is None


def test_an_unlabelled_document_has_no_because(angles):
    traced = explained(angles({"a": 0, "b": 90}, {"a": "left"}), "b")
    assert traced["document"]["label"] is None
    assert traced["because"] is None


def test_a_document_before_its_first_sweep_is_known(angles, home):
    ws = angles({"a": 0})
    home.put(NAME, {"b": 5})
    assert explained(ws, "b")["document"] is None


def test_an_unknown_key_suggests_the_nearest(angles):
    with pytest.raises(NotFoundError, match=r"'image_10'.*Did you mean 'image_1'"):
        explained(angles({"image_1": 0}), "image_10")


def outcome(workspace, key):
    decision = explained(workspace, key)["decision"]
    return decision["outcome"], decision["threshold"]


def test_a_label_that_an_audit_withheld_is_not_called_below_the_threshold(
    angles, bring_up_to_date, run
):
    ws = angles({"a": 0, "b": 5, "c": 90}, {"a": "left"})
    record_verdicts(ws.open(NAME), [JudgedLabel("b", "left", "wrong", None, "")], "me")
    bring_up_to_date(ws, NAME)
    assert outcome(ws, "b") == ("withheld_by_audit", 0.9)
    assert outcome(ws, "c") == ("below_threshold", 0.9)
    assert outcome(ws, "a") == ("labelled", None)
    assert "an audit found left wrong here" in run("explain", NAME, "b")[1]
    assert "below the threshold 0.9000; likeliest is left" in run("explain", NAME, "c")[1]


def test_without_references_there_is_nothing_to_be_below(angles):
    assert outcome(angles({"a": 0}), "a") == ("no_reference", None)


def test_another_threshold_than_that_of_the_last_sweep_is_said(angles, workspace):
    angles({"a": 0, "b": 40}, {"a": "left"})
    lower = workspace({NAME: declaration(confidence_threshold=0.5)}, {})
    assert outcome(lower, "b") == ("outdated", 0.5)
