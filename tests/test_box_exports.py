import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.box_samples import CLASS_IDS, Scenes

from autolabel_core.exports.box_formats import BOX_WRITERS, write_boxes
from autolabel_core.exports.box_tables import write_box_csv
from autolabel_core.exports.voc import pixels_from_1
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.media.boxes import read_box
from autolabel_core.labelling.image_names import ImageKeys
from autolabel_core.labelling.import_formats import read_given
from autolabel_core.tables.boxes.ground_truth import ImageTruth, TruthBox
from autolabel_core.tables.boxes.splits import NOT_REVIEWED, Splits
from autolabel_core.tables.boxes.training_set import TrainingSet

FILES = {
    "csv": "boxes.csv",
    "jsonl": "boxes.jsonl",
    "yolo": ".",
    "voc": "Annotations",
    "label_studio": "tasks.json",
}
EXACT = {"csv", "jsonl"}


def export(fmt, truths, scenes, folder):
    left_out = (("other.png", NOT_REVIEWED),)
    return write_boxes(fmt, TrainingSet(Splits(truths, left_out), CLASS_IDS, scenes.open), folder)


def key_of(box):
    """The key that a box of our own export states."""
    return box.target if isinstance(box.target, str) else box.target.key


def said(fmt, folder):
    """Boxes by key as our own reader reads them, and the keys that are reviewed."""
    names = [f"annotations/instances_{s}.json" for s in ("train", "val", "test")]
    paths = [folder / name for name in (names if fmt == "coco" else [FILES[fmt]])]
    boxes = [box for path in paths for box in read_given(path, fmt)[0].boxes]
    assert not [p for path in paths for p in read_given(path, fmt)[0].problems]
    return (
        sorted(
            (key_of(b), b.true_class, *read_box(b.bbox, b.bbox_format, 100, 80, b.normalized))
            for b in boxes
            if b.label != "reviewed"
        ),
        sorted(key_of(b) for b in boxes if b.label == "reviewed"),
    )


def simple():
    """Three splits of images of one size, without fractions of pixels."""
    scenes = Scenes()
    car, van = ("car", (10.0, 20.0, 30.0, 60.0)), ("van", (0.0, 0.0, 100.0, 80.0))
    train = [scenes.add("a/one.png", car, van), scenes.add("a/two & three.png")]
    return scenes, {
        "train": train,
        "val": [scenes.add("v.png", car)],
        "test": [scenes.add("t.png", van)],
    }


