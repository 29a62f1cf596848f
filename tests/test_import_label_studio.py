"""Label Studio: right, or refused with the names."""

import json

import pytest
from support.import_files import bucket, folder, give, recorded, refused

__all__ = ["bucket", "folder"]


def result(x=10, **more):
    value = {"x": x, "y": 10, "width": 20, "height": 20, "rotation": 0, "rectanglelabels": ["cat"]}
    value |= more.pop("value", {})
    return {"id": "r", "type": "rectanglelabels", "to_name": "image", "value": value, **more}


def task(*results, image="a.png", **more):
    return {
        "id": 1,
        "data": {"image": image},
        "annotations": [{"id": 1, "completed_by": 1, "result": list(results)}],
        **more,
    }


def tasks(*entries):
    return {"t.json": json.dumps(entries)}


TWO = {"data": {"image": "a.png", "image2": "b.png"}}
CHOICES = {"type": "choices", "value": {"choices": ["ok"]}, "to_name": "image"}
RELATION = {"type": "relation", "from_id": "r", "to_id": "r"}

STUDIO_READ = {
    "choices and relations": (tasks(task(result(), CHOICES, RELATION)), ["a.png", "a.png: cat"]),
    "two images": (
        tasks(task(result(), result(50, to_name="image2"), **TWO)),
        ["a.png", "a.png: cat", "b.png", "b.png: cat"],
    ),
    "one of two images drawn on": (tasks(task(result(), **TWO)), ["a.png", "a.png: cat"]),
    "upload": (
        tasks(task(result(), image="/data/upload/3/1a2b3c4d-a.png")),
        ["a.png", "a.png: cat"],
    ),
    "labels apart from their rectangle": (
        tasks(
            task(
                result(type="rectangle", value={"rectanglelabels": None}),
                {"id": "r", "type": "labels", "value": {"labels": ["dog"]}, "to_name": "image"},
            )
        ),
        ["a.png", "a.png: dog"],
    ),
    "cancelled, drafts and predictions": (
        tasks(
            {
                **task(),
                "annotations": [{"was_cancelled": True, "result": [result()]}],
                "drafts": [{"result": [result()]}],
                "predictions": [{"result": [result()]}],
            }
        ),
        [],
    ),
    "no lists where lists are expected": (
        tasks({**task(), "annotations": 5, "drafts": 3, "predictions": {"a": 1}}),
        [],
    ),
    "two people": (
        tasks(
            {
                **task(),
                "annotations": [
                    {"completed_by": 1, "result": [result()]},
                    {"completed_by": 2, "result": []},
                ],
            }
        ),
        ["a.png", "a.png", "a.png: cat"],
    ),
}


@pytest.mark.parametrize("case", STUDIO_READ)
def test_tasks_of_label_studio_are_read(bucket, folder, case):
    files, expected = STUDIO_READ[case]
    ws = bucket("a.png", "b.png")
    report = give(ws, folder(files) / "t.json")
    assert recorded(ws) == expected
    plain = ("two images", "two people", "labels apart from their rectangle")
    assert bool(report.notes) == (case not in plain)


STUDIO_REFUSED = {
    "no label": (tasks(task(result(value={"rectanglelabels": []}))), "a rectangle without a label"),
    "turned image": (tasks(task(result(image_rotation=90))), "is turned by 90"),
    "turned box": (tasks(task(result(value={"rotation": 5}))), "is turned by 5"),
    "another tag": (
        tasks(task(result(to_name="img"), **TWO)),
        "is drawn on 'img', and the task has",
    ),
    "polygon": (
        tasks(task({"type": "polygonlabels", "value": {"points": []}, "to_name": "image"})),
        "no rectangle but polygonlabels",
    ),
    "video": (tasks(task(result(type="videorectangle"))), "no rectangle but videorectangle"),
    "outside": (tasks(task(result(900))), "outside the image"),
    "one person twice": (
        tasks({**task(), "annotations": [{"result": [result()]}, {"result": []}]}),
        "2 annotations of nobody say two things",
    ),
    "two tasks, one image": (
        tasks(task(result()), task(id=2)),
        "lead to the one key 'a.png': 'a.png' .task 1., 'a.png' .task 2.",
    ),
    "two uploads, one image": (
        tasks(task(image="/upload/1/1a2b3c4d-a.png"), task(id=2, image="/upload/1/99999999-a.png")),
        "lead to the one key 'a.png'",
    ),
    "results of COCO": ({"t.json": '[{"image_id": 1, "bbox": [1, 2, 3, 4]}]'}, "JSON-MIN"),
    "pages": (tasks(task(result(item_index=1))), "another page"),
}


@pytest.mark.parametrize("case", STUDIO_REFUSED)
def test_tasks_that_may_mean_another_image_are_refused(bucket, folder, case):
    files, says = STUDIO_REFUSED[case]
    refused(bucket("a.png", "b.png"), folder(files) / "t.json", says)


@pytest.mark.parametrize("kind", ["choices", "textarea"])
def test_who_drew_nothing_but_chose_or_wrote_did_not_say_that_the_image_is_empty(
    bucket, folder, kind
):
    ws = bucket("a.png", "b.png")
    spoken = {"id": "c", "type": kind, "to_name": "image", "value": {"choices": ["dusk"]}}
    report = give(ws, folder(tasks(task(spoken), task(image="b.png", id=2))) / "t.json")
    assert recorded(ws) == ["b.png"]
    assert "'a.png' is not taken for reviewed" in str(report.notes)
