"""Exports and models know which annotations they rest on, and are marked when one is revoked."""

import json

import pytest
from support.angle_samples import NAME, declaration, label

from autolabel_core.exports.atomic_folder import REVOKED_MARK
from autolabel_core.foundation.errors import NotFoundError
from autolabel_core.labelling.revocation import RevocationFilter, revoke
from autolabel_core.ledger import ModelVersion
from autolabel_core.models.registry import HEAD, ModelCard
from autolabel_core.operations.copied_home import label_copy
from autolabel_core.operations.dependents import dependents, mark_exports
from autolabel_core.operations.project import Project
from autolabel_core.operations.registration import register

OBJECTS = {"a": 0, "b": 10, "x": 180, "y": 170}


def handle(home):
    return Project(home.workspace).collection(NAME)


def event_on(ledger, key, label):
    return next(e for e in ledger.annotation_history(NAME) if (e.key, e.label) == (key, label))


def places(ledger, *events):
    return [export.place for export in dependents(ledger, events).exports]


def test_an_export_rests_on_what_held_when_it_was_written(angles, home, bring_up_to_date, tmp_path):
    angles(OBJECTS, {"a": "east", "x": "west"})
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    handle(home).export("csv", first)
    label(home.workspace, {"a": "south"})
    handle(home).export("csv", second)
    bring_up_to_date(home.workspace, NAME)
    handle(home).export("csv", third)
    ledger = home.workspace.ledger
    early, late = event_on(ledger, "a", "east"), event_on(ledger, "a", "south")
    # The second was written before a sweep, from tables that knew nothing of the new label.
    assert places(ledger, early) == [str(first), str(second)]
    assert places(ledger, late) == [str(third)]
    assert places(ledger, event_on(ledger, "x", "west")) == [str(first), str(second), str(third)]
    digests = [export.payload["labels_digest"] for export in ledger.exports(NAME)]
    assert len(set(digests)) == 2


def test_an_export_rests_on_what_was_said_while_its_labels_were_made(angles, home, tmp_path):
    angles(OBJECTS, {"a": "east", "x": "west"})
    register(home.workspace.open(NAME))
    label(home.workspace, {"a": "south"})
    label_copy(home.workspace, NAME)
    label(home.workspace, {"x": "north"})
    handle(home).export("csv", tmp_path / "out")
    ledger = home.workspace.ledger
    assert places(ledger, event_on(ledger, "a", "south")) == [str(tmp_path / "out")]
    assert places(ledger, event_on(ledger, "x", "north")) == []


def test_an_export_rests_on_the_references_of_another_collection(home, bring_up_to_date, tmp_path):
    home.declare("curated", declaration())
    home.declare(NAME, declaration(reference="curated"))
    home.put("curated", {"e": 0})
    home.put(NAME, OBJECTS)
    bring_up_to_date(home.workspace, "curated")
    label(home.workspace, {"e": "east"}, collection="curated")
    for name in ("curated", NAME):
        bring_up_to_date(home.workspace, name)
    handle(home).export("jsonl", tmp_path / "out")
    ledger = home.workspace.ledger
    (event,) = ledger.annotations("curated")
    assert places(ledger, event) == [str(tmp_path / "out")]


def test_an_export_of_an_earlier_moment_rests_on_what_held_then(angles, home, run, tmp_path):
    angles(OBJECTS, {"a": "east"})
    assert run("snapshot", "first")[0] == 0
    label(home.workspace, {"a": "south"})
    out = str(tmp_path / "out")
    assert run("export", NAME, "--format", "csv", "--out", out, "--as-of", "first")[0] == 0
    ledger = home.workspace.ledger
    assert places(ledger, event_on(ledger, "a", "east")) == [out]
    assert places(ledger, event_on(ledger, "a", "south")) == []


def test_a_revocation_marks_what_rests_on_it_until_it_is_undone(angles, home, run, tmp_path):
    ws = angles(OBJECTS, {"a": "east", "x": "west"})
    out = tmp_path / "out"
    handle(home).export("csv", out)
    until = ws.ledger.annotation_position(NAME).last
    for version, known in (("1.0.0", until), ("2.0.0", None), ("3.0.0", 1)):
        card = ModelCard("w", "data", None, {}, {}, (), "", "now", annotations_until=known)
        ws.ledger.append_model_version(ModelVersion(NAME, HEAD, version, "c", card.as_json()))
    west = event_on(ws.ledger, "x", "west")
    found = dependents(ws.ledger, [west])
    assert [m.version for m in found.models] == ["1.0.0"]
    assert [m.version for m in found.perhaps] == ["2.0.0"]
    shown = run("impact", west.event_id)[1]
    assert f"Rests on it: export csv in {out}" in shown
    assert "may have learned from it: projection_head 2.0.0" in shown
    shown = run("revoke", "--id", west.event_id, "--yes")[1]
    assert "Rests on them, and is marked: projection_head 1.0.0" in shown
    assert "writes it anew" in (out / REVOKED_MARK).read_text()
    rows = json.loads(run("exports", NAME, "--json")[1])
    assert [row["revoked"] for row in rows] == [True]
    rows = json.loads(run("models", "list", NAME, "--json")[1])
    assert [row["revoked"] for row in rows] == [True, False, False]
    id_ = json.loads(run("revoke", "--list", "--json")[1])[0]["id"]
    run("revoke", "--undo", id_)
    assert not (out / REVOKED_MARK).exists()
    assert "no" in run("exports")[1]


def test_a_marked_export_is_replaced_and_then_rests_on_what_holds_now(
    angles, home, bring_up_to_date, tmp_path
):
    ws = angles(OBJECTS, {"a": "east", "x": "west"})
    out = tmp_path / "out"
    handle(home).export("csv", out)
    revoke(ws.ledger, [NAME], RevocationFilter(annotator="me"), "carla")
    assert mark_exports(ws.ledger, [NAME]) == [out]
    bring_up_to_date(home.workspace, NAME)
    handle(home).export("csv", out)
    assert not (out / REVOKED_MARK).exists()
    assert mark_exports(ws.ledger, [NAME]) == []


def test_a_mark_that_cannot_be_written_ends_nothing(angles, home, run, tmp_path, caplog):
    ws = angles(OBJECTS, {"a": "east", "x": "west"})
    for name in ("first", "second"):
        handle(home).export("csv", tmp_path / name)
    (tmp_path / "first" / REVOKED_MARK).mkdir()
    assert run("revoke", "--annotator", "me", "--yes")[0] == 0
    assert ws.ledger.annotations(NAME) == []
    assert "first could not be written" in caplog.text
    assert (tmp_path / "second" / REVOKED_MARK).is_file()


def test_the_handle_revokes_and_reinstates(angles, home):
    angles(OBJECTS, {"a": "east", "x": "west"})
    project = Project(home.workspace)
    found = project.revoke(annotator="me", since="1h", collection=NAME, reason="by mistake")
    assert len(found.chosen) == 2
    assert project.reinstate(found.revocation_id) == 2
    with pytest.raises(NotFoundError, match="angels"):
        project.revoke(annotator="me", collection="angels")
