"""The gate: who is promoted, who is held, and with which reason."""

from __future__ import annotations

import numpy as np
import pytest
from support.evaluation_samples import image_boxes, random_images

from autolabel_core.declarations.training import Gate
from autolabel_core.models.evaluation.average_precision import evaluate_detections
from autolabel_core.models.evaluation.promotion_gate import (
    class_table,
    compare_versions,
    difference_interval,
)

FEW = Gate(min_images=2, resamples=50)


def fixed(found_of, images=40):
    """Evaluate a model that finds, of each class, the first so many of its `images` boxes."""
    true, found = [], []
    for i in range(images):
        boxes = [(10, 10, 30, 30, "a"), (50, 50, 80, 80, "b")]
        true.append(image_boxes(boxes))
        found.append(image_boxes([(*b, 0.9) for b in boxes if i < found_of[b[4]]]))
    return evaluate_detections(true, found)


def verdict(candidate, active, rule=FEW):
    return compare_versions(candidate, active, rule, np.random.default_rng(0))


def test_a_better_version_is_promoted_with_both_figures():
    result = verdict(fixed({"a": 36, "b": 30}), fixed({"a": 30, "b": 20}))
    assert result.decision == "promoted"
    assert result.figures["map50"] > result.figures["map50_active"]
    assert 0 < result.figures["map50_difference_low"] < result.figures["map50_difference_high"]
    first = class_table(result.figures)[0]
    assert (first["class"], first["gold boxes"]) == ("a", 40)
    assert first["difference"] == pytest.approx(0.15, abs=0.01)


@pytest.mark.parametrize(
    ("candidate", "active", "margin", "decision", "said"),
    [
        ({"a": 30, "b": 20}, {"a": 30, "b": 20}, 0.02, "promoted", "not worse overall"),
        ({"a": 29, "b": 20}, {"a": 30, "b": 20}, 0.02, "held", "mAP50 is lower by"),
        ({"a": 38, "b": 18}, {"a": 30, "b": 20}, 0.02, "held", "`b` is lower by"),
        ({"a": 38, "b": 18}, {"a": 30, "b": 20}, 0.06, "promoted", "not worse overall"),
        ({"a": 38, "b": 0}, {"a": 18, "b": 20}, 1.0, "held", "mAP50 is lower by"),
        ({"a": 40, "b": 0}, {"a": 18, "b": 20}, 1.0, "promoted", "not worse overall"),
    ],
    ids=["same", "worse", "one class", "within the margin", "margin 1", "margin 1, better"],
)
def test_worse_overall_or_on_a_class_is_held(candidate, active, margin, decision, said):
    rule = FEW.model_copy(update={"margin": margin})
    result = verdict(fixed(candidate), fixed(active), rule)
    assert (result.decision, said in result.reason) == (decision, True), result.reason


def test_boxes_that_fit_worse_are_held_even_where_as_many_are_found():
    box, loose = (10, 10, 30, 30), (10, 10, 30, 22)
    true = [image_boxes([(*box, "a")])] * 3
    tight = evaluate_detections(true, [image_boxes([(*box, "a", 0.9)])] * 3)
    wide = evaluate_detections(true, [image_boxes([(*loose, "a", 0.9)])] * 3)
    assert wide.map50 == tight.map50 == 1.0
    result = verdict(wide, tight)
    assert (result.decision, result.reason[:8]) == ("held", "mAP50-95")


def test_too_few_gold_images_are_said():
    result = verdict(fixed({"a": 5, "b": 5}, 29), None, Gate())
    assert result.decision == "held"
    assert "29 gold images, at least 30 are needed" in result.reason
    assert verdict(fixed({"a": 30, "b": 30}, 30), None, Gate()).decision == "promoted"


@pytest.mark.parametrize(("found", "decision"), [(20, "promoted"), (3, "held")])
def test_the_first_version_must_reach_the_floor(found, decision):
    result = verdict(fixed({"a": found, "b": found}), None, FEW)
    assert (result.decision, "the floor" in result.reason) == (decision, True)
    assert class_table(result.figures)[0]["difference"] is None


def test_no_gold_images_at_all():
    assert verdict(evaluate_detections([], []), None).decision == "held"


def test_the_interval_is_drawn_in_pairs_and_again_the_same():
    rng = np.random.default_rng(3)
    true, found = random_images(rng, images=40, skill=0.8)
    one = evaluate_detections(true, found)
    assert difference_interval(one, one, 100, np.random.default_rng(1)) == (0.0, 0.0)
    other = evaluate_detections(
        true, [f if i % 2 else image_boxes([]) for i, f in enumerate(found)]
    )
    low, high = difference_interval(one, other, 200, np.random.default_rng(1))
    assert low < one.map50 - other.map50 < high
    assert (low, high) == difference_interval(one, other, 200, np.random.default_rng(1))
