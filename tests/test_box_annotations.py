from dataclasses import replace

from support.box_samples import box, reviewed

from autolabel_core.ledger import Ledger


def test_boxes_come_back_as_they_were_given(url):
    ledger = Ledger(url, now=lambda: "2026-01-01T00:00:00+00:00")
    given = box(
        "corrected",
        (1.25, 2.5, 30.125, 40.0),
        "van",
        predicted_class="car",
        predicted_xyxy_px=(1.0, 2.0, 29.0, 41.0),
        detection_id="doc_1_det_3",
        confidence=1.0,
        reasoning="Model predicted car, actual object is delivery van.",
        retriever_id="detection_review",
        execution_id="exec_1",
        judged="1.0.0",
    )
    ledger.append_box_annotations([given, reviewed()])
    found = Ledger(url).box_annotations("scenes")
    assert found[0] == replace(given, recorded_at="2026-01-01T00:00:00+00:00")
    assert found[0].judged == "1.0.0"
    assert (found[1].label, found[1].xyxy_px) == ("reviewed", None)


def test_a_known_event_is_left_out(url):
    ledger = Ledger(url)
    one, two = reviewed(event_id="1"), reviewed(event_id="2")
    assert ledger.append_box_annotations([one, one]) == 1
    assert ledger.append_box_annotations([one, two]) == 1
    assert [e.event_id for e in ledger.box_annotations("scenes")] == ["1", "2"]
    assert ledger.box_annotations("other") == []


def test_annotations_are_told_as_created_and_then_as_updated(url):
    ledger = Ledger(url)
    first = box("missed", (0, 0, 9, 9), "car", annotation_id="a", event_id="1")
    ledger.append_box_annotations([first, reviewed()])
    ledger.append_box_annotations([replace(first, event_id="2", true_class="van"), first])
    ledger.append_box_annotations([replace(first, event_id="3", action="withdraw")])
    told = ledger.events_after(0)
    assert [(e.event_type, e.subject) for e in told] == [
        ("annotation.created", "doc_1"),
        ("annotation.created", "doc_1"),
        ("annotation.updated", "doc_1"),
        ("annotation.updated", "doc_1"),
    ]
    assert told[2].payload["true_class"] == "van"
    assert told[2].payload["xyxy_px"] == [0, 0, 9, 9]
    assert told[3].payload["action"] == "withdraw"


def test_class_ids_are_given_once_and_for_ever(url):
    ledger = Ledger(url)
    assert ledger.give_class_ids("scenes", ["van", "car", "van"]) == {"van": 0, "car": 1}
    assert ledger.give_class_ids("scenes", ["bus", "car"]) == {"van": 0, "car": 1, "bus": 2}
    assert Ledger(url).class_ids("scenes") == {"van": 0, "car": 1, "bus": 2}
    assert ledger.give_class_ids("other", ["car"]) == {"car": 0}


def test_gold_images_stay_as_they_were_noted(url):
    ledger = Ledger(url)
    assert ledger.record_gold_images("scenes", {"c1": {"key": "a"}, "c2": {"key": "b"}}) == 2
    assert ledger.record_gold_images("scenes", {"c1": {"key": "z"}, "c3": {}}) == 1
    assert ledger.record_gold_images("other", {"c1": {}}) == 1
    assert ledger.gold_images("scenes") == {"c1": {"key": "a"}, "c2": {"key": "b"}, "c3": {}}
