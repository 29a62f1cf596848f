"""Status names what keeps a collection from working, and not its symptoms alone."""

import json

import pytest
from support.angle_samples import NAME, declaration, label

from autolabel_core.notifications.webhooks import health
from autolabel_core.operations.advice import findings
from autolabel_core.operations.registration import register
from autolabel_core.operations.status import collection_status


def finding(workspace, name):
    numbers = collection_status(workspace.open(NAME))
    return next((f for f in findings(numbers) if f.name == name), None)


def test_a_filter_that_lets_no_reference_in_is_named(angles, bring_up_to_date, tmp_path, run):
    condition = {"field": "room", "operator": "eq", "value": "absent"}
    stages = [{"stage_id": "attribute_filter", "parameters": condition}]
    declared = declaration(retriever="rooms")
    declared["retrievers"] = [{"retriever_name": "rooms", "stages": stages}]
    ws = angles({"a": 0, "b": 5}, {"a": "left"}, declared)
    bring_up_to_date(ws, NAME)
    found = finding(ws, "retriever_lets_references_in")
    assert not found.passed
    assert "`rooms` accepts none of 1 references" in found.text
    file = tmp_path / "x.txt"
    file.write_text("3")
    status, _, err = run("classify", NAME, str(file))
    assert (status, "accepts none of the 1 references" in err) == (0, True)


@pytest.mark.parametrize("key", ["Side", "sides", "s_ide", "SIDE "])
def test_a_misspelt_label_field_is_named(angles, home, bring_up_to_date, key):
    ws = angles({"a": 0, "b": 5}, {})
    home.put(NAME, {"a.json": json.dumps({key: "left", "room": 1, "camera": 2})})
    bring_up_to_date(ws, NAME)
    text = finding(ws, "references_per_label").text
    assert f"no field `side`, which is declared as the label, but `{key}` (1 objects)" in text


def test_other_metadata_is_not_taken_for_the_label(angles, home, bring_up_to_date):
    ws = angles({"a": 0, "b": 5}, {})
    home.put(NAME, {"a.json": json.dumps({"room": 1, "camera": 2, "size": 3})})
    bring_up_to_date(ws, NAME)
    assert "The metadata" not in finding(ws, "references_per_label").text


@pytest.fixture
def slack(angles):
    hook = {"webhook_name": "team", "channel": "slack", "url_env": "SLACK_ADDRESS"}
    return angles({"a": 0}, {}, {**declaration(), "webhooks": [hook]})


def test_a_variable_that_an_endpoint_misses_is_a_finding(slack, monkeypatch):
    register(slack.open(NAME))
    found = finding(slack, "webhooks_delivered")
    assert not found.passed
    assert "SLACK_ADDRESS, which is not set" in found.text
    assert "2 events wait for it" in found.text
    monkeypatch.setenv("SLACK_ADDRESS", "https://hooks.example.org/x")
    found = finding(slack, "webhooks_delivered")
    assert found.passed
    assert "2 events wait for the next delivery" in found.text


def test_events_that_wait_for_long_are_a_finding(slack, monkeypatch):
    monkeypatch.setenv("SLACK_ADDRESS", "https://hooks.example.org/x")
    register(slack.open(NAME))
    monkeypatch.setattr(health, "LATE_MINUTES", 0.0)
    found = finding(slack, "webhooks_delivered")
    assert (found.passed, "2 events wait for angles/team/slack" in found.text) == (False, True)


def test_classify_says_why_nothing_can_be_compared(angles, run, tmp_path, bring_up_to_date):
    ws = angles({"a": 0}, {})
    bring_up_to_date(ws, NAME)
    file = tmp_path / "x.txt"
    file.write_text("3")
    status, _, err = run("classify", NAME, str(file))
    assert (status, "`angles` has no references yet" in err) == (0, True)
    label(ws, {"a": "left"})
    bring_up_to_date(ws, NAME)
    assert run("classify", NAME, str(file))[0] == 0
    status, out, _ = run("classify", NAME, str(file), str(tmp_path / "absent.txt"), "--json")
    assert status == 1
    assert [r["label"] for r in json.loads(out)] == ["left", None]
    assert "No such file" in json.loads(out)[1]["reason"]


def test_empty_places_are_said_so(run, home):
    home.paths.collections.mkdir(parents=True, exist_ok=True)
    status, _, err = run("sweep")
    assert (status, "declares no collection: put a YAML file there" in err) == (1, True)
    home.declare("c")
    status, _, err = run("sweep", "c")
    assert status == 0
    assert f"c: empty; put files into {home.paths.home / 'buckets' / 'c'}" in err


def test_a_score_with_a_single_label_asks_for_a_second_one(angles, bring_up_to_date):
    ws = angles({"a": 0, "b": 5, "c": 90}, {"a": "left"}, declaration(score="auto"))
    bring_up_to_date(ws, NAME)
    found = finding(ws, "references_balanced")
    assert not found.passed
    assert "as long as all references are left: label something else too" in found.text
    label(ws, {"c": "right"})
    bring_up_to_date(ws, NAME)
    assert finding(ws, "references_balanced").passed


def test_a_threshold_from_references_that_cannot_judge_each_other_names_the_cure(
    angles, bring_up_to_date, run
):
    ws = angles({"a": 0, "b": 90, "c": 5}, {"a": "left", "b": "right"}, declaration(score="auto"))
    bring_up_to_date(ws, NAME)
    status, _, err = run("threshold", NAME)
    assert status == 1
    assert "None of the 2 references" in err
    assert "two or more of at least two labels" in err


def test_texts_whose_encoding_is_a_guess_are_a_finding(angles, home, bring_up_to_date, run):
    ws = angles({"a": 0}, {})
    bring_up_to_date(ws, NAME)
    assert finding(ws, "encodings_known") is None
    home.put(NAME, {"hebrew.txt": "שלום".encode("cp1255")})
    bring_up_to_date(ws, NAME)
    assert "The encoding of 1 texts is a guess" in finding(ws, "encodings_known").text
    listed = run("documents", NAME, "--filter", "metadata.text_encoding_found:eq:assumed")[1]
    assert "hebrew.txt" in listed
