import pytest
from support.box_samples import IMAGE, box, reviewed

from autolabel_core.ledger.requests import RETRAIN
from autolabel_core.operations.automation import request_retraining
from autolabel_core.tables.boxes.conflicts import conflicts
from autolabel_core.tables.boxes.detector_figures import (
    DetectorFigures,
    box_figures,
    count_mistakes,
    judged_versions,
)

PLACE = (0.0, 0.0, 20.0, 20.0)


def said(label, count=1, **more):
    own = {"predicted_class": "car", "judged": "1.0.0", "recorded_at": "2026-01-05T10:00:00+00:00"}
    name = None if label == "false_positive" else more.pop("true", "car")
    return [box(label, PLACE, name, **{**own, **more}) for _ in range(count)]


def alone(events, **window):
    (figures,) = box_figures(events, **window)
    return figures


def test_rates_have_their_denominators():
    found = alone(
        said("confirmed", 80)
        + said("corrected", 10)
        + said("false_positive", 10)
        + said("missed", 10)
        + [reviewed(), reviewed(annotator="bob")]
    )
    assert found.judged == 110
    assert found.rates == {
        "confirmed": 0.8,
        "corrected": 0.1,
        "false_positive": 0.1,
        "missed": 0.1,
    }
    assert found.shares["missed"] == pytest.approx(10 / 110)
    assert sum(found.shares.values()) == pytest.approx(1)
    assert found.reviewed == 1


def test_boxes_that_came_before_any_detector_judge_none():
    drawn = said("missed", 100, judged=None)
    found = alone(drawn)
    assert (found.judged, found.given, found.verdict) == (0, 100, "nothing judged")
    assert set(found.rates.values()) == {None}
    assert count_mistakes(drawn) == 0
    assert alone(drawn + said("confirmed", 40)).rates["missed"] == 0


@pytest.mark.parametrize(
    ("counts", "verdict", "actions"),
    [
        ({"confirmed": 29}, "too few", 0),
        ({"confirmed": 85, "corrected": 15}, "healthy", 0),
        ({"confirmed": 84, "corrected": 16}, "action", 1),
        ({"confirmed": 90, "false_positive": 10}, "healthy", 0),
        ({"confirmed": 89, "false_positive": 11}, "action", 1),
        ({"confirmed": 95, "missed": 5}, "healthy", 0),
        ({"confirmed": 94, "missed": 6}, "action", 1),
        ({"confirmed": 80, "corrected": 10, "false_positive": 10}, "watch", 0),
        ({"confirmed": 30, "corrected": 30, "false_positive": 30, "missed": 30}, "action", 3),
    ],
)
def test_the_table_says_when_to_act(counts, verdict, actions):
    found = alone([event for label, n in counts.items() for event in said(label, n)])
    assert found.verdict == verdict
    assert len(found.actions) == actions


def test_a_window_and_a_group_count_only_what_is_theirs():
    events = (
        said("confirmed", 9, retriever_id="sure")
        + said("corrected", 3, recorded_at="2026-01-12T00:00:00+00:00", true="van")
        + said("missed", 1, predicted_class=None, true="bus")
        + [reviewed(recorded_at="2026-01-05T10:00:00+00:00")]
    )
    assert alone(events, since="2026-01-06").counts["confirmed"] == 0
    assert {f.part: f.judged for f in box_figures(events, by="week")} == {
        "2026-W02": 10,
        "2026-W03": 3,
    }
    assert {f.part: f.judged for f in box_figures(events, by="class")} == {"car": 12, "bus": 1}
    of_two = [*events, *said("false_positive", 2, judged="2.0.0", annotator="cy")]
    assert {f.part: f.judged for f in box_figures(of_two, by="version")} == {
        "1.0.0": 13,
        "2.0.0": 2,
    }
    assert judged_versions(of_two) == ["1.0.0", "2.0.0"]
    assert {f.part: f.judged for f in box_figures(events, by="retriever")} == {"sure": 9, "none": 4}
    assert box_figures([], by="week") == []
    assert alone([]).verdict == "nothing judged"


def test_an_annotation_counts_as_it_stands_last():
    first, then = said("confirmed")[0], said("corrected")[0]
    same = {"annotation_id": "a"}
    events = [*said("confirmed", **same), *said("false_positive", **same)]
    assert alone(events).counts["false_positive"] == 1
    assert alone([*events, *said("confirmed", action="withdraw", **same)]).judged == 0
    assert count_mistakes([first, then, *events]) == 2


def test_mistakes_of_a_detector_ask_for_training(workspace):
    declared = {
        "feature_extractor": {"feature_extractor_name": "colour_extractor"},
        "automation": {"retrain": {"after_corrections": 3}},
    }
    ws = workspace({"scenes": declared})
    collection = ws.open("scenes")
    ws.ledger.append_box_annotations(said("missed", 9, judged=None) + said("corrected", 2))
    assert not request_retraining(collection)
    ws.ledger.append_box_annotations(said("false_positive"))
    assert request_retraining(collection)
    assert ws.ledger.requests("scenes", RETRAIN)[0].payload["corrections"] == 3


def test_two_people_conflict_where_they_see_another_thing():
    ann = box("missed", PLACE, "car")
    agrees = box("missed", (1.0, 0.0, 20.0, 20.0), "car", annotator="bob")
    differs = box("missed", (1.0, 0.0, 20.0, 20.0), "van", annotator="bob")
    denies = box("false_positive", PLACE, predicted_class="car", annotator="bob")
    of_another = box("false_positive", PLACE, predicted_class="van", annotator="bob")
    apart = box("missed", (50.0, 50.0, 60.0, 60.0), "van", annotator="bob")
    assert conflicts([ann, agrees, reviewed()]) == []
    assert conflicts([ann, of_another]) == conflicts([ann, apart]) == []
    assert conflicts([ann, box("missed", PLACE, "van")]) == []
    (found,) = conflicts([differs, ann])
    assert (found.first, found.second) == (differs, ann)
    assert str(found) == f"{IMAGE.key}: van (bob) against car (ann)"
    assert str(conflicts([ann, denies])[0]).endswith("car (ann) against no car (bob)")


def test_one_detection_is_one_object_however_the_box_was_moved():
    one = {"detection_id": "d", "predicted_class": "car"}
    moved = box("corrected", (15.0, 15.0, 60.0, 60.0), "van", **one)
    (found,) = conflicts([box("confirmed", PLACE, "car", annotator="bob", **one), moved])
    assert found.second == moved


def test_the_counts_beside_the_rates_are_what_they_are_shares_of():
    """Missed objects are no detections: 148 boxes are not what 141 detections' rates are of."""
    counts = {"confirmed": 120, "corrected": 11, "false_positive": 10, "missed": 7}
    figures = DetectorFigures("all", counts, 0, 0)
    record = figures.record()
    assert (record["detections"], record["objects"], record["judged"]) == (141, 138, 148)
    assert record["rates"]["confirmed"] == 120 / 141 and record["rates"]["missed"] == 7 / 138
    assert figures.said == (
        "141 detections judged: confirmed 85.1%, corrected 7.8%, false positive 7.1%; "
        "missed 5.1% of 138 objects"
    )
