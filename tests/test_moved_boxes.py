"""What people said of boxes follows an image that is renamed or moved."""

from __future__ import annotations

import json

import pytest
from support.detection_samples import (
    NAME,
    SCENES,
    annotate,
    detections_of,
    documents_by_key,
    judge,
    review,
)

from autolabel_core.documents.quality import quality
from autolabel_core.operations.advice import findings
from autolabel_core.operations.status import collection_status
from autolabel_core.tables.boxes.current_annotations import collection_truths, standing
from autolabel_core.tables.boxes.detector_figures import box_figures, count_mistakes

MISSED_BOX = (40.0, 2.0, 52.0, 14.0)


class Bucket:
    """The folder of the images, moved as people do, and swept."""

    def __init__(self, home, sweep):
        self.home, self.sweep = home, sweep
        self.folder = home.paths.buckets / NAME

    @property
    def ws(self):
        return self.home.workspace

    def move(self, old, new):
        (self.folder / new).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / old).rename(self.folder / new)
        self.sweep(self.ws, NAME)

    def copy(self, old, *new):
        for name in new:
            (self.folder / name).write_bytes((self.folder / old).read_bytes())

    def remove(self, name):
        (self.folder / name).unlink()
        self.sweep(self.ws, NAME)

    def holding(self):
        return sorted(
            (e.image_key, e.label, e.true_class, e.annotator)
            for e in standing(self.ws.open(NAME)).holding
        )

    def stale(self):
        return standing(self.ws.open(NAME)).stale

    def truths(self):
        return {
            t.key: (t.reviewed, [(b.class_name, b.xyxy_px) for b in t.boxes], t.hard_negatives)
            for t in collection_truths(self.ws.open(NAME))
        }

    def asked(self):
        numbers = collection_status(self.ws.open(NAME))
        return [f.text for f in findings(numbers) if f.name == "labels_follow_their_files"]

    def events(self):
        return self.ws.ledger.box_annotations(NAME)


@pytest.fixture
def bucket(blocks, home, bring_up_to_date):
    blocks()
    return Bucket(home, bring_up_to_date)


def judge_everything(ws):
    """A confirmed and a wrong detection, an object that was missed, and the whole image."""
    judge(ws, "both.png", 0, "confirmed")
    judge(ws, "both.png", 1, "false_positive")
    annotate(ws, "both.png", "missed", true_class="lamp", xyxy_px=MISSED_BOX, annotator="bob")
    review(ws, "both.png")


@pytest.mark.parametrize("new", ["new.png", "deep/er/both.png", "ü 文.png"])
def test_every_word_about_a_moved_image_is_about_the_new_key(bucket, new):
    judge_everything(bucket.ws)
    bucket.sweep(bucket.ws, NAME)
    before, truth = bucket.holding(), bucket.truths()["both.png"]
    labels = {k: (r["label"], r.get("verdict")) for k, r in documents_by_key(bucket.ws).items()}
    bucket.move("both.png", new)
    assert bucket.holding() == sorted((new, *rest) for _, *rest in before)
    assert bucket.truths() == {new: truth}
    moved = {k: (r["label"], r.get("verdict")) for k, r in documents_by_key(bucket.ws).items()}
    assert moved == {k.replace("both.png", new): value for k, value in labels.items()}
    assert bucket.stale() == [] and bucket.asked() == []
    for event in bucket.events()[4:]:
        assert (event.origin, event.moved_from["key"]) == ("moved", "both.png")


def test_a_moved_detection_is_judged_by_its_new_id_and_the_judgement_can_be_withdrawn(bucket, run):
    judge(bucket.ws, "both.png", 0, "confirmed")
    bucket.move("both.png", "new.png")
    detection = detections_of(bucket.ws, "new.png")[0]["document_id"]
    (event,) = standing(bucket.ws.open(NAME)).holding
    assert event.detection_id == detection
    status, out, err = run("annotate", NAME, detection, "--withdraw", "--annotator", "ann")
    assert (status, bucket.holding()) == (0, []), err + out


def test_a_word_that_is_said_again_after_the_move_is_the_same_annotation(bucket, run):
    again = ("--label", "missed", "--true-class", "lamp", "--bbox", "40,2,52,14", "--annotator")
    again = ("--bbox-format", "xyxy", *again)
    run("annotate", NAME, "both.png", *again, "bob")
    bucket.move("both.png", "new.png")
    status, _, err = run("annotate", NAME, "new.png", *again, "bob")
    assert status == 0, err
    assert len(bucket.events()) == 2
    assert bucket.holding() == [("new.png", "missed", "lamp", "bob")]


