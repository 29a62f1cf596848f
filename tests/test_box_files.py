import json
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.box_samples import picture

from autolabel_core.foundation.errors import AutolabelError, NotFoundError
from autolabel_core.labelling.give_boxes import give_boxes
from autolabel_core.labelling.import_formats import FORMATS, read_given
from autolabel_core.operations.registration import register
from autolabel_core.tables.boxes.current_annotations import listed, standing

NAME = "scenes"
DECLARED = {
    "feature_extractor": {"feature_extractor_name": "colour_extractor"},
    "detection": {"detector_name": "block_detector"},
}
SIZE = {"image_width": 100, "image_height": 80}
COCO = {
    "images": [
        {"id": 1, "file_name": "a.png", "width": 100, "height": 80},
        {"id": 2, "file_name": "b.png", "width": 100, "height": 80},
    ],
    "categories": [{"id": 7, "name": "car"}],
    "annotations": [{"id": 5, "image_id": 1, "category_id": 7, "bbox": [10, 20, 30, 40]}],
}
VOC = """<annotation><filename>{0}.png</filename>
<size><width>100</width><height>80</height></size>{1}</annotation>"""
OBJECT = """<object><name>car</name><bndbox><xmin>11</xmin><ymin>21</ymin><xmax>40</xmax>
<ymax>60</ymax></bndbox></object>"""
TASKS = [
    {
        "data": {"image": "/data/local-files/?d=set%2Fa.png"},
        "annotations": [
            {
                "completed_by": {"email": "ann@example.org"},
                "result": [
                    {
                        "original_width": 100,
                        "original_height": 80,
                        "value": {
                            "x": 10,
                            "y": 25,
                            "width": 30,
                            "height": 50,
                            "rotation": 0,
                            "rectanglelabels": ["car"],
                        },
                    }
                ],
            },
            {"was_cancelled": True, "result": []},
        ],
    },
    {"data": {"image": "s3://bucket/b.png"}, "annotations": [{"result": []}]},
    {"data": {"image": "c.png"}, "annotations": [], "predictions": [{"result": [{}]}]},
]
LINE = {"key": "a.png", "label": "missed", "true_class": "car", "bbox_format": "xyxy"}


def write_coco(folder):
    (folder / "boxes.json").write_text(json.dumps(COCO))
    return folder / "boxes.json"


def write_yolo(folder):
    (folder / "labels/train").mkdir(parents=True)
    (folder / "data.yaml").write_text("names: [van, car]\n")
    (folder / "labels/train/a.txt").write_text("1 0.25 0.5 0.3 0.5\n")
    (folder / "labels/train/b.txt").write_text("")
    return folder


def write_voc(folder):
    (folder / "a.xml").write_text(VOC.format("a", OBJECT))
    (folder / "b.xml").write_text(VOC.format("b", ""))
    return folder


def write_label_studio(folder):
    (folder / "tasks.json").write_text(json.dumps(TASKS))
    return folder / "tasks.json"


def write_jsonl(folder):
    lines = [
        {**LINE, "bbox": [10, 20, 40, 60], **SIZE},
        {"key": "a.png", "label": "reviewed"},
        {"document_id": "b.png", "label": "reviewed", "collection_id": "col_x"},
    ]
    (folder / "boxes.jsonl").write_text("\n\n".join(map(json.dumps, lines)))
    return folder / "boxes.jsonl"


def write_csv(folder):
    (folder / "boxes.csv").write_text(
        "key,label,true_class,bbox,bbox_format,confidence\n"
        'a.png,missed,car,"10,20,30,40",xywh,\na.png,reviewed,,,,\nb.png,reviewed,,,,1\n'
    )
    return folder / "boxes.csv"


def write_parquet(folder):
    box = {**LINE, "bbox": "10,20,40,60", "bbox_format": "xyxy"}
    rows = [box, {"key": "a.png", "label": "reviewed"}, {"key": "b.png", "label": "reviewed"}]
    columns = {name: [row.get(name) for row in rows] for name in box}
    pq.write_table(pa.table(columns), folder / "boxes.parquet")
    return folder / "boxes.parquet"


WRITERS = {
    "coco": write_coco,
    "yolo": write_yolo,
    "voc": write_voc,
    "label_studio": write_label_studio,
    "jsonl": write_jsonl,
    "csv": write_csv,
    "parquet": write_parquet,
}


@pytest.mark.parametrize("fmt", FORMATS)
def test_every_format_says_the_same(workspace, tmp_path, fmt):
    ws = workspace({NAME: DECLARED}, {NAME: {f"{n}.png": picture(ord(n)) for n in "abc"}})
    register(ws.open(NAME))
    (tmp_path / "files").mkdir()
    given, found = read_given(WRITERS[fmt](tmp_path / "files"))
    assert found == fmt
    report = give_boxes(ws.open(NAME), given, "ann", found)
    assert report.recorded == {"missed": 1, "reviewed": 2}
    rows = listed(standing(ws.open(NAME)))
    (box,) = [row for row in rows if row["label"] == "missed"]
    assert box["xyxy_px"] == pytest.approx((10, 20, 40, 60), abs=1e-4)
    assert (box["true_class"], box["image_key"]) == ("car", "a.png")
    assert box["annotator"].startswith("ann")
    assert sorted(row["image_key"] for row in rows if row["label"] == "reviewed") == [
        "a.png",
        "b.png",
    ]


