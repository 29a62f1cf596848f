"""What rests on one person's word: its evidence, its promotions, and what would change without."""

import json

import pytest
from click.testing import CliRunner
from support.angle_samples import NAME, declaration, label

from autolabel_app.cli import root
from autolabel_core.documents.documents import Documents
from autolabel_core.foundation.errors import NotFoundError
from autolabel_core.labelling.promotion import promote
from autolabel_core.labelling.promotion_candidates import candidates
from autolabel_core.operations.impact import impact

OBJECTS = {"a": 0, "b": 20, "c": 40, "x": 180, "y": 170}
LABELS = {"a": "east", "x": "west"}


def labels_of(workspace, name=NAME):
    return {r["key"]: r["label"] for r in Documents(workspace.open(name)).find()}


def test_evidence_promotions_and_what_would_change(angles, bring_up_to_date):
    ws = angles(OBJECTS, LABELS)
    assert impact(ws.open(NAME), "a").collections[0].auto_labels == ["b"]
    promote(ws.open(NAME), [p for p in candidates(ws.open(NAME)) if p.key == "b"], "me")
    bring_up_to_date(ws, NAME)
    before = labels_of(ws)
    found = impact(ws.open(NAME), "a")
    assert [a.label for a in found.annotations] == ["east"]
    assert found.promoted == ["b"]
    (own,) = found.collections
    assert own.auto_labels == ["c"]
    assert labels_of(ws) == before
    label(ws, {"a": None})
    bring_up_to_date(ws, NAME)
    after = labels_of(ws)
    changed = {key for key in before if before[key] != after[key]}
    assert {c.key for c in own.without.changes if c.label_before != c.label_after} == changed


def test_a_reference_of_another_collection(home, bring_up_to_date):
    home.declare("curated", declaration())
    home.declare(NAME, declaration(reference="curated"))
    home.put("curated", {"e": 0, "w": 180})
    home.put(NAME, OBJECTS)
    ws = home.workspace
    bring_up_to_date(ws, "curated")
    label(ws, {"e": "east", "w": "west"}, collection="curated")
    for name in ("curated", NAME):
        bring_up_to_date(ws, name)
    found = impact(ws.open("curated"), "e")
    assert [one.collection for one in found.collections] == ["curated", NAME]
    other = found.collections[1]
    assert other.auto_labels == ["a", "b"]
    assert {(c.key, c.label_after) for c in other.without.changes} == {("a", None), ("b", None)}


def test_what_nobody_labelled_bears_nothing(angles):
    ws = angles(OBJECTS, LABELS)
    for key in ("b", "nowhere"):
        with pytest.raises(NotFoundError, match="Nobody's label stands"):
            impact(ws.open(NAME), key)


def test_the_command_tells_it(angles, home, monkeypatch):
    angles(OBJECTS, LABELS)
    for name, value in (("HOME", home.paths.home), ("COLLECTIONS", home.paths.collections)):
        monkeypatch.setenv(f"AUTOLABEL_{name}", str(value))
    shown = CliRunner().invoke(root, ["impact", NAME, "a"], catch_exceptions=False).output
    assert "1 auto-labels rest on it (b)" in shown
    asked = ["impact", NAME, "a", "--json"]
    found = json.loads(CliRunner().invoke(root, asked, catch_exceptions=False).output)
    assert found["collections"][0]["auto_labels"] == ["b"]
