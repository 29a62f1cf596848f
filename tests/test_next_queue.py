"""The queue of documents to label next, through the handle, the command line and the API."""

from __future__ import annotations

import json

import pytest
from support.angle_samples import NAME, declaration, label

from autolabel_core import Project
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.labelling.forget import forget
from autolabel_core.ledger import Annotation
from autolabel_core.matching.next_labels.pace import LabelPace
from autolabel_core.tables import label_candidates

CROWD = {f"low{i}": i for i in range(-12, 13, 3)}  # nine within 24 degrees
FEW = {f"high{i}": i for i in range(85, 100, 5)}
OBJECTS = {**CROWD, **FEW, "none": "no number"}
WHY = {"typical", "unsure", "unknown"}


def queue(ws, most=20):
    return Project(ws).collection(NAME).next(most)


def keys(ws, most=20):
    return [one["key"] for one in queue(ws, most)]


def group(key):
    return key.rstrip("-0123456789")


def candidate_files(home):
    return sorted((home.paths.warehouse / NAME).rglob(".candidates/*.arrow"))


def test_before_any_label_the_middle_of_the_crowd_comes_first_and_then_the_others(angles):
    found = queue(angles(OBJECTS))
    assert (found[0]["key"], group(found[1]["key"])) == ("low0", "high")
    assert {one["reason"] for one in found} == {"typical"}
    assert found[0]["alike"] == 9
    assert found[0]["suggested_label"] is None
    assert "none" not in [one["key"] for one in found], "quarantined"
    assert len(found) < len(CROWD) + len(FEW), "near-duplicates are left out"
    gains = [one["gain"] for one in found]
    assert gains == sorted(gains, reverse=True) and 0 < sum(gains) <= 1


def test_a_label_counts_before_the_next_sweep_and_a_withdrawn_one_does_not(angles):
    ws = angles(OBJECTS)
    before = keys(ws)
    label(ws, {"low0": "low"})
    after = keys(ws)
    assert "low0" not in after and group(after[0]) == "high", "nor is its like asked about first"
    label(ws, {"low0": None})
    assert keys(ws) == before


def test_labels_of_people_are_never_asked_about_again_and_the_queue_ends(
    angles, home, bring_up_to_date
):
    ws = angles(OBJECTS)
    asked = []
    while more := keys(ws, 2):
        assert not set(more) & set(asked)
        asked += more
        label(ws, {key: group(key) for key in more})
        bring_up_to_date(ws, NAME)
        ws = home.workspace
    assert {group(key) for key in asked} == {"low", "high"}
    assert queue(ws, 0) == []


def test_what_lies_between_two_labels_is_unsure(angles):
    degrees = {**CROWD, **FEW, "between": 45}
    labels = {key: group(key) for key in ("low0", "low-6", "low6", "high85", "high90", "high95")}
    ws = angles(degrees, labels, declared=declaration(score="probe"))
    first = queue(ws)[0]
    assert first["key"] == "between"
    assert first["suggested_label"] in ("low", "high")
    assert first["reason"] in ("unsure", "unknown")


@pytest.mark.parametrize("labels", [{}, {"low0": "low"}, {"low0": "low", "high85": "high"}])
@pytest.mark.parametrize("score", ["nearest", "vote", "auto", "probe"])
def test_any_score_and_any_number_of_labels_gives_a_queue_that_repeats(angles, home, labels, score):
    ws = angles(OBJECTS, labels, declared=declaration(score=score))
    found = queue(ws)
    assert found and not set(labels) & {one["key"] for one in found}
    assert {one["reason"] for one in found} <= WHY
    (file,) = candidate_files(home)
    made = file.read_bytes()
    file.unlink()
    for note in home.paths.cache.rglob("doubt_*.json"):
        note.unlink()
    assert queue(home.workspace) == found
    assert candidate_files(home)[0].read_bytes() == made


def test_a_damaged_or_unwritable_file_changes_nothing(angles, home):
    ws = angles(OBJECTS)
    found = queue(ws)
    (file,) = candidate_files(home)
    file.write_bytes(file.read_bytes()[:-200])
    for note in home.paths.cache.rglob("doubt_*.json"):
        note.write_text("{")
    assert queue(home.workspace) == found


def test_an_upload_is_a_candidate_after_its_sweep(angles, home, bring_up_to_date):
    ws = angles(OBJECTS)
    assert "new" not in keys(ws)
    home.put(NAME, {"new": 200})
    bring_up_to_date(ws, NAME)
    assert "new" in keys(home.workspace)


def test_further_documents_come_where_those_of_the_sample_are_labelled(
    angles, home, bring_up_to_date, monkeypatch
):
    monkeypatch.setattr(label_candidates, "PART_SIZE", 4)
    monkeypatch.setattr("autolabel_core.labelling.next_labels.PART_SIZE", 4)
    ws = angles({f"d{i}": i * 30 for i in range(12)})
    assert sorted(keys(ws, 12)) == sorted(f"d{i}" for i in range(12)), "none twice, none missing"
    first = keys(ws, 4)
    label(ws, dict.fromkeys(first, "seen"))
    bring_up_to_date(ws, NAME)
    assert not set(keys(home.workspace, 4)) & set(first)


