"""The COCO format: one JSON file for each split, beside the images."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from autolabel_core.exports.box_report import BoxExportReport, OpenImage, Truths
from autolabel_core.exports.image_files import PlacedImage, finish, place_images
from autolabel_core.exports.yolo import class_names
from autolabel_core.foundation.media.boxes import areas, xyxy_to_xywh

FORMAT = "coco"
FIRST_CATEGORY = 1
"""COCO counts categories from 1; the category of a class is its number and one."""


def write_coco(
    truths_by_split: Truths, open_image: OpenImage, class_ids: Mapping[str, int], folder: Path
) -> BoxExportReport:
    """Write `images/<split>` and `annotations/instances_<split>.json`; see `BoxWriter`."""
    names = class_names(class_ids, truths_by_split)
    placement = place_images(truths_by_split, open_image, folder, "images/{split}")
    (folder / "annotations").mkdir(parents=True, exist_ok=True)
    for split in truths_by_split:
        images = [image for image in placement.images if image.split == split]
        text = json.dumps(_instances(images, names), ensure_ascii=False, indent=1) + "\n"
        path = folder / "annotations" / f"instances_{split}.json"
        path.write_text(text, encoding="utf-8", newline="\n")
    return finish(FORMAT, placement, class_ids, folder)


def _instances(images: Sequence[PlacedImage], names: Sequence[str]) -> dict[str, object]:
    annotations: list[dict[str, object]] = []
    for image_id, image in enumerate(images, start=1):
        corners = [box.xyxy_px for box in image.truth.boxes]
        boxes = zip(xyxy_to_xywh(corners).tolist(), areas(corners).tolist(), strict=True)
        for box, (xywh, area) in zip(image.truth.boxes, boxes, strict=True):
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    "category_id": names.index(box.class_name) + FIRST_CATEGORY,
                    "bbox": xywh,
                    "area": area,
                    "segmentation": [],
                    "iscrowd": 0,
                }
            )
    categories = [
        {"id": number, "name": name, "supercategory": ""}
        for number, name in enumerate(names, start=FIRST_CATEGORY)
    ]
    return {
        "info": {"description": "written by autolabel"},
        "licenses": [],
        "images": [_image(number, image) for number, image in enumerate(images, start=1)],
        "categories": categories,
        "annotations": annotations,
    }


def _image(number: int, image: PlacedImage) -> dict[str, object]:
    return {
        "id": number,
        "file_name": Path(image.file).name,
        "width": image.truth.width_px,
        "height": image.truth.height_px,
        "key": image.truth.key,
    }
