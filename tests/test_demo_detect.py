"""The parts of the demo of detection: its scenes, its oracle."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from support.scene_samples import DECLARED, NAME, png, scenes

from autolabel_app.demos.detection_oracle import review
from autolabel_app.demos.detection_rounds import Spiral
from autolabel_app.demos.detection_scenes import SIDE_PX, draw_scenes
from autolabel_core.foundation.paths import Paths, sqlite_url

INK = np.zeros((2, 8, 8))
INK[0, 1:7, 3:5] = 1.0
INK[1, 2:6, 2:6] = 1.0
GLYPHS = (INK, np.array([1, 0]))
TRUTH = [("1", (10.0, 10.0, 30.0, 30.0)), ("0", (60.0, 60.0, 90.0, 90.0))]


def detection(number, name, box):
    return {"document_id": f"doc_det_{number}", "detected_class": name, "xyxy_px": list(box)}


def test_scenes_are_the_same_for_the_same_seed():
    one, again, other = (draw_scenes(3, GLYPHS, seed) for seed in (0, 0, 1))
    assert all((a.pixels == b.pixels).all() for a, b in zip(one, again, strict=True))
    assert [a.boxes for a in one] == [b.boxes for b in again]
    assert [a.boxes for a in one] != [b.boxes for b in other]


def test_boxes_lie_on_the_scene_and_apart():
    for scene in draw_scenes(20, GLYPHS, seed=3):
        assert scene.pixels.shape == (SIDE_PX, SIDE_PX, 3)
        assert scene.boxes
        boxes = np.array([box for _, box in scene.boxes])
        assert (boxes >= 0).all() and (boxes <= SIDE_PX).all()
        assert (boxes[:, :2] < boxes[:, 2:]).all()
        for i, a in enumerate(boxes):
            for b in boxes[i + 1 :]:
                assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def test_a_scene_is_a_picture():
    target = io.BytesIO()
    draw_scenes(1, GLYPHS, seed=0)[0].image().save(target, "PNG")
    assert Image.open(target).size == (SIDE_PX, SIDE_PX)


def said(detections, truth=TRUTH):
    return [(w["label"], w.get("true_class")) for w in review("a.png", truth, detections)]


@pytest.mark.parametrize(
    ("detections", "expected"),
    [
        ([], [("missed", "1"), ("missed", "0")]),
        ([("1", TRUTH[0][1]), ("0", TRUTH[1][1])], [("confirmed", "1"), ("confirmed", "0")]),
        ([("7", TRUTH[0][1])], [("corrected", "1"), ("missed", "0")]),
        ([("1", (14, 10, 34, 30))], [("corrected", "1"), ("missed", "0")]),
        ([("1", (31, 31, 50, 50))], [("false_positive", None), ("missed", "1"), ("missed", "0")]),
        (
            [("1", TRUTH[0][1]), ("1", (11, 10, 31, 30))],
            [("confirmed", "1"), ("false_positive", None), ("missed", "0")],
        ),
    ],
    ids=["nothing", "right", "class", "place", "nothing there", "twice"],
)
def test_the_oracle_says_one_word_of_each_and_then_that_it_looked(detections, expected):
    rows = [detection(i, name, box) for i, (name, box) in enumerate(detections)]
    assert said(rows) == [*expected, ("reviewed", None)]


def test_a_corrected_box_is_the_true_one_where_it_fitted_badly():
    (word, *_) = review("a.png", TRUTH[:1], [detection(0, "1", (14, 10, 34, 30))])
    assert word["bbox"] == [10.0, 10.0, 30.0, 30.0]
    (word, *_) = review("a.png", TRUTH[:1], [detection(0, "7", (11, 10, 31, 30))])
    assert (word["bbox"], word["predicted_class"]) == ([11, 10, 31, 30], "7")


@pytest.mark.slow
def test_the_spiral_goes_round(tmp_path, monkeypatch):
    truth = scenes(gold=2, others=7)
    held_out, *keys = truth
    home = tmp_path / "home"
    paths = Paths(home, home / "collections", sqlite_url(home / "ledger.sqlite"))
    home.mkdir()
    for name, value in {**paths.environment, "DAGSTER_HOME": str(home / "dagster")}.items():
        monkeypatch.setenv(name, value)
    (home / "dagster").mkdir()
    pictures = {key: png(scene) for key, scene in truth.items()}
    spiral = Spiral(paths, NAME, pictures, {key: scene.boxes for key, scene in truth.items()})
    spiral.declare(DECLARED.replace("min_images: 3", "min_images: 1"))
    spiral.upload(keys[:5])
    boxes = sum(len(truth[key].boxes) for key in keys[:5])
    assert spiral.annotate(keys[:5]) == boxes + 5
    first = spiral.train()
    own = spiral.training_set()
    assert (first.version, first.decided_by) == ("1.0.0", "gate")
    spiral.upload(keys[5:])
    assert spiral.review(keys[5:]) > len(keys[5:])
    assert spiral.train().version == "2.0.0"
    assert 0.0 <= spiral.map50([held_out], "2.0.0") <= 1.0
    assert spiral.control(own, "1.0.0", steps=1).is_file()
