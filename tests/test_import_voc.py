"""Pascal VOC of other tools, and lines of our own: right, or refused with the names."""

import pytest
from support.import_files import NAME, bucket, folder, give, recorded, refused

from autolabel_core.tables.boxes.current_annotations import listed, standing

__all__ = ["bucket", "folder"]

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
    "objects under another name": (
        {"a.xml": voc("a.png").replace("object>", "item>")},
        "elements draw something outside an <object>",
    ),
    "the folder of another split": (
        {"v.xml": voc("v.png").replace("<filename>", "<folder>train</folder><filename>")},
        "In another folder there is 'val/v.png'",
    ),
    "other suffix": ({"a.xml": voc("a.jpg")}, "With another suffix there is 'a.png'"),
}


@pytest.mark.parametrize("case", VOC_REFUSED)
def test_voc_that_is_not_plain_is_refused_with_the_names(bucket, folder, case):
    files, says = VOC_REFUSED[case]
    refused(bucket("a.png", "b.png", "val/v.png"), folder(files), says)


def test_the_folder_of_a_split_tells_which_of_two_images_is_meant_and_parts_are_told(
    bucket, folder
):
    ws = bucket("train/v.png", "val/v.png")
    text = voc("v.png").replace("<filename>", "<folder>C:\\set\\val</folder><filename>")
    text = text.replace("</object>", "<part><name>ear</name></part></object>")
    report = give(ws, folder({"v.xml": text}))
    assert recorded(ws) == ["val/v.png", "val/v.png: cat"]
    assert "v.xml: 1 parts of objects were left out." in report.notes


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


def test_a_line_that_cannot_be_read_leaves_no_image_reviewed(bucket, folder):
    ws = bucket("a.png")
    text = '{"key": "a.png", "label": "reviewed"}\n{"key": "a.png", "label": "missed"'
    give(ws, folder({"l.jsonl": text}) / "l.jsonl", skip_invalid=True)
    assert recorded(ws) == []


def test_a_name_twice_and_a_key_of_another_image_are_refused(bucket, folder):
    path = folder({"l.jsonl": '{"key": "a.png", "key": "b.png", "label": "reviewed"}'})
    refused(bucket("a.png", "b.png"), path / "l.jsonl", "'key' occurs twice")
