import csv

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.box_samples import CLASS_IDS, Scenes, picture

from autolabel_core.exports.yolo import label_lines, write_yolo_folder
from autolabel_core.foundation.errors import AutolabelError, UnreadableItemError
from autolabel_core.foundation.media.boxes import read_box
from autolabel_core.foundation.media.images import probe_image
from autolabel_core.tables.boxes.ground_truth import ImageTruth, TruthBox


def files(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.*")}


def read_back(folder, split):
    """Read labels as the format says: shares of the image that stands beside them."""
    names = yaml.safe_load((folder / "data.yaml").read_text(encoding="utf-8"))["names"]
    found = {}
    for path in sorted((folder / "images" / split).iterdir()):
        width, height = Image.open(path).size
        lines = (folder / "labels" / split / f"{path.stem}.txt").read_text().splitlines()
        found[path.name] = [
            (names[int(c)], read_box(rest, "cxcywh", width, height, normalized=True))
            for c, *rest in (line.split() for line in lines)
        ]
    return found


def test_every_image_has_its_labels_and_none_takes_another_ones(tmp_path):
    scenes = Scenes()
    report = write_yolo_folder(scenes.spiral(), scenes.open, CLASS_IDS, tmp_path)
    found = read_back(tmp_path, "train")
    assert set(found) == {"a__one.png", "a__two.jpg", "two.jpg", next(n for n in found if "~" in n)}
    assert found["a__one.png"] == [
        ("van", pytest.approx((0, 0, 100, 80), abs=1e-4)),
        ("car", pytest.approx((10, 20, 30, 60), abs=1e-4)),
    ]
    assert found["a__two.jpg"] == []
    assert (tmp_path / "labels/train/a__two.txt").read_bytes() == b""
    assert report.images == {"train": 4, "val": 1, "test": 1}
    assert report.boxes == {"van": 3, "car": 3, "bus": 0}
    assert (report.without_boxes, report.left_out, report.notes) == (1, (), ())
    assert str(report).startswith("6 boxes of 2 classes on 6 images (train 4, val 1, test 1;")


def test_the_description_is_relative_and_names_every_class(tmp_path):
    scenes = Scenes()
    write_yolo_folder(scenes.spiral(), scenes.open, CLASS_IDS, tmp_path)
    assert yaml.safe_load((tmp_path / "data.yaml").read_text(encoding="utf-8")) == {
        "train": "images/train",
        "val": "images/val",
        "test": "images/test",
        "names": {0: "van", 1: "car", 2: "bus"},
    }
    assert (tmp_path / "classes.txt").read_text() == "van\ncar\nbus\n"
    rows = list(csv.DictReader((tmp_path / "images.csv").open(encoding="utf-8")))
    assert rows[0]["key"] == "a/one.png" and rows[0]["file"] == "images/train/a__one.png"


def test_the_same_truths_give_the_same_bytes(tmp_path):
    scenes = Scenes()
    truths = scenes.spiral()
    write_yolo_folder(truths, scenes.open, CLASS_IDS, tmp_path / "one")
    shuffled = {split: of_split[::-1] for split, of_split in truths.items()}
    write_yolo_folder(shuffled, scenes.open, CLASS_IDS, tmp_path / "two")
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_pictures_that_readers_see_differently_stand_upright_in_the_export(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    scenes = Scenes()
    truth = scenes.add("t.jpg", ("car", (0, 0, 80, 50)), data=picture(1, format="JPEG", exif=exif))
    assert (truth.width_px, truth.height_px) == (80, 100)
    scanned = scenes.add("s.tif", data=picture(2, format="TIFF"))
    write_yolo_folder({"train": [truth, scanned]}, scenes.open, CLASS_IDS, tmp_path)
    with Image.open(tmp_path / "images/train/t.png") as upright:
        assert upright.size == (80, 100)
    assert (tmp_path / "images/train/s.png").exists()


def test_what_was_replaced_or_cannot_be_read_is_left_out_with_the_reason(tmp_path):
    scenes = Scenes()
    truths = [scenes.add(f"{n}.png") for n in range(3)]
    scenes.data["1.png"] = picture(99)
    scenes.data["2.png"] = b"nonsense"
    report = write_yolo_folder({"train": truths}, scenes.open, CLASS_IDS, tmp_path)
    assert [key for key, _ in report.left_out] == ["1.png", "2.png"]
    assert report.skipped == {"replaced since it was annotated": 2}
    assert report.images["train"] == 1
    assert report.notes == ("No image is in val: data.yaml validates on train.",)


@pytest.mark.parametrize(("ids", "says"), [({"van": 0}, "none for car"), ({"car": 1}, "a gap")])
def test_a_class_without_its_number_is_refused(tmp_path, ids, says):
    scenes = Scenes()
    truths = {"train": [scenes.add("a.png", ("car", (1, 1, 9, 9)))]}
    with pytest.raises(AutolabelError, match=says):
        write_yolo_folder(truths, scenes.open, ids, tmp_path)


@pytest.mark.slow
def test_ultralytics_takes_the_folder_as_it_is(tmp_path):
    from autolabel_core.models.ultralytics_setup import quiet_ultralytics

    scenes = Scenes()
    write_yolo_folder(scenes.spiral(), scenes.open, CLASS_IDS, tmp_path / "set")
    quiet_ultralytics(tmp_path / "settings")
    from ultralytics.data.dataset import YOLODataset
    from ultralytics.data.utils import check_det_dataset

    data = check_det_dataset(str(tmp_path / "set/data.yaml"))
    dataset = YOLODataset(img_path=data["train"], data=data, task="detect", imgsz=64)
    assert data["names"] == {0: "van", 1: "car", 2: "bus"}
    assert sorted(len(label["cls"]) for label in dataset.labels) == [0, 1, 1, 2]
    with pytest.raises(UnreadableItemError, match="not an image"):
        probe_image(b"text, after ultralytics was imported")


sizes = st.integers(8, 5000)
shares = st.tuples(*[st.floats(0, 1)] * 4)


@given(sizes, sizes, st.lists(shares, max_size=5))
def test_a_box_comes_back_to_a_hundredth_of_a_pixel(width, height, corners):
    wanted = []
    for x1, y1, x2, y2 in corners:
        low, high = (min(x1, x2) * width, min(y1, y2) * height), (max(x1, x2), max(y1, y2))
        high = (max(high[0] * width, low[0] + 1), max(high[1] * height, low[1] + 1))
        if high[0] <= width and high[1] <= height:
            wanted.append((*low, *high))
    boxes = tuple(TruthBox("car", xyxy, "missed") for xyxy in wanted)
    truth = ImageTruth("d", "a.png", "c", width, height, boxes, (), True)
    found = [
        read_box(line.split()[1:], "cxcywh", width, height, normalized=True)
        for line in label_lines(truth, CLASS_IDS)
    ]
    assert len(found) == len(wanted)
    for one in wanted:
        assert any(max(abs(a - b) for a, b in zip(one, o, strict=True)) < 0.01 for o in found)