def test_the_latest_word_comes_back_with_the_image(bucket):
    judge_everything(bucket.ws)
    bucket.sweep(bucket.ws, NAME)
    bucket.move("both.png", "new.png")
    judge(
        bucket.ws, "new.png", 0, "corrected", "cup", annotation_id=bucket.events()[0].annotation_id
    )
    gone = next(e for e in standing(bucket.ws.open(NAME)).holding if e.label == "missed")
    annotate(
        bucket.ws,
        "new.png",
        "missed",
        annotation_id=gone.annotation_id,
        action="withdraw",
        annotator="bob",
    )
    for old, new in (("new.png", "both.png"), ("both.png", "new.png"), ("new.png", "both.png")):
        bucket.move(old, new)
        labels = {(key, label, name) for key, label, name, _ in bucket.holding()}
        assert labels == {
            (new, "corrected", "cup"),
            (new, "false_positive", None),
            (new, "reviewed", None),
        }


def test_a_copy_takes_the_boxes_when_its_original_goes_and_not_before(bucket):
    judge_everything(bucket.ws)
    bucket.copy("both.png", "copy.png")
    bucket.sweep(bucket.ws, NAME)
    assert {key for key, *_ in bucket.holding()} == {"both.png"}
    bucket.remove("both.png")
    assert {key for key, *_ in bucket.holding()} == {"copy.png"}
    bucket.copy("copy.png", "both.png")
    bucket.sweep(bucket.ws, NAME)
    assert {key for key, *_ in bucket.holding()} == {"both.png", "copy.png"}


def test_an_image_that_a_person_looked_at_keeps_what_she_said(bucket):
    bucket.copy("both.png", "copy.png")
    bucket.sweep(bucket.ws, NAME)
    judge(bucket.ws, "copy.png", 0, "false_positive")
    judge(bucket.ws, "both.png", 0, "confirmed")
    bucket.remove("both.png")
    assert [(k, label) for k, label, *_ in bucket.holding()] == [("copy.png", "false_positive")]


def test_boxes_that_two_images_claim_are_asked_about(bucket, run):
    judge_everything(bucket.ws)
    bucket.copy("both.png", "y.png", "z.png")
    bucket.remove("both.png")
    assert bucket.holding() == []
    (text,) = bucket.asked()
    assert "1 confirmed, 1 false_positive, 1 missed, 1 reviewed" in text
    assert "of 'both.png', for 'y.png', 'z.png'" in text
    assert run("label", NAME, "z.png", "--moved-from", "both.png")[0] == 0
    bucket.sweep(bucket.ws, NAME)
    assert {key for key, *_ in bucket.holding()} == {"z.png"}
    assert bucket.asked() == []


def test_carried_boxes_are_no_new_work_of_people_and_count_once(bucket):
    judge_everything(bucket.ws)
    before = [box_figures(bucket.events(), by=by) for by in ("all", "week", "annotator")]
    mistakes = count_mistakes(bucket.events())
    bucket.move("both.png", "new.png")
    assert [box_figures(bucket.events(), by=by) for by in ("all", "week", "annotator")] == before
    assert count_mistakes(bucket.events()) == mistakes
    assert sum(row["labels_given"] for row in quality(bucket.ws.open(NAME))) == 3


def test_events_tell_of_the_new_key(bucket):
    judge_everything(bucket.ws)
    bucket.move("both.png", "new.png")
    told = [
        e.payload["image_key"]
        for e in bucket.ws.ledger.events_after(0)
        if e.event_type.startswith("annotation")
    ]
    assert told == ["both.png"] * 4 + ["new.png"] * 4


def test_relabelling_after_a_move_is_what_a_fresh_home_says(bucket, home, tmp_path):
    judge_everything(bucket.ws)
    bucket.sweep(bucket.ws, NAME)
    bucket.move("both.png", "new.png")
    bucket.move("red.png", "sub/red.png")
    incremental = json.dumps(documents_by_key(bucket.ws), sort_keys=True, default=str)
    (home.paths.home / "warehouse").rename(tmp_path / "gone")
    bucket.sweep(bucket.ws, NAME)
    assert json.dumps(documents_by_key(bucket.ws), sort_keys=True, default=str) == incremental


def test_boxes_drawn_without_a_detector_move_too(workspace, home, bring_up_to_date, run):
    declared = {
        "feature_extractor": {"feature_extractor_name": "colour_extractor"},
        "taxonomy": {"field_to_enrich": "thing", "confidence_threshold": 0.9},
    }
    workspace({NAME: declared}, {NAME: SCENES})
    bucket = Bucket(home, bring_up_to_date)
    bucket.sweep(bucket.ws, NAME)
    run(
        "annotate",
        NAME,
        "both.png",
        "--label",
        "missed",
        "--true-class",
        "lamp",
        "--bbox",
        "40,2,52,14",
        "--bbox-format",
        "xyxy",
        "--annotator",
        "bob",
    )
    run("label", NAME, "both.png", "room")
    bucket.move("both.png", "new.png")
    assert bucket.holding() == [("new.png", "missed", "lamp", "bob")]
    assert bucket.truths() == {"new.png": (False, [("lamp", MISSED_BOX)], ())}
    assert documents_by_key(bucket.ws)["new.png"]["label"] == "room"
