"""`autolabel doubts`: wrong labels are listed with evidence, decided about, and stay decided."""

import json

import pytest
from click.testing import CliRunner
from support.angle_samples import NAME, declaration

from autolabel_app.cli import root
from autolabel_core import Project
from autolabel_core.documents.explain import explain
from autolabel_core.foundation.errors import AutolabelError, NotFoundError
from autolabel_core.labelling.doubts import doubts
from autolabel_core.labelling.forget import forget
from autolabel_core.labelling.give_labels import GivenLabel, give_labels
from autolabel_core.labelling.settle_doubt import settle_doubt

# Ten degrees apart: near, and no near-duplicates of each other.
OBJECTS = {f"k{i:02d}": 10 * i for i in range(30)}
RIGHT = {key: ("east", "north", "west")[i // 10] for i, key in enumerate(OBJECTS)}
WRONG = "k05"


def said(workspace, labels, annotator="ann"):
    given = [GivenLabel(key, label) for key, label in labels.items()]
    give_labels(workspace.open(NAME), given, annotator, "cli")


@pytest.fixture
def opened(angles, bring_up_to_date):
    """Make a collection whose labels are right but for one."""

    def make(objects=OBJECTS, labels=None):
        ws = angles(objects, {})
        said(ws, labels or {**RIGHT, WRONG: "west"})
        bring_up_to_date(ws, NAME)
        return ws

    return make


def listed(workspace):
    return [one["key"] for one in doubts(workspace.open(NAME))["doubts"]]


def test_the_wrong_label_is_first_with_its_evidence(opened):
    ws = opened()
    report = doubts(ws.open(NAME))
    first = report["doubts"][0]
    assert (first["key"], first["label"], first["proposed_label"]) == (WRONG, "west", "east")
    assert {one["label"] for one in first["neighbours"]} == {"east"}
    assert [one["key"] for one in first["neighbours"][:2]] == ["k04", "k06"]
    assert first["probability_by_others"] < first["proposed_probability_by_others"]
    assert first["annotations"][0]["annotator"] == "ann"
    assert first["excerpt"] == "50"
    assert (report["references"], report["judged"], report["settled"]) == (30, 30, 0)
    assert listed(ws) == [one["key"] for one in report["doubts"]]


def test_the_list_is_the_same_from_its_file_and_without_it(opened):
    ws = opened()
    first = doubts(ws.open(NAME))
    (file,) = ws.paths.cache.rglob("held_out_labels.json")
    assert doubts(ws.open(NAME)) == first
    file.write_text("{damaged")
    assert doubts(ws.open(NAME)) == first
    file.unlink()
    assert doubts(ws.open(NAME)) == first


@pytest.mark.parametrize("by", ["ann", "ben"])
def test_a_kept_label_does_not_come_back(opened, bring_up_to_date, by):
    ws = opened()
    before = listed(ws)
    settle_doubt(ws.open(NAME), WRONG, "keep", by)
    assert listed(ws) == [key for key in before if key != WRONG]
    assert doubts(ws.open(NAME))["settled"] == 1
    said(ws, {"k00": "east"}, "cy")
    bring_up_to_date(ws, NAME)
    assert WRONG not in listed(ws)


def test_a_changed_label_is_the_document_s_and_the_old_one_is_no_new_evidence(
    opened, bring_up_to_date
):
    ws = opened()
    settled = settle_doubt(ws.open(NAME), WRONG, "change", "ben", "east", "looked again")
    assert settled.report is not None
    assert settled.report.labelled == 1
    assert WRONG not in listed(ws)
    assert doubts(ws.open(NAME))["changed_since"] == 1
    bring_up_to_date(ws, NAME)
    report = doubts(ws.open(NAME))
    assert report["changed_since"] == 0
    assert WRONG not in [one["key"] for one in report["doubts"]]
    traced = explain(ws.open(NAME), WRONG)
    assert traced["document"]["label"] == "east"
    assert traced["annotations"][-1]["origin"] == "doubts"
    assert traced["annotations"][-1]["reason"] == "looked again"


def test_another_person_s_word_is_new_evidence(opened, bring_up_to_date):
    ws = opened()
    settle_doubt(ws.open(NAME), WRONG, "keep", "ann")
    said(ws, {WRONG: "north"}, "ben")
    said(ws, {WRONG: "west"}, "cy")
    bring_up_to_date(ws, NAME)
    (again,) = [one for one in doubts(ws.open(NAME))["doubts"] if one["key"] == WRONG]
    assert [word["label"] for word in again["annotations"]] == ["west", "north", "west"]
    settle_doubt(ws.open(NAME), WRONG, "keep", "ann")
    assert WRONG not in listed(ws)


def test_near_duplicates_with_different_labels_are_listed_and_a_new_one_is_new_evidence(
    opened, bring_up_to_date
):
    ws = opened({**OBJECTS, "twin": 51, "later": 52}, {**RIGHT, "twin": "north"})
    first = doubts(ws.open(NAME))["doubts"][0]
    assert first["key"] == "twin"
    assert first["neighbours"][0]["near_duplicate"]
    assert WRONG not in listed(ws), "of the two the more doubtful one is meant"
    settle_doubt(ws.open(NAME), "twin", "keep", "ann")
    settle_doubt(ws.open(NAME), WRONG, "keep", "ann")
    assert not {"twin", WRONG} & set(listed(ws))
    said(ws, {"later": "north"})
    bring_up_to_date(ws, NAME)
    assert WRONG in listed(ws)
    said(ws, {"later": "east"})
    bring_up_to_date(ws, NAME)
    assert WRONG not in listed(ws)
    assert "twin" in listed(ws)


def test_a_withdrawn_label_is_none_and_another_person_s_stays(opened, bring_up_to_date):
    ws = opened()
    with pytest.raises(AutolabelError, match=r"no label by ben.*--annotator ann"):
        settle_doubt(ws.open(NAME), WRONG, "withdraw", "ben")
    assert ws.ledger.doubt_decisions(NAME) == []
    settle_doubt(ws.open(NAME), WRONG, "withdraw", "ann")
    assert WRONG not in listed(ws), "before the sweep already"
    assert doubts(ws.open(NAME))["changed_since"] == 1
    with pytest.raises(AutolabelError, match="no longer 'west'"):
        settle_doubt(ws.open(NAME), WRONG, "keep", "ann")
    bring_up_to_date(ws, NAME)
    assert WRONG not in listed(ws)
    assert explain(ws.open(NAME), WRONG)["document"]["label_source"] != "human"


def test_another_content_is_another_thing_to_decide_about(opened, bring_up_to_date, tmp_path):
    ws = opened()
    settle_doubt(ws.open(NAME), WRONG, "keep", "ann")
    (file,) = [p for p in ws.paths.buckets.rglob(f"{WRONG}*") if p.is_file()]
    file.write_text("50.5")
    with pytest.raises(AutolabelError, match="changed since the last sweep"):
        settle_doubt(ws.open(NAME), WRONG, "keep", "ann")
    bring_up_to_date(ws, NAME)
    said(ws, {WRONG: "west"})
    bring_up_to_date(ws, NAME)
    assert WRONG in listed(ws)


@pytest.mark.parametrize(
    ("key", "decision", "label", "problem"),
    [
        ("k055", "keep", None, "Did you mean"),
        ("k05", "change", None, "new label"),
        ("k05", "keep", "east", "new label"),
        ("k05", "change", "west", "already"),
        ("k05", "change", "null", "withdraw"),
        ("k05", "change", "  ", "only whitespace"),
    ],
)
def test_what_cannot_be_decided_is_refused_and_nothing_is_recorded(
    opened, key, decision, label, problem
):
    ws = opened()
    before = len(ws.ledger.annotations(NAME))
    with pytest.raises(AutolabelError, match=problem):
        settle_doubt(ws.open(NAME), key, decision, "ann", label)
    assert ws.ledger.doubt_decisions(NAME) == []
    assert len(ws.ledger.annotations(NAME)) == before


def test_a_label_that_was_changed_meanwhile_wants_a_sweep_first(opened):
    ws = opened()
    said(ws, {WRONG: "north"}, "ben")
    with pytest.raises(AutolabelError, match="no longer 'west'"):
        settle_doubt(ws.open(NAME), WRONG, "keep", "ann")


def test_without_labels_there_is_no_doubt(angles):
    ws = angles(OBJECTS, {})
    report = doubts(ws.open(NAME))
    assert (report["references"], report["doubts"]) == (0, [])
    with pytest.raises(NotFoundError):
        settle_doubt(ws.open(NAME), WRONG, "keep", "ann")


def test_decisions_about_forgotten_documents_are_blanked(opened, bring_up_to_date):
    ws = opened()
    settle_doubt(ws.open(NAME), WRONG, "keep", "ann")
    (file,) = [p for p in ws.paths.buckets.rglob(f"{WRONG}*") if p.is_file()]
    file.unlink()
    bring_up_to_date(ws, NAME)
    counts = forget(ws.open(NAME), [WRONG]).ledger_rows
    assert counts["doubt_decisions"] == 1
    (blanked,) = ws.ledger.doubt_decisions(NAME)
    assert (blanked.key, blanked.label, blanked.annotator) == ("(forgotten)", "(forgotten)", "ann")
    assert listed(ws) is not None


# --- command line, handle and API


def run(workspace, *arguments):
    environment = {
        "AUTOLABEL_HOME": str(workspace.paths.home),
        "AUTOLABEL_COLLECTIONS": str(workspace.paths.collections),
        "AUTOLABEL_ANNOTATOR": "ann",
    }
    return CliRunner(env=environment).invoke(root, ["doubts", NAME, *arguments])


def test_the_command_lists_shows_and_records(opened):
    ws = opened()
    text = run(ws).output
    assert text.splitlines()[1].split()[1:4] == [WRONG, "west", "east"]
    assert "of 30 labels are contradicted" in text
    shown = run(ws, WRONG).output
    assert "Proposed: east" in shown
    assert "nearest reference" in shown
    assert json.loads(run(ws, "--json", "--limit", "1").output)["doubts"][0]["key"] == WRONG
    assert (
        "was west, and is east from the next sweep on" in run(ws, WRONG, "--change", "east").output
    )
    (decision,) = ws.ledger.doubt_decisions(NAME)
    assert (decision.decision, decision.new_label, decision.annotator) == ("change", "east", "ann")
    for wrong in (["--keep"], [WRONG, "--keep", "--withdraw"]):
        result = run(ws, *wrong)
        assert isinstance(result.exception, AutolabelError)
        assert "Nothing was recorded" in str(result.exception)


def test_the_handle_and_the_api_do_the_same(opened):
    from fastapi.testclient import TestClient

    from autolabel_app.serve.application import create_app

    ws = opened()
    with TestClient(create_app(Project(ws)), base_url="http://localhost") as client:
        address = f"/v1/collections/{NAME}/doubts"
        found = client.get(address, params={"limit": 1}).json()
        assert found == Project(ws).collection(NAME).doubts(1)
        document = found["doubts"][0]["document_id"]
        answer = client.post(
            f"{address}/{document}",
            json={"decision": "change", "label": "east"},
            headers={"X-Annotator": "ben"},
        )
        assert answer.json()["new_label"] == "east"
        assert answer.json()["payload"]["labels"] == ["west", "east"]
        assert client.post(f"{address}/{document}", json={"decision": "keep"}).status_code == 422
        assert client.post(f"{address}/nothing", json={"decision": "keep"}).status_code == 404
        kept = {"decision": "keep", "reason": "nobody would read this"}
        half = {"decision": "change", "label": "north", "reason": "half \ud800"}
        for body in ({"decision": "both"}, kept, half):
            answer = client.post(f"{address}/{document}", content=json.dumps(body))
            assert answer.status_code == 422
            assert answer.headers["content-type"] == "application/problem+json"
    assert ws.ledger.annotations(NAME)[-1].annotator == "ben"


def test_boxes_have_a_queue_of_their_own(workspace):
    declared = {**declaration(), "detection": {"detector_name": "block_detector"}}
    declared["feature_extractor"] = {"feature_extractor_name": "colour_extractor"}
    ws = workspace({NAME: declared}, {NAME: {}})
    with pytest.raises(AutolabelError, match="autolabel review"):
        doubts(ws.open(NAME))
