"""Review queues: what comes first, what is left out, and how much is given out."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner
from support.detection_samples import NAME, annotate, declaration, judge, review
from support.toy_detectors import scene

from autolabel_app.cli import root
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.labelling.review_queue import Caps, review_queue

NOW = datetime(2030, 1, 1, tzinfo=UTC)
SCENES = {
    "sure.png": scene((0, 0, 20, 20, (250, 0, 0))),
    "hidden.png": scene((0, 0, 20, 20, (255, 0, 0)), (30, 0, 50, 20, (0, 90, 0))),
    "unsure.png": scene((0, 0, 20, 20, (100, 0, 0))),
    "green.png": scene((0, 0, 20, 20, (0, 230, 0))),
    "empty.png": scene(),
}


def queue(ws, by="lowest_confidence", now=NOW, class_name=None, seed=0, **caps):
    found = review_queue(ws.open(NAME), by, Caps(**caps), now, class_name=class_name, seed=seed)
    return [one["image_key"] for one in found]


def test_the_least_sure_of_all_boxes_counts_not_the_first(blocks):
    assert queue(blocks(SCENES)) == ["hidden.png", "unsure.png", "green.png", "sure.png"]


def test_reviewed_images_and_judged_boxes_are_left_out(blocks, bring_up_to_date):
    ws = blocks(SCENES)
    review(ws, "unsure.png")
    judge(ws, "hidden.png", 1, "confirmed")
    bring_up_to_date(ws, NAME)
    assert queue(ws) == ["green.png", "sure.png", "hidden.png"]


def test_a_class_is_found_by_detector_or_by_label(blocks):
    ws = blocks(SCENES)
    assert queue(ws, "class", class_name="green") == ["hidden.png", "green.png"]
    assert queue(ws, "class", class_name="blue") == []


def test_disagreement_is_another_label_than_the_class(blocks, bring_up_to_date):
    ws = blocks(SCENES)
    judge(ws, "green.png", 0, "corrected", "moss")
    judge(ws, "sure.png", 0, "confirmed")
    bring_up_to_date(ws, NAME)
    (one,) = review_queue(ws.open(NAME), "disagreement", Caps(), NOW)
    assert one["image_key"] == "hidden.png"
    assert one["focus"] == ["hidden.png#det_1"]
    assert one["why"] == "green 0.35, by its neighbours moss"


def test_the_random_sample_is_of_all_images_and_repeats(blocks):
    ws = blocks(SCENES)
    review(ws, "sure.png")
    whole = queue(ws, "random", seed=1)
    assert sorted(whole) == sorted(SCENES)
    assert queue(ws, "random", seed=1, limit=2) == whole[:2]
    assert len({tuple(queue(ws, "random", seed=seed)) for seed in range(8)}) > 1


def test_caps_hold_for_the_queue_a_class_and_a_day(blocks):
    ws = blocks(SCENES)
    assert queue(ws, limit=2) == ["hidden.png", "unsure.png"]
    assert queue(ws, limit=0) == []
    assert queue(ws, per_class=1) == ["hidden.png", "unsure.png"]
    annotate(ws, "green.png", "missed", true_class="leaf", xyxy_px=(40.0, 30.0, 50.0, 40.0))
    today = datetime.now(UTC)
    assert len(queue(ws, per_day=3, now=today)) == 2
    assert queue(ws, per_day=1, now=today) == []
    assert len(queue(ws, per_day=3)) == 3


def test_a_wrong_question_names_the_right_one(blocks, workspace):
    ws = blocks(SCENES)
    with pytest.raises(AutolabelError, match=r'Did you mean "random"\?'):
        queue(ws, "randomly")
    with pytest.raises(AutolabelError, match="needs the name of a class"):
        queue(ws, "class")
    plain = workspace({"plain": {"taxonomy": {"field_to_enrich": "side"}}}, {"plain": {}})
    with pytest.raises(AutolabelError, match="documents plain --filter side:eq:null"):
        review_queue(plain.open("plain"), "random", Caps(), NOW)


def test_a_cold_start_is_reviewed_by_the_random_queue(blocks):
    learned = {"weights": "registry:active", "parameters": {"needs_weights": True}}
    ws = blocks(SCENES, declaration(**learned))
    assert queue(ws) == []
    assert len(queue(ws, "random", limit=3)) == 3


def test_the_command_gives_out_ids_that_annotations_can_carry(blocks, home, monkeypatch):
    blocks(SCENES)
    for name, value in home.paths.environment.items():
        monkeypatch.setenv(name, value)
    run = CliRunner().invoke(root, ["review", NAME, "--limit", "1", "--json"])
    found = json.loads(run.output)
    assert found["retriever_id"] == "review_lowest_confidence"
    assert found["execution_id"].startswith("exec_")
    assert [one["image_key"] for one in found["images"]] == ["hidden.png"]
    shown = CliRunner().invoke(root, ["review", NAME, "--by", "class", "--class", "green"]).output
    assert "hidden.png#det_1" in shown
    assert "retriever review_class, execution exec_" in shown
