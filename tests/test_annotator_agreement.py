"""`autolabel annotators`: several people label, and are compared."""

import json

import pytest
from click.testing import CliRunner
from support.angle_samples import NAME

from autolabel_app.cli import root
from autolabel_core.labelling.annotator_agreement import agreement
from autolabel_core.labelling.doubts import doubts
from autolabel_core.labelling.give_labels import GivenLabel, give_labels
from autolabel_core.labelling.settle_doubt import settle_doubt

OBJECTS = {f"k{i:02d}": 10 * i for i in range(30)}
RIGHT = {key: ("east", "north", "west")[i // 10] for i, key in enumerate(OBJECTS)}
SLIPS = ("k02", "k12", "k22", "k25")


@pytest.fixture
def opened(angles, bring_up_to_date):
    """Ann is right, Ben is wrong four times of fifteen, and Cy labelled one document."""
    ws = angles(OBJECTS, {})
    others = {"east": "north", "north": "west", "west": "east"}
    by_ben = {key: RIGHT[key] for key in list(OBJECTS)[::2]} | {k: others[RIGHT[k]] for k in SLIPS}
    for annotator, labels in (("ben", by_ben), ("ann", RIGHT), ("cy", {"k29": "west"})):
        given = [GivenLabel(key, label) for key, label in labels.items()]
        give_labels(ws.open(NAME), given, annotator, "cli")
    bring_up_to_date(ws, NAME)
    return ws


def test_people_are_compared_over_what_both_labelled(opened):
    report = agreement(opened.open(NAME))
    accuracy = {one["annotator"]: one["accuracy"] for one in report["annotators"]}
    assert accuracy["ann"] > 0.95 > accuracy["ben"]
    assert accuracy["cy"] == pytest.approx(0.9, abs=0.02)
    counts = {one["annotator"]: (one["labels"], one["shared"]) for one in report["annotators"]}
    assert counts == {"ann": (30, 17), "ben": (16, 16), "cy": (1, 1)}
    pairs = {(p["first"], p["second"]): (p["documents"], p["agreeing"]) for p in report["pairs"]}
    assert pairs == {("ann", "ben"): (16, 12), ("ann", "cy"): (1, 1)}
    assert (report["documents"], report["conflicts"]) == (17, 4)
    assert 0.5 < report["alpha"] < 0.8


def test_conflicts_are_a_queue_and_what_is_decided_there_is_no_opinion_of_its_own(
    opened, bring_up_to_date
):
    before = agreement(opened.open(NAME))
    queue = doubts(opened.open(NAME), because="people")["doubts"]
    assert {one["key"] for one in queue} == set(SLIPS)
    assert all("people" in one["reasons"] for one in queue)
    settle_doubt(opened.open(NAME), "k02", "keep", "dora")
    settle_doubt(opened.open(NAME), "k12", "change", "dora", "south")
    bring_up_to_date(opened, NAME)
    left = doubts(opened.open(NAME), because="people")["doubts"]
    assert {one["key"] for one in left} == {"k22", "k25"}
    after = agreement(opened.open(NAME))
    assert (after["documents"], after["alpha"]) == (before["documents"], before["alpha"])
    assert "dora" in [one["annotator"] for one in after["annotators"]]


def test_the_command_prints_what_the_report_says(opened):
    environment = {
        "AUTOLABEL_HOME": str(opened.paths.home),
        "AUTOLABEL_COLLECTIONS": str(opened.paths.collections),
    }
    runner = CliRunner(env=environment)
    text = runner.invoke(root, ["annotators", NAME]).output
    assert text.splitlines()[1].split()[:3] == ["ann", "30", "17"]
    assert "17 documents have labels of two people or more, 4 of them different ones" in text
    assert "--because people" in text
    record = json.loads(runner.invoke(root, ["annotators", NAME, "--json"]).output)
    assert record == agreement(opened.open(NAME))


def test_without_labels_nobody_is_compared(angles):
    ws = angles(OBJECTS, {})
    report = agreement(ws.open(NAME))
    assert (report["annotators"], report["pairs"], report["alpha"]) == ([], [], None)
