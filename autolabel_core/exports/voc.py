"""The Pascal VOC format: one XML for each image; corners are whole pixels, counted from 1."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from autolabel_core.exports.box_report import BoxExportReport, OpenImage, Truths
from autolabel_core.exports.image_files import PlacedImage, finish, place_images
from autolabel_core.exports.yolo import class_names
from autolabel_core.tables.boxes.ground_truth import TruthBox

FORMAT = "voc"
_NOT_IN_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML cannot hold; `images.csv` leads from the file to such a key."""


def write_voc(
    truths_by_split: Truths, open_image: OpenImage, class_ids: Mapping[str, int], folder: Path
) -> BoxExportReport:
    """Write `JPEGImages`, `Annotations`, `ImageSets/Main` and `labels.txt`; see `BoxWriter`."""
    names = class_names(class_ids, truths_by_split)
    placement = place_images(truths_by_split, open_image, folder, "JPEGImages")
    for name in ("Annotations", "ImageSets/Main"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for image in placement.images:
        _write(folder / "Annotations" / f"{image.stem}.xml", _xml(image))
    for split in truths_by_split:
        stems = [f"{image.stem}\n" for image in placement.images if image.split == split]
        _write(folder / "ImageSets/Main" / f"{split}.txt", "".join(stems))
    _write(folder / "labels.txt", "".join(f"{name}\n" for name in names))
    return finish(FORMAT, placement, class_ids, folder)


def _xml(image: PlacedImage) -> str:
    root = Element("annotation")
    _say(root, folder="JPEGImages", filename=PurePosixPath(image.file).name)
    source = SubElement(root, "source")
    _say(source, database="autolabel")
    if not _NOT_IN_XML.search(image.truth.key):
        _say(source, image=image.truth.key)
    size = {"width": image.truth.width_px, "height": image.truth.height_px, "depth": 3}
    _say(SubElement(root, "size"), **size)
    _say(root, segmented=0)
    for box in image.truth.boxes:
        found = SubElement(root, "object")
        _say(found, name=box.class_name, pose="Unspecified", truncated=0, difficult=0)
        _say(SubElement(found, "bndbox"), **pixels_from_1(box))
    ElementTree.indent(root)
    text = str(ElementTree.tostring(root, encoding="unicode"))
    return f"<?xml version='1.0' encoding='utf-8'?>\n{text}\n"


def pixels_from_1(box: TruthBox) -> dict[str, int]:
    """Return the first and last pixel of a box, counted from 1; fractions are rounded."""
    x1, y1, x2, y2 = box.xyxy_px
    xmin, ymin = round(x1) + 1, round(y1) + 1
    return {"xmin": xmin, "ymin": ymin, "xmax": max(round(x2), xmin), "ymax": max(round(y2), ymin)}


def _say(parent: Element, **texts: object) -> None:
    for name, text in texts.items():
        SubElement(parent, name).text = str(text)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
