"""YOLO in all its layouts: right, or refused with the names."""

import unicodedata

import pytest
from support.import_files import bucket, folder, give, recorded, refused

__all__ = ["bucket", "folder"]

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
            "data.yaml": "nc: 5\nnames: [no, yes, on, 1, 007]\n",
            "labels/a.txt": "".join(f"{n} 0.5 0.5 0.{n + 1} 0.2\n" for n in range(5)),
        },
        ["a.png", "a.png: 007", "a.png: 1", "a.png: no", "a.png: on", "a.png: yes"],
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
        "'0' occurs twice",
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
    "null": ({"data.yaml": "names: [null]\n", "labels/a.txt": ""}, "class 0: .*'null'"),
    "null as a tilde": ({"data.yaml": "names: [~, cat]\n", "labels/a.txt": ""}, "names: 0: '~'"),
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
