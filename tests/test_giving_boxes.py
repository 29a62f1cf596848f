import shutil
from dataclasses import replace

import pytest
from click.testing import CliRunner
from conftest import Home, sweep_quietly
from support.box_samples import box
from support.detection_samples import declaration
from support.toy_detectors import scene

from autolabel_app.cli import root
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.ids import document_id
from autolabel_core.labelling.box_input import BoxInput, ParsedAnnotations
from autolabel_core.labelling.give_boxes import SHOWN_CHARACTERS, give_boxes
from autolabel_core.operations.advice import findings
from autolabel_core.operations.status import collection_status
from autolabel_core.tables.boxes.current_annotations import collection_truths, listed, standing

NAME = "scenes"
RED = (10.0, 20.0, 40.0, 44.0)
"""Where the detector of the tests sees a red block on `a.png`."""

OBJECTS = {
    "a.png": scene((10, 20, 40, 44, (200, 0, 0))),
    "day/b.png": scene((2, 2, 12, 10, (0, 200, 0))),
    "night/b.png": scene(),
}
DETECTION = f"{document_id(NAME, 'a.png')}_det_0"
VERSION = "autolabel://block_detector@1.0.0/detections"
MISSED = BoxInput("missed", "a.png", RED, "xyxy", true_class="car")


@pytest.fixture(scope="module")
def swept(module_home):
    """Three images, swept once with the detector that sees blocks."""
    module_home.declare(NAME, declaration())
    module_home.put(NAME, OBJECTS)
    sweep_quietly(module_home.workspace, NAME)
    return module_home.paths.home.parent


@pytest.fixture
def copied(swept, tmp_path, toy_extractors):
    shutil.copytree(swept, tmp_path, dirs_exist_ok=True)
    return Home(tmp_path)


@pytest.fixture
def scenes(copied):
    return copied.workspace


def give(ws, *boxes, whole=False, who="ann", **more):
    given = ParsedAnnotations(
        [replace(b, where=f"line {n}") for n, b in enumerate(boxes, 1)], whole
    )
    return give_boxes(ws.open(NAME), given, who, "jsonl", **more)


def rows(ws):
    return listed(standing(ws.open(NAME)))


def test_a_box_is_recorded_with_the_size_that_was_read_from_the_image(scenes):
    report = give(scenes, replace(MISSED, bbox=(10, 20, 30, 24), bbox_format="xywh", confidence=1))
    assert report.recorded == {"missed": 1}
    (row,) = rows(scenes)
    assert (row["image_width_px"], row["image_height_px"]) == (64, 48)
    assert row["xyxy_px"] == RED
    assert (row["annotator"], row["origin"], row["state"]) == ("ann", "jsonl", "holds")


def test_a_detection_lends_its_class_box_and_version(scenes):
    boxes = [BoxInput("confirmed", DETECTION, retriever_id="r", execution_id="e")]
    give(scenes, *boxes)
    (row,) = rows(scenes)
    assert (row["predicted_class"], row["true_class"]) == ("red", "red")
    assert row["xyxy_px"] == row["predicted_xyxy_px"] == RED
    assert row["payload"] == {"judged": VERSION}
    assert (row["retriever_id"], row["execution_id"]) == ("r", "e")


def test_the_true_class_falls_back_to_the_predicted_one(scenes):
    moved = BoxInput("corrected", DETECTION, (12, 20, 44, 48), "xyxy")
    give(scenes, moved)
    assert rows(scenes)[0]["true_class"] == "red"
    assert rows(scenes)[0]["predicted_xyxy_px"] == RED


@pytest.mark.parametrize(
    ("box", "says"),
    [
        (replace(MISSED, label="confirm"), 'Did you mean "confirmed"'),
        (replace(MISSED, label="car"), "Labels: confirmed, corrected, false_positive, missed"),
        (replace(MISSED, target="c.png"), "no image 'c.png'. Did you mean 'a.png'"),
        (replace(MISSED, target="b.png"), "'b.png' fits 'day/b.png' and 'night/b.png'"),
        (replace(MISSED, target="day/b.jpg"), "no image.* another suffix there is 'day/b.png'"),
        (replace(MISSED, target=None), "expected the key of an image or the id of a detection"),
        (replace(MISSED, bbox_format=None), "bbox without bbox_format"),
        (replace(MISSED, bbox=(40, 20, 10, 44)), "swapped corners"),
        (replace(MISSED, bbox=(900, 20, 910, 60)), "outside the image of 64 × 48 px"),
        (replace(MISSED, bbox=None), "missed needs a box"),
        (replace(MISSED, true_class=None), "missed needs a class"),
        (replace(MISSED, size_px=(1920, 1080)), "is 1920 × 1080 px, and it is 64 × 48"),
        (replace(MISSED, confidence=2.0), "confidence 2.0; expected 0"),
        (replace(MISSED, target=DETECTION), "missed is an object without a detection"),
        (replace(MISSED, label="reviewed", true_class=None), "reviewed is about an image"),
        (BoxInput("confirmed", DETECTION, true_class="van"), "use corrected"),
        (BoxInput("corrected", DETECTION), "changes neither class nor box"),
        (replace(MISSED, label="corrected"), "corrected is about a detection"),
        (BoxInput("corrected", DETECTION, (0, 0, 4, 4), "xyxy"), "use false_positive for the"),
        (BoxInput("confirmed", DETECTION, (44, 0, 60, 9), "xyxy"), "bbox lies elsewhere"),
        (BoxInput("false_positive", DETECTION, true_class="car"), "names no object"),
        (BoxInput("confirmed", DETECTION[:-1] + "9", true_class="car"), "stands in the tables"),
        (BoxInput(annotation_id="nothing", withdraw=True), "no annotation 'nothing'"),
        (BoxInput("reviewed", "a.png", withdraw=True), "nothing of ann to withdraw"),
    ],
)
def test_what_makes_no_sense_says_what_would(scenes, box, says):
    with pytest.raises(AutolabelError, match=says) as error:
        give(scenes, MISSED, box)
    assert str(error.value).startswith("line 2: ")
    assert rows(scenes) == []


