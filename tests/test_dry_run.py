"""A dry run changes nothing, and what it says is what then happens."""

import hashlib
import json

import numpy as np
import pytest
from click.testing import CliRunner
from support.angle_samples import NAME, declaration, label

from autolabel_app.cli import root
from autolabel_core.documents.documents import Documents
from autolabel_core.documents.threshold_tuning import try_thresholds
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.labelling.give_labels import GivenLabel, give_labels
from autolabel_core.labelling.promotion import promote
from autolabel_core.labelling.promotion_candidates import candidates
from autolabel_core.ledger.backup import export
from autolabel_core.matching.thresholds import Thresholds
from autolabel_core.operations.dry_run import dry_run, dry_run_of_promotion
from autolabel_core.operations.try_rule import try_rule
from autolabel_core.tables.workspace import Workspace

OBJECTS = {f"k{i:02d}": 7 * i for i in range(40)}
FIRST = {"k00": "east", "k13": "north", "k26": "west"}


def labels_of(workspace, name=NAME):
    found = Documents(workspace.open(name)).find()
    return {r["key"]: (r["label"], r["label_source"]) for r in found}


def differences(before, after):
    nothing = (None, None)
    keys = sorted(set(before) | set(after))
    pairs = [(key, before.get(key, nothing), after.get(key, nothing)) for key in keys]
    return [(key, *old, *new) for key, old, new in pairs if old != new]


def everything(workspace, tmp_path, name):
    """All facts, and all files of the warehouse and the buckets with their contents."""
    export(workspace.ledger, tmp_path / name)
    home = workspace.paths.home
    files = [p for part in ("warehouse", "buckets") for p in sorted((home / part).rglob("*"))]
    digests = {p: hashlib.sha256(p.read_bytes()).hexdigest() for p in files if p.is_file()}
    # A second name for an object would be another version of it.
    versions = [sorted(workspace.source(c).list()) for c in workspace.collections.values()]
    return (tmp_path / name).read_text(), digests, versions


def an_edit(rng):
    """Some labels and withdrawals of one person."""
    keys = rng.choice(list(OBJECTS), size=rng.integers(1, 5), replace=False)
    names = ["east", "north", "west", "south", None]
    return [GivenLabel(str(key), names[rng.integers(len(names))]) for key in keys]


@pytest.mark.parametrize("score", ["nearest", "vote"])
@pytest.mark.parametrize("seed", range(4))
def test_what_a_dry_run_says_is_what_then_happens(angles, bring_up_to_date, tmp_path, seed, score):
    rng = np.random.default_rng(seed)
    threshold = 0.9 if score == "nearest" else 0.5
    declared = declaration(score=score, confidence_threshold=threshold)
    ws = angles(OBJECTS, FIRST, declared=declared)
    for step in range(3):
        given = an_edit(rng)
        before, facts = labels_of(ws), everything(ws, tmp_path, f"{step}.before")
        _, found = dry_run(
            ws.open(NAME), lambda copy, given=given: give_labels(copy, given, "me", "cli")
        )
        assert labels_of(ws) == before
        assert everything(ws, tmp_path, f"{step}.after") == facts
        give_labels(ws.open(NAME), given, "me", "cli")
        bring_up_to_date(ws, NAME)
        happened = differences(before, labels_of(ws))
        assert [tuple(change) for change in found.changes] == happened
        assert found.unchanged == len(OBJECTS) - len(happened)
        assert sum(count for _, _, count in found.counted) == len(happened)


def test_what_waits_for_the_next_sweep_is_not_counted(angles):
    ws = angles(OBJECTS, FIRST)
    label(ws, {"k39": "south"})
    _, found = dry_run(ws.open(NAME), lambda copy: None)
    assert found.changes == []
    _, found = dry_run(ws.open(NAME), lambda copy: give_labels(copy, [], "me", "cli"))
    assert found.changes == []


def test_an_error_leaves_nothing_behind(angles):
    ws = angles(OBJECTS, FIRST)
    with pytest.raises(AutolabelError):
        dry_run(
            ws.open(NAME),
            lambda copy: give_labels(copy, [GivenLabel("nowhere", "east")], "me", "cli"),
        )
    assert not list(ws.paths.cache.glob("*copied_home*"))


def test_a_promotion_in_place_is_foretold(angles, bring_up_to_date):
    ws = angles(OBJECTS, FIRST)
    chosen = candidates(ws.open(NAME), 0.95)
    assert chosen
    before = labels_of(ws)
    recorded, found = dry_run_of_promotion(ws.open(NAME), chosen, "me")
    assert labels_of(ws) == before
    assert promote(ws.open(NAME), chosen, "me") == recorded == len(chosen)
    bring_up_to_date(ws, NAME)
    assert [tuple(change) for change in found.changes] == differences(before, labels_of(ws))


