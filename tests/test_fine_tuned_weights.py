"""Training on request and judging: what is done once, what is done again, what is never done."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.evaluation_samples import image_boxes
from support.scene_samples import DECLARED, NAME, annotate, bring_in, png, scenes
from test_registry import card

from autolabel_core.foundation.errors import AutolabelError, NotFoundError
from autolabel_core.models.evaluation.average_precision import evaluate_detections
from autolabel_core.models.registry import DETECTOR
from autolabel_core.operations.automation import ask_for_training
from autolabel_core.operations.staleness_plan import plan, training_plan
from autolabel_core.training.detectors import weights_table as module
from autolabel_core.training.detectors.evaluate_version import true_boxes
from autolabel_core.training.detectors.training_data import learnt_hash
from autolabel_core.training.detectors.weights_table import FineTunedWeights

SCENES = scenes(gold=4, others=8)
GOLD = {key: scene for key, scene in SCENES.items() if key.startswith("gold")}
OTHERS = {key: scene for key, scene in SCENES.items() if key not in GOLD}


@pytest.fixture
def opened(workspace):
    made = workspace({NAME: DECLARED}, {NAME: {key: png(s) for key, s in SCENES.items()}})
    bring_in(made)
    annotate(made, SCENES)
    return made


@pytest.fixture
def trained(monkeypatch, tmp_path):
    """Training takes minutes: here a file with a share of skill stands for weights."""
    skills = [0.9]
    asked = []

    def train_detector(collection, data, asked_by, progress):
        asked.append(data)
        weights = tmp_path / "trained"
        weights.write_text(str(skills.pop()))
        made = card(weights_name="weights.pt", data_hash=learnt_hash(data), asked_by=asked_by)
        return collection.registry.add(NAME, DETECTOR, weights, made)

    def evaluate_version(workspace, declared, model, data):
        rng = np.random.default_rng(0)
        skill = float(workspace.registry.weights(model).read_text())
        truths = [true_boxes(truth) for truth in data.images["test"]]
        found = []
        for truth in truths:
            rows = zip(truth.xyxy_px, truth.class_names, strict=True)
            kept = [(*box, name, 0.9) for box, name in rows if rng.random() < skill]
            found.append(image_boxes(kept))
        return evaluate_detections(truths, found)

    monkeypatch.setattr(module, "train_detector", train_detector)
    monkeypatch.setattr(module, "evaluate_version", evaluate_version)
    return skills, asked


def table(workspace):
    return FineTunedWeights(workspace.open(NAME))


def ask(workspace):
    return ask_for_training(workspace.open(NAME), "ann")


def decisions(workspace):
    return [(d.version, d.decision) for d in workspace.registry.decisions(NAME, DETECTOR)]


def test_gold_images_never_teach(opened, trained):
    ask(opened)
    table(opened).refresh("all")
    images = trained[1][0].images
    assert {truth.key for truth in images["test"]} == set(GOLD)
    assert {t.key for split in ("train", "val") for t in images[split]} == set(SCENES) - set(GOLD)
    assert set(opened.ledger.gold_images(NAME)) == {t.content_hash for t in images["test"]}


def test_nothing_is_trained_unless_somebody_asks(opened, trained):
    assert not table(opened).stale()
    assert not training_plan(opened.open(NAME))


def test_a_request_is_served_once(opened, trained, home):
    ask(opened)
    planned = training_plan(opened.open(NAME))
    assert planned.assets == ("fine_tuned_weights",)
    assert "fine_tuned_weights" not in plan(opened.open(NAME)).assets
    assert table(opened).refresh("all")
    assert not table(opened).refresh("all")
    assert decisions(opened) == [("1.0.0", "promoted")]
    told = [e for e in opened.ledger.events_after(0) if e.event_type == "weights.promoted"]
    assert [e.subject for e in told] == ["detector 1.0.0"]


def test_a_lost_file_costs_no_training_and_no_second_decision(opened, trained):
    ask(opened)
    table(opened).refresh("all")
    path = table(opened).path()
    before = path.read_bytes()
    opened.warehouse.remove(path.parent)
    assert table(opened).refresh("all")
    assert (path.read_bytes(), len(trained[1])) == (before, 1)
    assert decisions(opened) == [("1.0.0", "promoted")]


@pytest.mark.parametrize(("second", "decision"), [(1.0, "promoted"), (0.2, "held")])
def test_the_second_version_must_not_be_worse(opened, trained, second, decision):
    skills, _ = trained
    skills[:] = [second, 0.6]
    for _ in range(2):
        ask(opened)
        assert table(opened).refresh("all")
    assert decisions(opened) == [("1.0.0", "promoted"), ("2.0.0", decision)]
    report = table(opened).report()
    assert (report["version"], report["decision"]) == ("2.0.0", decision)
    assert {row["class"] for row in report["classes"]} <= set("0123456789")
    assert table(opened).pictures()["precision and recall"].startswith(b"\x89PNG")
    before = table(opened).path().read_bytes()
    opened.warehouse.remove(table(opened).path().parent)
    table(opened).refresh("all")
    assert table(opened).path().read_bytes() == before


def test_what_was_held_for_want_of_gold_is_judged_when_there_is_enough(workspace, trained):
    opened = workspace({NAME: DECLARED}, {NAME: {key: png(s) for key, s in SCENES.items()}})
    bring_in(opened)
    few = dict(list(GOLD.items())[:2])
    annotate(opened, {**few, **OTHERS})
    ask(opened)
    table(opened).refresh("all")
    assert decisions(opened) == [("1.0.0", "held")]
    assert "2 gold images, at least 3" in table(opened).report()["reason"]
    assert not table(opened).stale()
    annotate(opened, GOLD)
    assert table(opened).refresh("all")
    assert decisions(opened) == [("1.0.0", "held"), ("1.0.0", "promoted")]
    assert len(trained[1]) == 1


def test_a_person_who_held_is_not_overruled(workspace, trained):
    opened = workspace({NAME: DECLARED}, {NAME: {key: png(s) for key, s in SCENES.items()}})
    bring_in(opened)
    annotate(opened, OTHERS)
    ask(opened)
    table(opened).refresh("all")
    model = opened.registry.find(NAME, DETECTOR, "1.0.0")
    opened.registry.decide(model, "held", "ann", "it sees ghosts")
    annotate(opened, GOLD)
    table(opened).refresh("all")
    assert decisions(opened)[-1] == ("1.0.0", "held")
    assert len(decisions(opened)) == 2


def add(workspace, tmp_path, skill, version=None):
    """Register weights that were trained elsewhere."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text(str(skill))
    return workspace.registry.add(NAME, DETECTOR, elsewhere, card(data_hash=""), version)


