from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from support.box_samples import IMAGE, box, reviewed

from autolabel_core.ledger.box_annotations import effective
from autolabel_core.tables.boxes.ground_truth import KnownImage, image_truths

LEFT, RIGHT = (0.0, 0.0, 20.0, 20.0), (50.0, 50.0, 80.0, 80.0)
NEAR_LEFT = (1.0, 0.0, 21.0, 20.0)


def truth(*events, images=(IMAGE,)):
    (found,) = image_truths(events, images)
    return found


def classes(*events):
    return [b.class_name for b in truth(*events).boxes]


def test_missed_boxes_go_in_and_false_positives_stay_out():
    found = truth(
        box("missed", LEFT, "car"),
        box("confirmed", RIGHT, "van", detection_id="doc_1_det_1", predicted_class="van"),
        box("false_positive", (30, 0, 40, 10), detection_id="doc_1_det_2", predicted_class="car"),
        reviewed(),
    )
    assert [(b.class_name, b.source) for b in found.boxes] == [
        ("car", "missed"),
        ("van", "confirmed"),
    ]
    assert found.hard_negatives == ((30, 0, 40, 10),)
    assert found.reviewed


def test_an_image_is_reviewed_only_when_somebody_says_so():
    assert not truth(box("missed", LEFT, "car")).reviewed
    assert truth(reviewed()).boxes == ()


def test_an_update_replaces_and_a_withdrawal_removes():
    first = box("missed", LEFT, "car", annotation_id="a")
    second = replace(first, true_class="van", event_id="2")
    assert classes(first, second) == ["van"]
    assert image_truths([first, second, replace(second, action="withdraw")], [IMAGE]) == []


def test_a_replaced_image_is_stale_and_not_used():
    event = box("missed", LEFT, "car", annotation_id="a")
    now = {IMAGE.document_id: "content2"}
    standing = effective([event], now)
    assert (standing.holding, standing.stale) == ([], [event])
    assert image_truths([event], [replace(IMAGE, content_hash="content2")]) == []
    again = replace(event, content_hash="content2")
    assert effective([event, again], now).stale == []
    assert effective([event, again], {IMAGE.document_id: "content1"}).holding == [event]


def test_a_deleted_image_is_stale():
    assert effective([reviewed()], {}).stale


def test_the_later_of_two_people_holds_and_both_are_kept():
    events = [box("missed", LEFT, "car"), box("missed", NEAR_LEFT, "van", annotator="bob")]
    assert classes(*events) == ["van"]
    assert len(effective(events, {IMAGE.document_id: IMAGE.content_hash}).holding) == 2


def test_the_later_word_about_one_detection_holds():
    one = {"detection_id": "doc_1_det_1", "predicted_class": "car"}
    says_no = box("false_positive", LEFT, annotator="bob", **one)
    assert classes(box("confirmed", LEFT, "car", **one)) == ["car"]
    assert truth(box("confirmed", LEFT, "car", **one), says_no).boxes == ()


def test_boxes_of_one_sitting_are_objects_of_their_own():
    assert classes(box("missed", LEFT, "car"), box("missed", NEAR_LEFT, "car")) == ["car", "car"]


def test_a_confirmation_keeps_the_box_that_a_person_drew():
    found = truth(
        box("missed", LEFT, "car"),
        box("confirmed", NEAR_LEFT, "car", judged="1.0.0", detection_id="d", predicted_class="car"),
    )
    assert [(b.xyxy_px, b.source) for b in found.boxes] == [(LEFT, "confirmed")]


def test_a_wrong_detection_beside_an_object_leaves_the_object():
    wrong = box("false_positive", NEAR_LEFT, predicted_class="van", judged="1.0.0")
    assert classes(box("missed", LEFT, "car"), wrong) == ["car"]
    assert classes(box("missed", LEFT, "van"), wrong) == []


def test_images_come_in_the_order_of_their_first_review():
    images = [KnownImage(f"doc_{n}", f"{n}.png", f"c{n}", 9, 9) for n in range(3)]
    first = reviewed(image=images[2], annotation_id="r")
    withdrawn = replace(first, action="withdraw", event_id="w")
    events = [
        first,
        reviewed(image=images[1]),
        box("missed", (0, 0, 5, 5), "a", image=images[0]),
        withdrawn,
        replace(first, event_id="again"),
    ]
    assert [t.key for t in image_truths(events, images)] == ["2.png", "1.png", "0.png"]


places = st.tuples(st.integers(0, 60), st.integers(0, 40)).map(
    lambda p: (float(p[0]), float(p[1]), p[0] + 20.0, p[1] + 20.0)
)
events = st.lists(
    st.builds(
        lambda label, xyxy, who, judged, name: box(
            label,
            xyxy,
            None if label == "false_positive" else name,
            predicted_class=name,
            annotator=who,
            judged=judged,
        ),
        st.sampled_from(["confirmed", "missed", "false_positive"]),
        places,
        st.sampled_from(["ann", "bob"]),
        st.sampled_from([None, "1.0.0"]),
        st.sampled_from(["car", "van"]),
    ),
    max_size=8,
)


@given(events)
def test_the_last_sitting_stands_whole_and_none_stands_twice(said):
    holding = [e for e in said if e.label != "false_positive"]
    for found in image_truths(said, [IMAGE]):
        last = [e for e in said if (e.annotator, e.judged) == (said[-1].annotator, said[-1].judged)]
        stands = [b.class_name for b in found.boxes]
        assert len(stands) <= len(holding)
        for event in last:
            assert event.label == "false_positive" or event.true_class in stands


@given(events)
def test_one_sitting_is_taken_as_it_is(said):
    alone = [replace(e, annotator="ann", payload={}) for e in said]
    for found in image_truths(alone, [IMAGE]):
        assert len(found.boxes) == sum(e.label != "false_positive" for e in alone)
