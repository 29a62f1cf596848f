"""Annotations made elsewhere: right, or refused with the names, and nothing left out in silence."""

import json
import unicodedata

import pytest
from support.box_samples import picture

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.labelling.give_boxes import give_boxes
from autolabel_core.labelling.import_formats import read_given
from autolabel_core.tables.boxes.current_annotations import listed, standing

NAME = "boxes"
DECLARED = {
    "feature_extractor": {"feature_extractor_name": "colour_extractor"},
    "detection": {"detector_name": "block_detector"},
}


@pytest.fixture
def bucket(workspace, tmp_path):
    """Gives a collection with images of 100 × 80 px under the keys."""

    def make(*keys):
        images = {key: picture(number) for number, key in enumerate(keys)}
        return workspace({NAME: DECLARED}, {NAME: images})

    return make


@pytest.fixture
def folder(tmp_path):
    """Gives a folder with the files."""

    def make(files):
        for name, content in files.items():
            path = tmp_path / "in" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            data = content if isinstance(content, bytes) else content.encode()
            path.write_bytes(data)
        return tmp_path / "in"

    return make


def give(ws, path, **more):
    skip = more.pop("skip_invalid", False)
    parsed, fmt = read_given(path, **more)
    return give_boxes(ws.open(NAME), parsed, "ann", fmt, skip_invalid=skip)


def recorded(ws):
    """What is in force: `key: class` for each box, `key` alone for a reviewed image."""
    rows = listed(standing(ws.open(NAME)))
    return sorted(
        r["image_key"] if r["label"] == "reviewed" else f"{r['image_key']}: {r['true_class']}"
        for r in rows
    )


def refused(ws, path, says, **more):
    with pytest.raises(AutolabelError, match=says) as error:
        give(ws, path, **more)
    assert recorded(ws) == []
    return str(error.value)


# COCO


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
    "'image_id' stands twice in one object",
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


# YOLO

BOX = "0 0.5 0.5 0.2 0.2\n"
YAML = "names: [cat]\n"

YOLO_READ = {
    "roboflow": (
        {
            **{"README.dataset.txt": "x", "README.roboflow.txt": "y", "data.yaml": YAML},
            **{"train/labels/a.txt": BOX, "valid/labels/b.txt": ""},
        },
        ["a.png", "a.png: cat", "b.png"],
    ),
    "cvat": (
        {
            **{"obj.names": "cat\n", "obj.data": "classes = 1\n", "train.txt": "data/a.png\n"},
            "obj_train_data/a.txt": BOX,
        },
        ["a.png", "a.png: cat"],
    ),
    "flat": (
        {"classes.txt": "cat\r\n", "a.txt": BOX.replace("\n", "\r\n"), "train.txt": "a.png\n"},
        ["a.png", "a.png: cat"],
    ),
    "classes among the labels": (
        {"labels/classes.txt": "cat\n", "labels/a.txt": BOX},
        ["a.png", "a.png: cat"],
    ),
    "images called train and classes": (
        {
            **{"data.yaml": YAML, "classes.txt": "cat\n", "train.txt": "images/a.png\n"},
            **{"labels/train.txt": BOX, "labels/classes.txt": BOX, "labels/a.txt": "\n"},
        },
        ["a.png", "classes.png", "classes.png: cat", "train.png", "train.png: cat"],
    ),
    "marks and zips of other systems": (
        {
            **{"data.yaml": b"\xef\xbb\xbfnames:\r\n  0: cat\r\n", "labels/a.TXT": BOX},
            **{"__MACOSX/labels/._a.txt": b"\x00\x05", "labels/.DS_Store": b"\x00"},
        },
        ["a.png", "a.png: cat"],
    ),
    "one Unicode form": (
        {"data.yaml": YAML, f"labels/{unicodedata.normalize('NFD', 'café')}.txt": BOX},
        ["café.png", "café.png: cat"],
    ),
    "names as they are written": (
        {
            "data.yaml": "nc: 5\nnames: [no, yes, on, 1, null]\n",
            "labels/a.txt": "".join(f"{n} 0.5 0.5 0.{n + 1} 0.2\n" for n in range(5)),
        },
        ["a.png", "a.png: 1", "a.png: no", "a.png: null", "a.png: on", "a.png: yes"],
    ),
}


@pytest.mark.parametrize("case", YOLO_READ)
def test_every_layout_of_yolo_is_read(bucket, folder, case):
    files, expected = YOLO_READ[case]
    ws = bucket("a.png", "b.png", "train.png", "classes.png", "café.png")
    report = give(ws, folder(files))
    assert recorded(ws) == expected
    for name in files:
        read = "labels" in name or name in ("data.yaml", "classes.txt", "obj.names", "obj.data")
        hidden = "hidden" in str(report.notes) and "/." in name
        assert (
            read or hidden or name in str(report.notes) or name in ("a.txt", "obj_train_data/a.txt")
        )


