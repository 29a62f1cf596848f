"""Average precision against a naive reference, and against the tools that others use."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.evaluation_samples import image_boxes, random_images

from autolabel_core.foundation.media.boxes import iou
from autolabel_core.models.evaluation.average_precision import THRESHOLDS, evaluate_detections

BOX = (10, 10, 30, 30)


def naive_average_precision(true, found, name, threshold):
    """Walk through the detections one by one, as the definition says."""
    detections = []
    for index, image in enumerate(found):
        rows = zip(image.xyxy_px, image.class_names, image.confidence, strict=True)
        detections += [(-score, index, box) for box, own, score in rows if own == name]
    free = [
        [box for box, own in zip(image.xyxy_px, image.class_names, strict=True) if own == name]
        for image in true
    ]
    total = sum(len(boxes) for boxes in free)
    points, right = [], 0
    for tried, (_, index, box) in enumerate(sorted(detections, key=lambda d: d[:2]), start=1):
        overlaps = [iou(box, other)[0, 0] for other in free[index]]
        if overlaps and max(overlaps) >= threshold - 1e-10:
            del free[index][int(np.argmax(overlaps))]
            right += 1
        points.append((right / total, right / tried))
    steps = [
        max((p for r, p in points if r >= step), default=0.0) for step in np.linspace(0, 1, 101)
    ]
    return sum(steps) / 101


@pytest.mark.parametrize("seed", range(8))
def test_it_is_what_a_naive_walk_gives(seed):
    true, found = random_images(np.random.default_rng(seed))
    evaluation = evaluate_detections(true, found)
    for name, values in evaluation.by_class.items():
        for t in (0, 5, 9):
            expected = naive_average_precision(true, found, name, THRESHOLDS[t])
            assert values[t] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_it_is_what_pycocotools_gives(seed):
    coco = pytest.importorskip("pycocotools.coco")
    cocoeval = pytest.importorskip("pycocotools.cocoeval")
    true, found = random_images(np.random.default_rng(100 + seed), images=30)
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco.COCO()
        truth.dataset = as_coco(true)
        truth.createIndex()
        judge = cocoeval.COCOeval(truth, truth.loadRes(as_coco(found)["annotations"]), "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    ours = evaluate_detections(true, found)
    assert ours.map50_95 == pytest.approx(judge.stats[0], abs=1e-9)
    assert ours.map50 == pytest.approx(judge.stats[1], abs=1e-9)


def as_coco(images):
    annotations = [
        {
            "id": 1000 * index + row + 1,
            "image_id": index,
            "category_id": ord(name),
            "bbox": [box[0], box[1], box[2] - box[0], box[3] - box[1]],
            "area": float((box[2] - box[0]) * (box[3] - box[1])),
            "iscrowd": 0,
            "score": float(score),
        }
        for index, image in enumerate(images)
        for row, (box, name, score) in enumerate(
            zip(image.xyxy_px.tolist(), image.class_names, image.confidence, strict=True)
        )
    ]
    ids = [{"id": index, "width": 100, "height": 100} for index in range(len(images))]
    return {
        "images": ids,
        "annotations": annotations,
        "categories": [{"id": ord(c)} for c in "abc"],
    }


@pytest.mark.slow
def test_ultralytics_figures_are_near(tmp_path):
    from autolabel_core.models.ultralytics_setup import quiet_ultralytics

    quiet_ultralytics(tmp_path)
    from ultralytics.utils.metrics import ap_per_class

    true, found = random_images(np.random.default_rng(7), images=60)
    ours = evaluate_detections(true, found)
    hits, scores, names = [], [], []
    for name, matches in ours.matches.items():
        hits.append(matches.hits)
        scores.append(matches.confidences)
        names += [ord(name)] * len(matches.hits)
    targets = [ord(c) for image in true for c in image.class_names]
    theirs = ap_per_class(
        np.concatenate(hits), np.concatenate(scores), np.array(names), np.array(targets)
    )[5]
    # Their curve is a line between the points, not steps: nearly the same, not the same.
    assert np.abs(theirs.mean(0)[0] - ours.map50) < 0.02
    assert np.abs(theirs.mean() - ours.map50_95) < 0.02


def test_all_found_and_no_more_is_one():
    true = [image_boxes([(*BOX, "a"), (40, 40, 60, 60, "b")]), image_boxes([])]
    assert evaluate_detections(true, true).map50_95 == 1.0


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], 0.0),
        ([(*BOX, "b", 0.9)], 0.0),
        ([(*BOX, "a", 0.9), (*BOX, "a", 0.8)], 1.0),
        ([(70, 70, 90, 90, "a", 0.9), (*BOX, "a", 0.8)], 0.5),
        ([(70, 70, 90, 90, "a", 0.7), (*BOX, "a", 0.8)], 1.0),
        ([(20, 10, 40, 30, "a", 0.9)], 0.0),
    ],
    ids=["nothing", "class", "twice", "worse first", "worse last", "too far"],
)
def test_one_box_by_hand(found, expected):
    assert evaluate_detections([image_boxes([(*BOX, "a")])], [image_boxes(found)]).map50 == expected


def test_a_class_without_a_true_box_is_not_counted():
    found = [image_boxes([(*BOX, "a", 0.9), (*BOX, "stranger", 0.99)])]
    evaluation = evaluate_detections([image_boxes([(*BOX, "a")])], found)
    assert (list(evaluation.ap50), evaluation.map50) == (["a"], 1.0)


def test_images_without_boxes_and_no_images():
    assert evaluate_detections([image_boxes([])], [image_boxes([(*BOX, "a", 0.5)])]).map50 == 0.0
    assert evaluate_detections([], []).map50 == 0.0
    assert np.isnan(
        evaluate_detections([image_boxes([])], [image_boxes([])]).resampled_map50(np.array([1]))
    )


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 3), min_size=6, max_size=6))
def test_counting_an_image_twice_is_having_it_twice(seed, counts):
    true, found = random_images(np.random.default_rng(seed), images=6)
    repeated = [i for i, n in enumerate(counts) for _ in range(n)]
    expected = evaluate_detections([true[i] for i in repeated], [found[i] for i in repeated])
    value = evaluate_detections(true, found).resampled_map50(np.array(counts))
    if expected.matches:
        assert value == pytest.approx(expected.map50, abs=1e-12)
    else:
        assert np.isnan(value)
