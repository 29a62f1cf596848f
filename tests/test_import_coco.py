"""COCO of other tools: right, or refused with the names."""

import json

import pytest
from support.import_files import bucket, folder, give, recorded, refused

__all__ = ["bucket", "folder"]


def coco(images, annotations=((1, 1),), categories=((1, "cat"),), **more):
    """COCO with an image for each (id, name), a box for each (image, category)."""
    content = {
        "images": [{"id": i, "file_name": n} for i, n in images],
        "annotations": [
            {"id": n, "image_id": i, "category_id": c, "bbox": [n, 10, 20, 20]}
            for n, (i, c) in enumerate(annotations, 1)
        ],
        "categories": [{"id": i, "name": n} for i, n in categories],
    }
    return {"in.json": json.dumps({**content, **more})}


A_AND_B = ((1, "a.png"), (2, "b.png"))

COCO_REFUSED = {
    "repeated image id": (
        coco(((1, "a.png"), (1, "b.png"))),
        "'b.png' has the id 1, which 'a.png'",
    ),
    "ids 1 and '1'": (coco(((1, "a.png"), ("1", "b.png"))), "has the id 1, which 'a.png' has"),
    "list id": (coco((([1], "a.png"),), (([1], 1),)), "entry 1 of images: its id is .1."),
    "null id": (coco(((None, "a.png"),)), "its id is None; expected a number"),
    "other split": (coco(((1, "train/0001.png"),)), "In another folder there is 'val/0001.png'"),
    "other suffix": (coco(((1, "a.jpg"),)), "With another suffix there is 'a.png'"),
    "one image twice": (
        coco(((1, "a.png"), (2, "./a.png"))),
        "2 images of the source lead to the one key 'a.png': 'a.png' .image 1., './a.png' .image",
    ),
    "no such image id": (coco(A_AND_B, ((3, 1),)), "annotation 1: no image with the id 3"),
    "no such category": (coco(A_AND_B, ((1, 9),)), "annotation 1: no category with the id 9"),
    "two categories, one id": (
        coco(A_AND_B, categories=((1, "cat"), (1, "dog"))),
        "'cat' and 'dog' both have the category id 1",
    ),
    "no name": (coco(((1, ""),)), "names no image"),
}
for _box, _says in {
    "null": "bbox is None",
    "[1, 2, 3]": "expected four finite numbers",
    "[1, 2, NaN, 4]": "expected four finite numbers",
    "[1, 2, -3, 4]": "a negative size",
    "[1, 2, 0, 4]": "has no area",
    '["x", 2, 3, 4]': "expected four finite numbers",
}.items():
    COCO_REFUSED[f"bbox {_box}"] = (
        {"in.json": coco(A_AND_B)["in.json"].replace("[1, 10, 20, 20]", _box)},
        f"annotation 1: .*{_says}",
    )
COCO_REFUSED["turned"] = (
    {
        "in.json": coco(A_AND_B)["in.json"].replace(
            '"bbox"', '"attributes": {"rotation": 30}, "bbox"'
        )
    },
    "is turned by 30",
)
COCO_REFUSED["a name twice"] = (
    {"in.json": coco(A_AND_B)["in.json"].replace('"bbox"', '"image_id": 2, "bbox"')},
    "'image_id' occurs twice in one object",
)


@pytest.mark.parametrize("case", COCO_REFUSED)
def test_coco_that_may_put_a_box_on_the_wrong_image_is_refused(bucket, folder, case):
    files, says = COCO_REFUSED[case]
    path = folder(files) / "in.json"
    refused(bucket("a.png", "b.png", "val/0001.png"), path, says)


@pytest.mark.parametrize(
    "image",
    [
        {"file_name": "set\\my photo.png"},
        {"file_name": "my%20photo.png"},
        {"coco_url": "http://images.example.org/val/my%20photo.png"},
        {"file_name": "https://example.org/set/my%20photo.png?token=x/y"},
    ],
)
def test_coco_names_images_by_path_or_address(bucket, folder, image):
    ws = bucket("set/my photo.png" if "set" in str(image) else "my photo.png", "other.png")
    content = json.loads(coco(())["in.json"]) | {"images": [{"id": 1, **image}]}
    give(ws, folder({"in.json": json.dumps(content)}) / "in.json")
    assert len(recorded(ws)) == 2


def test_an_image_of_which_something_was_dropped_is_not_reviewed_and_empty(bucket, folder):
    ws = bucket("a.png", "b.png")
    text = coco(A_AND_B, ((1, 1), (2, 1)))["in.json"].replace("[1, 10, 20, 20]", "[1]")
    report = give(ws, folder({"in.json": text}) / "in.json", skip_invalid=True)
    assert recorded(ws) == ["b.png", "b.png: cat"]
    assert "'a.png' is not taken for reviewed" in str(report.notes)


def test_what_may_be_about_any_image_speaks_against_all(bucket, folder):
    ws = bucket("a.png", "b.png")
    path = folder(coco(A_AND_B, ((1, 1), (7, 1)))) / "in.json"
    give(ws, path, skip_invalid=True)
    assert recorded(ws) == ["a.png: cat"]


def test_an_image_with_a_crowd_region_is_not_reviewed(bucket, folder):
    ws = bucket("a.png", "b.png")
    text = coco(A_AND_B)["in.json"].replace('"bbox"', '"iscrowd": 1, "bbox"')
    report = give(ws, folder({"in.json": text}) / "in.json")
    assert recorded(ws) == ["b.png"]
    assert "1 crowd regions" in report.notes[0] and "'a.png' is not taken" in report.notes[1]


def test_a_file_without_one_annotation_says_nothing_of_its_images(bucket, folder):
    ws = bucket("a.png", "b.png")
    report = give(ws, folder(coco(A_AND_B, ())) / "in.json")
    assert recorded(ws) == []
    assert "No image has an annotation, so none is taken for reviewed." in report.notes


def test_scores_of_a_detector_are_told(bucket, folder):
    text = coco(A_AND_B)["in.json"].replace('"bbox"', '"score": 0.3, "bbox"')
    report = give(bucket("a.png", "b.png"), folder({"in.json": text}) / "in.json")
    assert "1 annotations have a score" in report.notes[0]


def test_a_folder_with_a_coco_file_for_each_split_is_read(bucket, folder):
    ws = bucket("train/0001.png", "valid/0001.png")
    files = {
        "train/_annotations.coco.json": coco(((0, "0001.png"),), ((0, 1),))["in.json"],
        "valid/_annotations.coco.json": coco(((0, "0001.png"),), ())["in.json"],
        "README.dataset.txt": "a data set",
        "captions.json": "{}",
    }
    report = give(ws, folder(files))
    assert recorded(ws) == ["train/0001.png", "train/0001.png: cat", "valid/0001.png"]
    assert report.notes == ("captions.json was left out: it holds no boxes of COCO.",)