def reasons(workspace):
    return [d.payload["reason"] for d in workspace.registry.decisions(NAME, DETECTOR)]


def test_weights_that_a_person_added_are_judged_and_wait_for_a_person(opened, trained, tmp_path):
    add(opened, tmp_path, 0.8)
    assert table(opened).refresh("all")
    assert decisions(opened) == [("1.0.0", "held")]
    assert (
        "a person decides" in reasons(opened)[0]
        and "the gate alone: promoted" in reasons(opened)[0]
    )
    assert opened.registry.active(NAME, DETECTOR) is None and trained[1] == []


def test_of_two_that_were_added_at_once_both_are_judged(opened, trained, tmp_path):
    add(opened, tmp_path, 0.8)
    add(opened, tmp_path, 0.7)
    assert table(opened).refresh("all")
    assert decisions(opened) == [("1.0.0", "held"), ("2.0.0", "held")]
    assert not table(opened).stale()


def meanwhile(monkeypatch, act):
    """Let something happen once, while the first version is looked at."""
    real, acts = module.evaluate_version, [act]

    def looking(*given):
        if acts:
            acts.pop()()
        return real(*given)

    monkeypatch.setattr(module, "evaluate_version", looking)


def test_what_a_person_promotes_while_the_gate_looks_stays(opened, trained, tmp_path, monkeypatch):
    skills, _ = trained
    skills[:] = [0.9]
    other = add(opened, tmp_path, 0.3)
    opened.registry.decide(other, "held", "ann", "not yet")
    ask(opened)
    meanwhile(monkeypatch, lambda: opened.registry.decide(other, "promoted", "ann", "it is fast"))
    assert table(opened).refresh("all")
    assert opened.registry.active(NAME, DETECTOR).version == "1.0.0"
    last = opened.registry.decisions(NAME, DETECTOR)[-1]
    assert (last.version, last.decision, last.against) == ("2.0.0", "held", "1.0.0")
    assert "ann put 1.0.0 into service when this version was there already" in reasons(opened)[-1]
    assert last.payload["map50_active"] < last.payload["map50"]


def test_a_version_trained_after_a_person_decided_may_replace_theirs(opened, trained, tmp_path):
    skills, _ = trained
    skills[:] = [1.0]
    opened.registry.decide(add(opened, tmp_path, 0.3), "promoted", "ann", "a first one")
    ask(opened)
    assert table(opened).refresh("all")
    assert decisions(opened)[-1] == ("2.0.0", "promoted")


def test_what_a_person_rolled_back_does_not_come_back_under_another_number(opened, trained):
    skills, _ = trained
    skills[:] = [0.9, 0.9]
    ask(opened)
    table(opened).refresh("all")
    opened.registry.roll_back(NAME, DETECTOR, "ann", "it sees ghosts")
    ask(opened)
    table(opened).refresh("all")
    assert decisions(opened)[-1] == ("2.0.0", "held")
    assert "ann held the same weights, 1.0.0: it sees ghosts" in reasons(opened)[-1]


def test_the_same_weights_as_those_in_service_cost_no_second_look_at_all_images(opened, trained):
    skills, _ = trained
    skills[:] = [0.9, 0.9]
    for _ in range(2):
        ask(opened)
        table(opened).refresh("all")
    assert decisions(opened) == [("1.0.0", "promoted"), ("2.0.0", "held")]
    assert "the weights of 1.0.0, which serves" in reasons(opened)[-1]


def test_without_detection_there_is_nothing_to_train(workspace):
    opened = workspace({NAME: "description: nothing to detect\n"}, {NAME: {}})
    ask(opened)
    assert not table(opened).stale()
    with pytest.raises(NotFoundError, match="has no `detection`"):
        _ = table(opened).declared


@pytest.mark.parametrize("reviewed", [0, 1])
def test_none_or_one_image_is_refused_with_the_cure(workspace, reviewed):
    opened = workspace({NAME: DECLARED}, {NAME: {key: png(s) for key, s in SCENES.items()}})
    bring_in(opened)
    annotate(opened, dict(list(OTHERS.items())[:reviewed]))
    ask(opened)
    with pytest.raises(AutolabelError, match=rf"at least 2 .*found {reviewed}.*autolabel annotate"):
        table(opened).refresh("all")
    assert opened.registry.versions(NAME, DETECTOR) == []
    assert table(opened).stale() == ["all"]


def test_images_without_any_box_are_refused(workspace):
    opened = workspace({NAME: DECLARED}, {NAME: {key: png(s) for key, s in SCENES.items()}})
    bring_in(opened)
    annotate(opened, {key: replace(s, boxes=()) for key, s in SCENES.items()})
    ask(opened)
    with pytest.raises(AutolabelError, match=r"none of the .* reviewed images has one"):
        table(opened).refresh("all")