def test_a_promotion_into_another_collection_is_foretold(home, bring_up_to_date, tmp_path):
    home.declare("curated", declaration())
    home.declare(NAME, declaration(reference="curated"))
    home.put("curated", {"a": 0, "b": 90})
    home.put(NAME, OBJECTS)
    ws = home.workspace
    bring_up_to_date(ws, "curated")
    label(ws, {"a": "east", "b": "north"}, collection="curated")
    for name in ("curated", NAME):
        bring_up_to_date(ws, name)
    chosen = candidates(ws.open(NAME), 0.95)
    assert chosen
    before, facts = labels_of(ws), everything(ws, tmp_path, "before")
    _, found = dry_run_of_promotion(ws.open(NAME), chosen, "me")
    assert everything(ws, tmp_path, "after") == facts
    promote(ws.open(NAME), chosen, "me")
    for name in ("curated", NAME):
        bring_up_to_date(ws, name)
    assert [tuple(change) for change in found.changes] == differences(before, labels_of(ws))
    assert found.changes


@pytest.mark.parametrize("seed", range(4))
def test_a_threshold_that_is_tried_changes_just_so_many(angles, home, bring_up_to_date, seed):
    rng = np.random.default_rng(seed)
    shared = {"score": "vote", "similarity_threshold": float(rng.uniform(-0.5, 0.9))}
    ws = angles(OBJECTS, FIRST, declared=declaration(confidence_threshold=0.5, **shared))
    before, tried = labels_of(ws), float(rng.uniform(0.3, 0.99))
    change = try_thresholds(ws.open(NAME), Thresholds(tried))
    home.declare(NAME, declaration(confidence_threshold=tried, **shared))
    ws = home.workspace
    bring_up_to_date(ws, NAME)
    happened = differences(before, labels_of(ws))
    assert change.newly_labelled == sum(old is None for _, old, _, _, _ in happened)
    assert change.newly_unlabelled == sum(new is None for _, _, _, new, _ in happened)
    assert change.unchanged == len(OBJECTS) - len(happened)


@pytest.mark.parametrize("seed", range(6))
def test_a_rule_that_is_tried_gives_just_the_labels_that_it_then_gives(
    angles, home, bring_up_to_date, tmp_path, seed
):
    rng = np.random.default_rng(seed)
    declared = {"score": "nearest", "label_thresholds": {"east": 0.95}}
    ws = angles(OBJECTS, {**FIRST, "k05": "east", "k20": "north"}, declared=declaration(**declared))
    tried = {
        "threshold": float(rng.uniform(0.3, 0.99)) if seed % 2 else None,
        "label_thresholds": {"north": float(rng.uniform(0.5, 1))} if seed % 3 else {},
        "score": [None, "vote", "class_mean"][seed % 3],
        "similarity_threshold": float(rng.uniform(-0.5, 0.99)) if seed > 2 else None,
    }
    before, facts = labels_of(ws), everything(ws, tmp_path, "before")
    found = try_rule(ws.open(NAME), **tried)
    assert everything(ws, tmp_path, "after") == facts
    by_label = {**({} if seed % 2 else declared["label_thresholds"]), **tried["label_thresholds"]}
    written = {
        **declared,
        "label_thresholds": by_label,
        "confidence_threshold": tried["threshold"],
        "score": tried["score"],
        "similarity_threshold": tried["similarity_threshold"],
    }
    given = {name: value for name, value in written.items() if value is not None}
    home.declare(NAME, declaration(**{**declared, **given}))
    ws = home.workspace
    bring_up_to_date(ws, NAME)
    assert [tuple(change) for change in found.changes] == differences(before, labels_of(ws))


def test_a_rule_that_cannot_be_declared_is_refused(angles):
    ws = angles(OBJECTS, FIRST, declared=declaration(score="vote"))
    with pytest.raises(AutolabelError, match="cannot declare such a rule"):
        try_rule(ws.open(NAME), threshold=7.0)
    with pytest.raises(AutolabelError, match=r"has the label 'eastt'\. Did you mean \"east\""):
        try_rule(ws.open(NAME), label_thresholds={"eastt": 0.9})


def test_the_commands_show_it_and_record_nothing(angles, home, monkeypatch):
    ws = angles(OBJECTS, FIRST)
    for name, value in (("HOME", home.paths.home), ("COLLECTIONS", home.paths.collections)):
        monkeypatch.setenv(f"AUTOLABEL_{name}", str(value))

    def run(*arguments):
        result = CliRunner().invoke(root, [str(a) for a in arguments], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    annotations = len(ws.ledger.annotations(NAME))
    shown = run("label", NAME, "k39", "south", "--dry-run")
    assert "Nothing is recorded." in shown
    assert "south (human)" in shown
    found = json.loads(
        run("label", NAME, "--withdraw", "k00", "--dry-run", "--json", "--annotator", "me")
    )
    assert {c["label_before"] for c in found["changes"]} == {"east"}
    assert "documents would change" in run("promote", NAME, "--dry-run")
    tried = run("threshold", NAME, "--try", "0.5", "--label-threshold", "east=1")
    assert "documents would change" in tried
    assert "stay" in run("threshold", NAME, "--score", "vote")
    listed = json.loads(run("threshold", NAME, "--try", "0.5", "--json"))
    assert listed["newly_labelled"] == len(listed["changes"])
    assert len(Workspace(home.paths).ledger.annotations(NAME)) == annotations