def test_the_record_of_the_field_is_taken_as_it_is(tmp_path):
    record = {
        "document_id": "doc_frame_001_det_3",
        "collection_id": "col_detected_objects",
        "label": "corrected",
        "confidence": 1.0,
        "reasoning": "Model predicted car, actual object is delivery van.",
        "payload": {
            "predicted_class": "car",
            "true_class": "delivery_van",
            "bbox": {"x": 340, "y": 220, "w": 180, "h": 120},
            "bbox_format": "cxcywh",
            "image_width": 1920,
            "image_height": 1080,
            "category": "vehicle",
        },
        "retriever_id": "ret_detection_review",
        "execution_id": "exec_review_batch_01",
    }
    (tmp_path / "one.jsonl").write_text(json.dumps(record))
    (box,) = read_given(tmp_path / "one.jsonl")[0].boxes
    assert (box.bbox, box.bbox_format, box.size_px) == (
        (340, 220, 180, 120),
        "cxcywh",
        (1920, 1080),
    )
    assert (box.predicted_class, box.true_class) == ("car", "delivery_van")
    assert box.fields == {"category": "vehicle"}
    assert (box.retriever_id, box.confidence) == ("ret_detection_review", 1.0)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "not valid JSON"),
        ("[1]", "expected an object"),
        (json.dumps({**LINE, "tru_class": "car"}), 'unknown field .* Did you mean "true_class"'),
        (json.dumps({**LINE, "payload": {"tru_class": "car"}}), 'Did you mean "true_class"'),
        (json.dumps({**LINE, "bbox": {"x": 1, "y": 2}}), "expected x, y, w, h or x1, y1, x2, y2"),
        (json.dumps({**LINE, "bbox": 7}), "bbox 7; expected four numbers"),
        (json.dumps({**LINE, "label": 7}), "label is 7; expected a text"),
        (json.dumps({**LINE, "confidence": "high"}), "confidence is 'high'"),
        (json.dumps({**LINE, "normalized": "maybe"}), "expected true or false"),
        (json.dumps({**LINE, "action": "delete"}), "expected annotate or withdraw"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path, line, says):
    (tmp_path / "a.jsonl").write_text(json.dumps({"key": "a", "label": "reviewed"}) + "\n" + line)
    given, _ = read_given(tmp_path / "a.jsonl")
    ((_, problem),) = given.problems
    assert re.match(f"line 2: .*{says}", problem)


@pytest.mark.parametrize(
    ("write", "change", "says"),
    [
        (write_coco, {"annotations": [{"id": 1, "image_id": 9}]}, "no image with the id 9"),
        (write_coco, {"annotations": [{"id": 1, "image_id": 1}]}, "no category with the id None"),
        (write_coco, {"annotations": [{"image_id": 1, "category_id": 7}]}, "bbox is None"),
    ],
)
def test_damaged_coco_names_the_annotation(tmp_path, write, change, says):
    (tmp_path / "c.json").write_text(json.dumps({**COCO, **change}))
    ((_, problem),) = read_given(tmp_path / "c.json")[0].problems
    assert says in problem and problem.startswith("annotation ")


def test_crowd_regions_are_left_out_and_noted(tmp_path):
    crowd = {**COCO, "annotations": [{"image_id": 1, "iscrowd": 1, "segmentation": {}}]}
    (tmp_path / "c.json").write_text(json.dumps(crowd))
    given, _ = read_given(tmp_path / "c.json")
    assert given.notes == ("'a.png' (image 1): 1 crowd regions are no boxes and were left out.",)
    assert [image.path for image in given.incomplete] == ["a.png"]


def test_polygons_and_strange_classes_of_yolo_are_refused(tmp_path):
    write_yolo(tmp_path)
    (tmp_path / "labels/train/a.txt").write_text("1 0 0 1 1 0 1\n8 0.5 0.5 0.1 0.1\n0 0.5\n")
    problems = [text for _, text in read_given(tmp_path)[0].problems]
    assert "line 1: expected `class xc yc w h`, found 7 values: a polygon" in problems[0]
    assert "line 2: no class '8'; the classes are 0 to 1" in problems[1]
    assert "found 2 values: too little" in problems[2]


def test_damaged_xml_and_entities_are_refused(tmp_path):
    write_voc(tmp_path)
    (tmp_path / "c.xml").write_text("<annotation>")
    (tmp_path / "d.xml").write_text('<!DOCTYPE a [<!ENTITY x "y">]><annotation/>')
    (tmp_path / "e.xml").write_text(VOC.format("e", OBJECT.replace("11", "left")))
    problems = [text for _, text in read_given(tmp_path)[0].problems]
    assert "c.xml: not valid XML" in problems[0]
    assert "d.xml: declares entities" in problems[1]
    assert "e.xml, object 1: bndbox" in problems[2]


def test_turned_rectangles_and_other_shapes_are_refused(tmp_path):
    tasks = json.loads(json.dumps(TASKS))
    value = tasks[0]["annotations"][0]["result"][0]["value"]
    value["rotation"] = 30
    tasks[0]["annotations"][0]["result"].append({"value": {"points": []}})
    (tmp_path / "t.json").write_text(json.dumps(tasks))
    problems = [text for _, text in read_given(tmp_path / "t.json")[0].problems]
    assert "turned by 30°" in problems[0] and "no rectangle" in problems[1]


def test_files_that_are_none_of_these_say_so(tmp_path):
    (tmp_path / "x.json").write_text("{}")
    (tmp_path / "x.bin").write_bytes(b"\x00")
    (tmp_path / "empty").mkdir()
    for name, fmt, says in [
        ("x.json", None, "is no COCO file"),
        ("x.bin", None, "The format of .* is not plain"),
        ("empty", None, "is not plain"),
        ("empty", "voc", "holds no XML"),
        ("empty", "yolo", "names no classes"),
        ("x.json", "coko", 'Did you mean "coco"'),
    ]:
        with pytest.raises(AutolabelError, match=says):
            read_given(tmp_path / name, fmt)
    with pytest.raises(NotFoundError, match="does not exist"):
        read_given(tmp_path / "nothing.jsonl")