def test_all_errors_are_listed_and_nothing_is_recorded(scenes):
    with pytest.raises(AutolabelError) as error:
        give(scenes, replace(MISSED, label="x"), MISSED, replace(MISSED, target="zz"))
    lines = str(error.value).splitlines()
    assert [line[:6] for line in lines] == ["line 1", "line 3", "Nothin"]
    assert rows(scenes) == []


def test_what_is_right_can_be_recorded_and_a_damaged_image_is_not_reviewed(scenes):
    bad = replace(MISSED, bbox=(1, 1, 1, 1))
    other = replace(MISSED, target="day/b.png")
    whole = [BoxInput("reviewed", "a.png"), BoxInput("reviewed", "day/b.png")]
    report = give(scenes, *whole, MISSED, bad, other, whole=True, skip_invalid=True)
    assert report.recorded == {"reviewed": 1, "missed": 2}
    assert len(report.left_out) == 1 and "has no area" in report.left_out[0]


def test_a_class_outside_the_declared_ones_is_refused(copied):
    copied.declare(NAME, declaration(classes=["car", "van"]))
    ws = copied.workspace
    with pytest.raises(AutolabelError, match=r'no class \'vam\'. Did you mean "van"'):
        give(ws, replace(MISSED, true_class="vam"))


def test_a_class_that_looks_like_another_is_warned_of(scenes):
    give(scenes, replace(MISSED, true_class="delivery van"))
    report = give(scenes, replace(MISSED, true_class="Delivery Van"))
    assert "differs only in case" in str(report.warnings[0])


def test_the_same_word_again_changes_nothing(scenes):
    assert give(scenes, MISSED, MISSED).recorded == {"missed": 1}
    report = give(scenes, MISSED)
    assert (report.recorded, report.unchanged) == ({}, 1)
    assert len(scenes.ledger.box_annotations(NAME)) == 1


def test_a_later_word_of_the_same_person_updates_and_may_return(scenes):
    confirmed = BoxInput("confirmed", DETECTION)
    wrong = BoxInput("false_positive", DETECTION)
    for word in (confirmed, wrong, confirmed):
        give(scenes, word)
    assert [r["label"] for r in rows(scenes)] == ["confirmed"]
    assert len(scenes.ledger.box_annotations(NAME)) == 3
    assert len({e.event_id for e in scenes.ledger.box_annotations(NAME)}) == 3


def test_one_id_cannot_say_two_things_at_once(scenes):
    one = replace(MISSED, annotation_id="x")
    with pytest.raises(AutolabelError, match="says otherwise of the same annotation than line 1"):
        give(scenes, one, replace(one, true_class="van"))


def test_an_annotation_is_updated_and_withdrawn_by_its_id(scenes):
    give(scenes, MISSED)
    named = rows(scenes)[0]["annotation_id"]
    give(scenes, replace(MISSED, true_class="van", annotation_id=named[:SHOWN_CHARACTERS]))
    assert [r["true_class"] for r in rows(scenes)] == ["van"]
    give(scenes, BoxInput(annotation_id=named, withdraw=True), who="bob")
    assert rows(scenes) == []
    assert [e.action for e in scenes.ledger.box_annotations(NAME)] == [
        "annotate",
        "annotate",
        "withdraw",
    ]


def test_a_detection_is_withdrawn_by_who_judged_it(scenes):
    give(scenes, BoxInput("confirmed", DETECTION))
    back = BoxInput(target=DETECTION, withdraw=True)
    with pytest.raises(AutolabelError, match="nothing of bob to withdraw"):
        give(scenes, back, who="bob")
    give(scenes, back)
    assert rows(scenes) == []


