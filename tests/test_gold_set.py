"""The gold set: documents drawn by hash judge each rule over time, and never take part in it."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from support.angle_samples import NAME, declaration, label

from autolabel_app.cli import root
from autolabel_core import Project
from autolabel_core.documents.documents import Documents
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.labelling.audit import JudgedLabel, record_verdicts
from autolabel_core.labelling.certification import draws_to_judge
from autolabel_core.labelling.gold_report import gold_report
from autolabel_core.labelling.gold_set import draw_gold, gold_set, judge_by_gold
from autolabel_core.labelling.next_labels import next_labels
from autolabel_core.matching.scores.folds import NEAR_DUPLICATE
from autolabel_core.tables.reference_set import ReferenceSet

OBJECTS = {f"k{i:02d}": 10 * i for i in range(36)}
SIDES = {key: ("east", "north", "west")[i // 12] for i, key in enumerate(OBJECTS)}
FIRST = {"k05": "east", "k18": "north", "k30": "west"}


@pytest.fixture
def opened(angles):
    return angles(OBJECTS, FIRST)


def members(workspace):
    return [one["key"] for one in gold_set(workspace.open(NAME)).documents]


def label_and_sweep(workspace, keys, bring_up_to_date, sides=SIDES):
    label(workspace, {key: sides[key] for key in keys})
    bring_up_to_date(workspace, NAME)
    judge_by_gold(workspace.open(NAME))


def references(workspace):
    return {row["key"] for row in ReferenceSet(workspace.open(NAME)).load().rows}


def test_what_is_drawn_follows_from_the_contents_and_grows(opened):
    assert draw_gold(opened.open(NAME), 6) == 6
    first = members(opened)
    assert len(set(first) - set(FIRST)) == 6
    assert draw_gold(opened.open(NAME), 6) == 0
    assert draw_gold(opened.open(NAME), 9) == 3
    assert members(opened)[:6] == first


def test_a_label_of_the_gold_set_is_a_label_and_never_a_reference(opened, bring_up_to_date):
    draw_gold(opened.open(NAME), 6)
    keys = members(opened)
    label_and_sweep(opened, keys, bring_up_to_date)
    assert references(opened) == set(FIRST)
    found = {r["key"]: r for r in Documents(opened.open(NAME)).find()}
    assert {found[key]["label_source"] for key in keys} == {"human"}
    assert {found[key]["label"] for key in keys} == {SIDES[key] for key in keys}
    further = [key for key in OBJECTS if key not in (*keys, *FIRST)][:3]
    label_and_sweep(opened, further, bring_up_to_date)
    assert references(opened) == {*FIRST, *further}


def test_a_gold_set_that_is_drawn_later_changes_no_label_of_others(opened, bring_up_to_date):
    before = Documents(opened.open(NAME)).find()
    draw_gold(opened.open(NAME), 6)
    bring_up_to_date(opened, NAME)
    assert Documents(opened.open(NAME)).find() == before


def test_the_incremental_references_are_those_made_anew(opened, bring_up_to_date):
    rng = np.random.default_rng(0)
    for size in (3, 5, 8):
        draw_gold(opened.open(NAME), size)
        keys = rng.choice(list(OBJECTS), size=5, replace=False).tolist()
        label_and_sweep(opened, keys, bring_up_to_date)
        table = ReferenceSet(opened.open(NAME))
        kept = opened.warehouse.read_batch(table.path()).to_pydict()
        opened.warehouse.remove(table.path().parent)
        bring_up_to_date(opened, NAME)
        again = ReferenceSet(opened.open(NAME))
        assert opened.warehouse.read_batch(again.path()).to_pydict() == kept
        gold = {one["key"] for one in gold_set(opened.open(NAME)).documents}
        assert not references(opened) & gold


def test_rules_are_judged_as_counting_says(opened, bring_up_to_date):
    draw_gold(opened.open(NAME), 12)
    keys = members(opened)
    label_and_sweep(opened, keys, bring_up_to_date)
    (record,) = gold_report(opened.open(NAME))["judgements"]
    degrees = {key: OBJECTS[key] for key in FIRST}

    def nearest(key):
        cosines = {
            reference: np.cos(np.radians(OBJECTS[key] - degree))
            for reference, degree in degrees.items()
        }
        return max(cosines.items(), key=lambda pair: pair[1])

    decided = [(key, *nearest(key)) for key in keys]
    matched = [(key, reference) for key, reference, cosine in decided if cosine >= 0.9]
    right = sum(SIDES[key] == FIRST[reference] for key, reference in matched)
    assert record["judged"] == 12
    assert record["coverage"] == pytest.approx(len(matched) / 12)
    assert record["precision"] == pytest.approx(right / len(matched))
    assert record["accuracy"] == pytest.approx(
        sum(SIDES[key] == FIRST[reference] for key, reference, _ in decided) / 12
    )
    assert record["low"] <= record["precision"] <= record["high"]


def test_only_those_before_the_first_unlabelled_one_judge(opened, bring_up_to_date):
    draw_gold(opened.open(NAME), 6)
    keys = members(opened)
    label_and_sweep(opened, [*keys[:2], *keys[3:]], bring_up_to_date)
    report = gold_report(opened.open(NAME))
    assert (report["documents"], report["labelled"], report["judging"]) == (6, 5, 2)
    assert report["next"] == [keys[2]]
    assert report["judgements"][-1]["judged"] == 2
    label_and_sweep(opened, [keys[2]], bring_up_to_date)
    assert gold_report(opened.open(NAME))["judgements"][-1]["judged"] == 6


def test_each_rule_is_judged_once_and_another_threshold_is_another_rule(
    opened, home, bring_up_to_date
):
    draw_gold(opened.open(NAME), 20)
    label_and_sweep(opened, members(opened), bring_up_to_date)
    assert len(opened.ledger.gold_judgements(NAME)) == 1
    home.declare(NAME, declaration(confidence_threshold=0.999))
    judge_by_gold(home.workspace.open(NAME))
    records = gold_report(home.workspace.open(NAME))["judgements"]
    assert [one["threshold"] for one in records] == [0.9, 0.999]
    assert records[1]["coverage"] < records[0]["coverage"]


def test_near_duplicates_are_neither_drawn_nor_judged(angles, bring_up_to_date):
    twins = {f"twin{i}": 10 * i + 1 for i in (5, 18, 30)}
    assert np.cos(np.radians(1)) > NEAR_DUPLICATE
    ws = angles({**OBJECTS, **twins}, FIRST)
    draw_gold(ws.open(NAME), 30)
    keys = members(ws)
    assert not set(twins) & set(keys)
    label_and_sweep(ws, keys, bring_up_to_date)
    later = f"near{keys[0]}"
    (bucket,) = {file.parent for file in ws.paths.buckets.rglob("*") if file.name == "k00"}
    (bucket / later).write_text(str(OBJECTS[keys[0]] + 1))
    bring_up_to_date(ws, NAME)
    label_and_sweep(ws, [later], bring_up_to_date, {later: SIDES[keys[0]]})
    record = gold_report(ws.open(NAME))["judgements"][-1]
    assert (record["near_duplicates"], record["judged"]) == (1, 29)


def test_an_equal_content_under_another_key_is_no_reference_either(angles, bring_up_to_date):
    ws = angles({**OBJECTS, "copy": 100}, FIRST)
    draw_gold(ws.open(NAME), 33)
    label_and_sweep(ws, ["k10", "copy"], bring_up_to_date, {"k10": "east", "copy": "east"})
    assert references(ws) == set(FIRST)


def test_nobody_is_asked_to_label_gold_documents_for_the_sake_of_others(opened):
    draw_gold(opened.open(NAME), 12)
    asked = {one["key"] for one in next_labels(opened.open(NAME), 100)}
    assert asked
    assert not asked & set(members(opened))


def test_gold_documents_answer_no_doubt_about_others(angles):
    """They never become references, whoever labels them: their own doubt stays open."""
    ws = angles({f"k{i}": 40 * i for i in range(7)})
    draw_gold(ws.open(NAME), 6)
    label(ws, dict.fromkeys(members(ws)[:3], "seen"))
    (left,) = next_labels(ws.open(NAME), 100)
    assert left["key"] not in members(ws)
    assert left["gain"] < 0.7


def test_what_was_labelled_since_the_last_sweep_or_chose_a_threshold_is_not_drawn(opened):
    label(opened, {"k00": "east", "k01": "east"})
    record_verdicts(opened.open(NAME), [JudgedLabel("k06", "east", "right", None, "")], "ann")
    assert draw_gold(opened.open(NAME), 30) == 30
    assert not set(members(opened)) & {"k00", "k01", "k06", *FIRST}


def test_what_judges_the_rule_does_not_choose_its_threshold(angles):
    target = {"target_precision": 0.8, "delta": 0.2}
    objects = {f"k{i:02d}": 9 * i for i in range(40)}
    declared = declaration(confidence_threshold=target, score="nearest")
    ws = angles(objects, {"k05": "east", "k06": "east", "k30": "west"}, declared=declared)
    draw_gold(ws.open(NAME), 20)
    asked = {draw["key"] for draw in draws_to_judge(ws.open(NAME), 400)}
    assert asked and not asked & set(members(ws))


@pytest.mark.parametrize("size", [34, 1000])
def test_more_than_there_is_cannot_be_drawn(opened, size):
    with pytest.raises(AutolabelError, match=r"found 33.*Nothing was drawn"):
        draw_gold(opened.open(NAME), size)
    assert members(opened) == []


def test_the_command_the_handle_and_status_say_the_same(opened, bring_up_to_date):
    environment = {
        "AUTOLABEL_HOME": str(opened.paths.home),
        "AUTOLABEL_COLLECTIONS": str(opened.paths.collections),
    }

    def run(*words):
        return CliRunner(env=environment).invoke(root, [*words]).output

    assert "has no gold set" in run("gold", NAME)
    assert "gold set" not in run("status", NAME)
    text = run("gold", NAME, "--draw", "6")
    assert "6 documents were drawn" in text
    assert f"To label, in this order: {', '.join(members(opened))}" in text
    label_and_sweep(opened, members(opened), bring_up_to_date)
    assert "on 6 documents" in run("status", NAME)
    assert json.loads(run("gold", NAME, "--json")) == Project(opened).collection(NAME).gold()
    status = json.loads(run("status", NAME, "--json"))
    assert status["gold"] == gold_report(opened.open(NAME))["judgements"]