def files(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.*")}


NASTY_KEYS = (
    *("train.png", "classes.png", "obj.png", "labels/images/train/x.png", "val/val.png"),
    *("cam1.0001.png", "cam1.png", "a b.v2.png", "a__b.png", "a/b.png", "caf\u00e9.png"),
    *("=cmd.png", "'=cmd.png", "-1.png", "README.png", 'one,"two".png', "ta\tb.png"),
    *(
        "be\x01ll.png",
        "%41.png",
        "A.png",
        "1a2b3c4d-train.png",
        "train/Annotations/x.png",
        " s .png",
        "li\nne.png",
    ),
)


@pytest.mark.parametrize("fmt", sorted({*FILES, "coco", "parquet"}))
def test_the_folder_of_an_export_gives_every_box_on_its_own_image(tmp_path, fmt):
    scenes = Scenes()
    truths = {"train": [], "val": [], "test": []}
    for number, key in enumerate(NASTY_KEYS):
        boxes = [("car", (10.0, 20.0, 30.0 + n, 60.0)) for n in range(number % 3)]
        truths[("train", "val", "test")[number % 3]].append(scenes.add(key, *boxes))
    export(fmt, truths, scenes, tmp_path / "out")
    parsed, found = read_given(tmp_path / "out")
    assert (found, parsed.problems) == (fmt, ())
    keys = ImageKeys(NASTY_KEYS)
    read = [
        (b.target if isinstance(b.target, str) else keys.find(b.target).key, b.label)
        for b in parsed.boxes
    ]
    written = [(t.key, label) for ts in truths.values() for t in ts for label in labels_of(t)]
    assert sorted(read) == sorted(written)


def labels_of(truth):
    return ["reviewed", *("missed" for _ in truth.boxes)]


@pytest.mark.parametrize("fmt", sorted({*FILES, "coco"}))
def test_what_is_written_is_read_again(tmp_path, fmt):
    scenes, truths = simple()
    report = export(fmt, truths, scenes, tmp_path / "out")
    boxes, reviewed = said(fmt, tmp_path / "out")
    everything = [truth for of_split in truths.values() for truth in of_split]
    assert reviewed == sorted(truth.key for truth in everything)
    wanted = sorted((t.key, b.class_name, *b.xyxy_px) for t in everything for b in t.boxes)
    assert [b[:2] for b in boxes] == [w[:2] for w in wanted]
    for box, other in zip(boxes, wanted, strict=True):
        assert box[2:] == pytest.approx(other[2:], abs=0 if fmt in EXACT else 1e-4)
    assert report.format == fmt
    assert report.images == {"train": 2, "val": 1, "test": 1}
    assert report.boxes == {"van": 2, "car": 2, "bus": 0}
    assert (report.without_boxes, report.left_out) == (1, (("other.png", NOT_REVIEWED),))


@pytest.mark.parametrize("fmt", BOX_WRITERS)
def test_the_same_truths_give_the_same_bytes(tmp_path, fmt):
    scenes, truths = simple()
    export(fmt, truths, scenes, tmp_path / "one")
    shuffled = {split: of_split[::-1] for split, of_split in truths.items()}
    export(fmt, shuffled, scenes, tmp_path / "two")
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_an_export_takes_the_place_of_the_one_before(tmp_path):
    scenes, truths = simple()
    export("yolo", truths, scenes, tmp_path / "out")
    (tmp_path / "out/labels/train.cache").write_bytes(b"left by ultralytics")
    export("coco", {"train": truths["train"][:1]}, scenes, tmp_path / "out")
    assert {name for name in files(tmp_path / "out") if "json" not in name} == {
        "images.csv",
        "images/train/a__one.png",
    }


def test_nothing_half_written_stays_after_an_error(tmp_path):
    scenes, truths = simple()

    def fails(truth):
        raise MemoryError

    with pytest.raises(MemoryError):
        scenes.open = fails
        export("yolo", truths, scenes, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_format_is_refused(tmp_path):
    scenes, truths = simple()
    with pytest.raises(AutolabelError, match='Did you mean "yolo"'):
        export("yollo", truths, scenes, tmp_path / "out")


def test_tables_hold_hard_negatives_and_types(tmp_path):
    truth = ImageTruth("d", "a.png", "c", 100, 80, (), ((1.5, 2.0, 9.0, 9.0),), True)
    for fmt in ("parquet", "csv"):
        (tmp_path / fmt).mkdir()
        BOX_WRITERS[fmt]({"train": [truth]}, bytes, {}, tmp_path / fmt)
    rows = pq.read_table(tmp_path / "parquet/boxes.parquet").to_pylist()
    assert [(row["label"], row["bbox"]) for row in rows] == [
        ("false_positive", "1.5,2.0,9.0,9.0"),
        ("reviewed", None),
    ]
    given, _ = read_given(tmp_path / "csv/boxes.csv")
    assert [box.label for box in given.boxes] == ["false_positive", "reviewed"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(*[st.floats(0, 1, exclude_max=True)] * 4), max_size=4), st.text())
def test_tables_lose_nothing(tmp_path, corners, name):
    boxes = [
        TruthBox("car", (x * 90, y * 70, x * 90 + 1 + w * 9, y * 70 + 1 + h * 9), "missed")
        for x, y, w, h in corners
    ]
    key = "".join(c for c in name if c.isprintable()).strip() or "a"
    truth = ImageTruth("d", key, "c", 100, 80, tuple(boxes), (), True)
    write_box_csv({"train": [truth]}, bytes, CLASS_IDS, tmp_path)
    found = [b for b in read_given(tmp_path / "boxes.csv")[0].boxes if b.label == "missed"]
    assert [tuple(map(float, b.bbox)) for b in found] == [b.xyxy_px for b in boxes]
    assert all(b.target == key for b in found)


@given(st.integers(0, 90), st.integers(0, 70), st.integers(1, 10), st.integers(1, 10))
def test_whole_pixels_survive_pascal_voc(x, y, width, height):
    box = TruthBox("car", (float(x), float(y), float(x + width), float(y + height)), "missed")
    found = pixels_from_1(box)
    assert found == {"xmin": x + 1, "ymin": y + 1, "xmax": x + width, "ymax": y + height}


def test_coco_keeps_class_numbers_and_one(tmp_path):
    scenes, truths = simple()
    export("coco", truths, scenes, tmp_path / "out")
    path = tmp_path / "out/annotations/instances_train.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    assert [(c["id"], c["name"]) for c in content["categories"]] == [
        (1, "van"),
        (2, "car"),
        (3, "bus"),
    ]
    assert content["annotations"][0]["category_id"] == 2
    assert content["images"][0]["file_name"] == "a__one.png"


def test_pycocotools_loads_the_file(tmp_path):
    from pycocotools.coco import COCO

    scenes, truths = simple()
    export("coco", truths, scenes, tmp_path / "out")
    coco = COCO(str(tmp_path / "out/annotations/instances_train.json"))
    assert len(coco.getImgIds()) == 2
    assert sorted(c["name"] for c in coco.loadCats(coco.getCatIds())) == ["bus", "car", "van"]
    (box,) = coco.loadAnns(coco.getAnnIds(catIds=coco.getCatIds(catNms=["car"])))
    assert (box["bbox"], box["area"]) == ([10, 20, 20, 40], 800)


@pytest.mark.slow
@pytest.mark.parametrize("fmt", ["yolo", "coco", "voc"])
def test_supervision_reads_the_same_boxes(tmp_path, fmt):
    import supervision as sv

    scenes, truths = simple()
    out = tmp_path / "out"
    export(fmt, truths, scenes, out)
    if fmt == "yolo":
        dataset = sv.DetectionDataset.from_yolo(
            str(out / "images/train"), str(out / "labels/train"), str(out / "data.yaml")
        )
    elif fmt == "coco":
        dataset = sv.DetectionDataset.from_coco(
            str(out / "images/train"), str(out / "annotations/instances_train.json")
        )
    else:
        dataset = sv.DetectionDataset.from_pascal_voc(
            str(out / "JPEGImages"), str(out / "Annotations")
        )
    found = {
        Path(path).name: sorted(
            (dataset.classes[c], *(round(float(side), 3) for side in xyxy))
            for xyxy, c in zip(detections.xyxy, detections.class_id, strict=True)
        )
        for path, _, detections in dataset
    }
    assert found["a__one.png"] == [("car", 10, 20, 30, 60), ("van", 0, 0, 100, 80)]
    assert found["a__two & three.png"] == []
    assert len(found) == (4 if fmt == "voc" else 2)