def test_a_collection_without_a_taxonomy_and_one_labelled_on_demand_have_a_queue(
    angles, home, bring_up_to_date
):
    without = {key: value for key, value in declaration().items() if key != "taxonomy"}
    ws = angles(OBJECTS, {"low0": "low", "high90": "high"}, declared=without)
    assert "low0" not in keys(ws)
    home.declare(NAME, declaration(execution_mode="on_demand"))
    bring_up_to_date(home.workspace, NAME)
    found = queue(home.workspace)
    assert found and not {"low0", "high90"} & {one["key"] for one in found}


def test_an_interrupted_sweep_is_not_taken_for_nothing_to_ask(angles, home):
    angles(OBJECTS)
    for file in (home.paths.warehouse / NAME / "taxonomy_labels").glob("batch_*"):
        file.unlink()
    with pytest.raises(AutolabelError, match=f"autolabel sweep {NAME}"):
        queue(home.workspace)


def test_references_of_another_collection_answer_the_doubt(angles, home, bring_up_to_date):
    angles(OBJECTS, {"low0": "low", "high90": "high"})
    home.declare("other", declaration(reference=NAME))
    home.put("other", {"near": 2, "far": 180, "far2": 182})
    bring_up_to_date(home.workspace, "other")
    found = Project(home.workspace).collection("other").next(5)
    assert group(found[0]["key"]) == "far"
    assert found[0]["reason"] == "unknown"


def test_nothing_of_a_forgotten_document_is_kept(angles, home, bring_up_to_date):
    ws = angles(OBJECTS)
    queue(ws)
    (home.paths.buckets / NAME / "low0").unlink()
    bring_up_to_date(ws, NAME)
    forget(home.workspace.open(NAME), ["low0"])
    assert candidate_files(home) == []
    assert "low0" not in keys(home.workspace)


def test_what_has_no_vectors_and_what_is_boxes_is_refused_with_the_next_step(
    workspace, blocks, home
):
    ws = workspace({NAME: declaration()}, {NAME: OBJECTS})
    with pytest.raises(AutolabelError, match=f"autolabel sweep {NAME}"):
        queue(ws)
    blocks()
    with pytest.raises(AutolabelError, match="autolabel review blocks"):
        Project(home.workspace).collection("blocks").next()


def test_the_command_line_lists_keys_with_reasons(angles, run):
    angles(OBJECTS)
    code, out, _ = run("next", NAME, "--limit", "2")
    assert code == 0
    assert "low0" in out and "typical; about 9 documents are like it" in out
    _, out, _ = run("next", NAME, "--json", "--limit", "1")
    (one,) = json.loads(out)["documents"]
    assert (one["key"], one["reason"]) == ("low0", "typical")
    assert run("next", NAME, "--limit", "0")[1].startswith("Nothing to ask")


def test_the_time_that_labels_take_is_that_of_labels_given_one_by_one(angles, home, run):
    ws = angles(OBJECTS)
    assert Project(ws).collection(NAME).label_pace() is None
    assert "how long they take is not known" in run("next", NAME, "--limit", "2")[1]
    moments = [f"2026-01-01T00:00:{second:02d}+00:00" for second in range(0, 60, 5)]
    ws.ledger.append_annotations(
        [
            Annotation(NAME, f"doc_{i}", f"k{i}", "low", "0", "ann", "api", recorded_at=at)
            for i, at in enumerate(moments)
        ]
    )
    pace = Project(ws).collection(NAME).label_pace()
    assert pace == LabelPace(5.0, 5.0, 5.0, 11)
    out = run("next", NAME, "--limit", "2")[1]
    assert "they take about 0.2 minutes (0.2 to 0.2), by the last 11 decisions." in out
    assert json.loads(run("next", NAME, "--json")[1])["pace"]["seconds"] == 5.0


def test_the_api_lists_documents_in_the_order_of_the_queue(angles):
    from fastapi.testclient import TestClient

    from autolabel_app.serve.application import create_app

    ws = angles(OBJECTS)
    with TestClient(create_app(Project(ws)), base_url="http://localhost") as client:
        answer = client.get(f"/v1/collections/{NAME}/next", params={"limit": 3})
        assert answer.status_code == 200, answer.text
        results = answer.json()["results"]
        assert [one["key"] for one in results] == keys(ws, 3)
        assert results[0]["next"]["why"] == "typical; about 9 documents are like it"
        assert results[0]["label"] is None and results[0]["content_hash"]
        assert answer.json()["pace"] is None
        assert client.get(f"/v1/collections/{NAME}/next?limit=0").status_code == 422
        assert client.get("/v1/collections/nothing/next").status_code == 404


def test_the_sample_is_drawn_by_a_hash_and_not_by_the_order_of_keys(angles):
    ws = angles({f"d{i:02}": i * 7 for i in range(40)})
    ids = label_candidates.documents_by_hash(ws.open(NAME))
    assert ids != sorted(ids) and len(set(ids)) == 40


def test_of_samples_what_is_like_no_other_stays_so_and_the_gains_add_up(angles, monkeypatch):
    monkeypatch.setattr(label_candidates, "PART_SIZE", 5)
    monkeypatch.setattr("autolabel_core.labelling.next_labels.PART_SIZE", 5)
    found = queue(angles({**{f"low{i:02}": 3 * i for i in range(15)}, "far": 180}), 100)
    assert len(found) > 5
    assert sum(one["gain"] for one in found) <= 1 + 1e-5
    (far,) = [one for one in found if one["key"] == "far"]
    assert (far["alike"], far["why"]) == (1, "typical; no document is like it")