def test_a_whole_image_given_again_withdraws_what_is_not_there_any_more(scenes):
    whole = BoxInput("reviewed", "a.png")
    van = replace(MISSED, true_class="van", bbox=(44, 0, 60, 40))
    give(scenes, van, who="bob")
    give(scenes, whole, MISSED, van, whole=True)
    report = give(scenes, whole, replace(MISSED, bbox=(11, 20, 40, 44)), whole=True)
    assert report.recorded == {"missed": 1, "withdrawn": 2}
    kept = {(r["annotator"], r["true_class"]) for r in rows(scenes) if r["label"] == "missed"}
    assert kept == {("bob", "van"), ("ann", "car")}


def test_file_names_of_other_tools_lead_to_keys_unless_they_are_ambiguous(scenes):
    for name in (
        "images/day/b.png",
        "C:\\set\\day\\b.png",
        "day/b",
        document_id(NAME, "day/b.png"),
    ):
        give(scenes, replace(MISSED, target=name))
    assert {r["image_key"] for r in rows(scenes)} == {"day/b.png"}


def test_a_replaced_image_makes_annotations_stale(scenes, copied):
    give(scenes, BoxInput("reviewed", "a.png"), MISSED)
    copied.put(NAME, {"a.png": scene((1, 1, 9, 9, (9, 0, 0)))})
    ws = copied.workspace
    with pytest.raises(AutolabelError, match="was replaced since it was detected on"):
        give(ws, BoxInput("confirmed", DETECTION))
    sweep_quietly(ws, NAME)
    assert [r["state"] for r in rows(ws)] == ["stale", "stale"]
    assert collection_truths(ws.open(NAME)) == []
    give(ws, BoxInput("reviewed", "a.png"))
    (truth,) = collection_truths(ws.open(NAME))
    assert (truth.boxes, truth.reviewed) == ((), True)


def test_status_says_how_the_detector_fares_and_what_to_do(scenes):
    give(scenes, BoxInput("confirmed", DETECTION))
    give(scenes, BoxInput("false_positive", DETECTION), who="bob")
    numbers = collection_status(scenes.open(NAME))
    assert numbers["judged"]["overall"]["rates"]["confirmed"] == 0.5
    assert (numbers["judged"]["overall"]["verdict"], numbers["judged"]["conflicts"]) == (
        "too few",
        1,
    )
    wrong = [
        box("false_positive", RED, predicted_class="red", judged=VERSION, annotator=f"a{n}")
        for n in range(40)
    ]
    scenes.ledger.append_box_annotations(wrong)
    numbers = collection_status(scenes.open(NAME))
    (check,) = [f for f in findings(numbers) if f.name == "detections_judged_right"]
    assert not check.passed
    assert "false positive 97.6%" in check.text
    assert "Raise detection.confidence_threshold" in check.text


def test_boxes_of_whole_images_judge_no_detector(scenes):
    give(scenes, BoxInput("reviewed", "a.png"), MISSED, whole=True)
    give(scenes, replace(MISSED, bbox=(44, 0, 60, 40)), who="bob")
    judged = {r["annotator"]: r["payload"].get("judged") for r in rows(scenes)}
    assert judged == {"ann": None, "bob": VERSION}


def test_detections_cannot_be_judged_while_they_change_over(copied):
    copied.declare(NAME, declaration(version="2.0.0"))
    with pytest.raises(AutolabelError, match="are changing over to"):
        give(copied.workspace, BoxInput("confirmed", DETECTION))


def test_further_fields_are_kept_with_the_annotation(scenes):
    give(scenes, BoxInput("confirmed", DETECTION, fields={"category": "vehicle"}))
    assert rows(scenes)[0]["payload"] == {"judged": VERSION, "category": "vehicle"}


def test_texts_have_no_boxes(workspace):
    ws = workspace(
        {NAME: {"feature_extractor": {"feature_extractor_name": "text_extractor"}}},
        {NAME: {"a.txt": "hello"}},
    )
    with pytest.raises(AutolabelError, match="Boxes need images"):
        give(ws, replace(MISSED, target="a.txt"))


def test_the_command_records_and_takes_back(scenes, copied, monkeypatch):
    monkeypatch.setenv("AUTOLABEL_HOME", str(copied.paths.home))
    monkeypatch.setenv("AUTOLABEL_COLLECTIONS", str(copied.paths.collections))

    def run(*words):
        return CliRunner().invoke(root, ["annotate", NAME, *words], catch_exceptions=False).output

    box = ("--true-class", "car", "--bbox", "10,20,30,24", "--bbox-format", "xywh")
    said = run("a.png", "--label", "missed", *box, "--annotator", "ann", "--reasoning", "small")
    assert said == "Recorded on 1 images: 1 missed.\n"
    (row,) = rows(scenes)
    assert (row["xyxy_px"], row["reasoning"], row["origin"]) == (RED, "small", "cli")
    run("--id", row["annotation_id"], "--withdraw")
    assert rows(scenes) == []