YOLO_REFUSED = {
    "dotted name": ({"data.yaml": YAML, "labels/cam1.0001.txt": BOX}, "no image 'cam1.0001'"),
    "two images": ({"data.yaml": YAML, "labels/a.txt": BOX}, "'a' fits 'a.jpg' and 'a.png'"),
    "other split": ({"data.yaml": YAML, "labels/train/v.txt": BOX}, "no image 'train/v'"),
    "two label files": (
        {"data.yaml": YAML, "labels/train/cam1.txt": BOX, "labels/val/cam1.txt": ""},
        "lead to the one key 'cam1.png': 'train/cam1' .labels/train/cam1.txt., 'val/cam1'",
    ),
    "a key twice": (
        {"data.yaml": "names: {0: cat, 0: dog}\n", "labels/a.txt": ""},
        "'0' stands twice",
    ),
    "octal key": ({"data.yaml": "names: {00: cat}\n", "labels/a.txt": ""}, "expected a number"),
    "one name twice": (
        {"data.yaml": "names: [cat, cat]\n", "labels/a.txt": ""},
        "0 and 1 are 'cat'",
    ),
    "empty name": (
        {"data.yaml": "names:\n- cat\n-\n", "labels/a.txt": ""},
        "class 1: Expected a label",
    ),
    "other count": ({"data.yaml": "nc: 2\nnames: [cat]\n", "labels/a.txt": ""}, "nc is '2'"),
    "two vocabularies": (
        {"data.yaml": YAML, "classes.txt": "dog\n", "labels/a.txt": ""},
        "data.yaml name other classes|classes.txt and data.yaml",
    ),
    "classes in another encoding": (
        {"classes.txt": "汽车".encode("gbk"), "labels/a.txt": ""},
        "classes.txt is not UTF-8",
    ),
    "pixels": ({"data.yaml": YAML, "labels/cam1.txt": "0 50 40 20 20\n"}, "are these pixels"),
    "centre outside": ({"data.yaml": YAML, "labels/cam1.txt": "0 1.1 .5 .9 .2\n"}, "no shares"),
    "key points": ({"data.yaml": YAML, "labels/cam1.txt": "0 .5 .5 .1 .1 .2 .2 2\n"}, "key points"),
    "class out of range": (
        {"data.yaml": YAML, "labels/cam1.txt": "7 .5 .5 .1 .1\n"},
        "no class '7'",
    ),
    "comma": (
        {"data.yaml": YAML, "labels/cam1.txt": "0 0,5 0,5 0,1 0,1\n"},
        "expected four numbers",
    ),
}


@pytest.mark.parametrize("case", YOLO_REFUSED)
def test_yolo_that_is_not_plain_is_refused_with_the_names(bucket, folder, case):
    files, says = YOLO_REFUSED[case]
    refused(bucket("a.png", "a.jpg", "cam1.png", "val/v.png"), folder(files), says)


# Pascal VOC

VOC = """<annotation>{0}<size><width>100</width><height>80</height></size>{1}</annotation>"""
OBJECT = """<object><name>cat</name><bndbox><xmin>{0}</xmin><ymin>11</ymin><xmax>30</xmax>
<ymax>31</ymax></bndbox></object>"""


def voc(name, at=11):
    return VOC.format(f"<filename>{name}</filename>" if name else "", OBJECT.format(at))


def test_voc_is_read_in_the_encoding_that_it_declares(bucket, folder):
    ws = bucket("a.png")
    text = f'<?xml version="1.0" encoding="GBK"?>{voc("a.png").replace("cat", "猫犬")}'
    give(ws, folder({"a.xml": text.encode("gbk")}))
    assert recorded(ws) == ["a.png", "a.png: 猫犬"]


VOC_REFUSED = {
    "under another name": ({"b.xml": voc("a.png")}, "lies under the name of 'b.png', and says"),
    "two files, one image": (
        {"x.xml": voc("a.png"), "y.xml": voc("a.png")},
        "lead to the one key 'a.png': 'a.png' .x.xml., 'a.png' .y.xml.",
    ),
    "not in its encoding": (
        {"a.xml": f'<?xml version="1.0" encoding="utf-8"?>{voc("a.png")}é'.encode("latin-1")},
        "a.xml: the file is not UTF-8",
    ),
    "unknown encoding": (
        {"a.xml": f'<?xml version="1.0" encoding="klingon"?>{voc("a.png")}'},
        "unknown encoding, 'klingon'",
    ),
    "undeclared encoding": (
        {"a.xml": voc("a.png").replace("cat", "汽车").encode("gbk")},
        "not UTF-8",
    ),
    "other suffix": ({"a.xml": voc("a.jpg")}, "With another suffix there is 'a.png'"),
}


@pytest.mark.parametrize("case", VOC_REFUSED)
def test_voc_that_is_not_plain_is_refused_with_the_names(bucket, folder, case):
    files, says = VOC_REFUSED[case]
    refused(bucket("a.png", "b.png"), folder(files), says)


@pytest.mark.parametrize(
    ("at", "first_pixel", "left_px", "note"),
    [
        (11, None, 10, "counted from 1"),
        (0, None, 0, "begins at 0"),
        (11, 0, 11, None),
        (11, 1, 10, None),
    ],
)
def test_the_first_pixel_of_voc_is_detected_told_and_may_be_named(
    bucket, folder, at, first_pixel, left_px, note
):
    ws = bucket("a.png")
    report = give(ws, folder({"a.xml": voc("a.png", at)}), first_pixel=first_pixel)
    (box,) = [r for r in listed(standing(ws.open(NAME))) if r["label"] == "missed"]
    assert box["xyxy_px"][0] == left_px
    assert note in report.notes[0] if note else not report.notes


# Label Studio


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


# Lines


def test_a_line_that_cannot_be_read_leaves_no_image_reviewed(bucket, folder):
    ws = bucket("a.png")
    text = '{"key": "a.png", "label": "reviewed"}\n{"key": "a.png", "label": "missed"'
    give(ws, folder({"l.jsonl": text}) / "l.jsonl", skip_invalid=True)
    assert recorded(ws) == []


def test_a_name_twice_and_a_key_of_another_image_are_refused(bucket, folder):
    path = folder({"l.jsonl": '{"key": "a.png", "key": "b.png", "label": "reviewed"}'})
    refused(bucket("a.png", "b.png"), path / "l.jsonl", "'key' stands twice")
