"""The YOLO format: a folder that ultralytics can train from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import yaml

from autolabel_core.exports.box_report import (
    SPLITS,
    BoxExportReport,
    OpenImage,
    Truths,
)
from autolabel_core.exports.image_files import finish, place_images
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.media.boxes import xyxy_to_cxcywh
from autolabel_core.tables.boxes.ground_truth import ImageTruth

FORMAT = "yolo"
DECIMALS = 6


def write_yolo_folder(
    truths_by_split: Truths, open_image: OpenImage, class_ids: Mapping[str, int], folder: Path
) -> BoxExportReport:
    """Write `images/<split>`, `labels/<split>`, `data.yaml`, `classes.txt` and `images.csv`.

    Every image has a label file, an empty one where there is nothing on it. Paths in `data.yaml`
    are relative, so that the folder may be moved. A `val` without images is `train` again, because
    ultralytics asks for one.

    Args:
        truths_by_split: images by split (`train`, `val`, `test`).
        open_image: gives the bytes of an image; another content than the judged one is left out.
        class_ids: the number of every class, from 0 without a gap.
        folder: where to write; files of the same names are replaced.

    Returns:
        What went in.
    """
    names = class_names(class_ids, truths_by_split)
    truths = {split: truths_by_split.get(split, ()) for split in (*SPLITS, *truths_by_split)}
    placement = place_images(truths, open_image, folder, "images/{split}")
    for split in truths:
        (folder / "labels" / split).mkdir(parents=True, exist_ok=True)
    for image in placement.images:
        path = folder / "labels" / image.split / f"{image.stem}.txt"
        _write(path, "".join(label_lines(image.truth, class_ids)))
    has_val = any(image.split == "val" for image in placement.images)
    _write(folder / "data.yaml", _data_yaml(list(truths), names, has_val))
    _write(folder / "classes.txt", "".join(f"{name}\n" for name in names))
    notes = [] if has_val else ["No image is in val: data.yaml validates on train."]
    return finish(FORMAT, placement, class_ids, folder, notes)


def class_names(class_ids: Mapping[str, int], truths: Truths) -> list[str]:
    """Return the classes in the order of their numbers.

    Args:
        class_ids: the number of every class.
        truths: what will be written.

    Returns:
        The names; the place of each is its number.

    Raises:
        AutolabelError: a class has no number, or the numbers have gaps.
    """
    names = sorted(class_ids, key=class_ids.__getitem__)
    used = {box.class_name for of_split in truths.values() for t in of_split for box in t.boxes}
    missing = sorted(used - set(names))
    if missing:
        raise AutolabelError(
            f"Expected a number for every class, found none for {', '.join(missing)}. "
            "Numbers are given by the ledger (`give_class_ids`)."
        )
    if [class_ids[name] for name in names] != list(range(len(names))):
        raise AutolabelError(f"Expected class numbers from 0 without a gap, found {class_ids}.")
    return names


def label_lines(truth: ImageTruth, class_ids: Mapping[str, int]) -> list[str]:
    """Return `class xc yc w h` for each box: shares of the image, six decimals, in order."""
    size = np.array([truth.width_px, truth.height_px, truth.width_px, truth.height_px])
    shares = xyxy_to_cxcywh([box.xyxy_px for box in truth.boxes]) / size
    lines = [
        f"{class_ids[box.class_name]} {' '.join(f'{share:.{DECIMALS}f}' for share in row)}\n"
        for box, row in zip(truth.boxes, shares, strict=True)
    ]
    return sorted(lines)


def _data_yaml(splits: list[str], names: list[str], has_val: bool) -> str:
    paths = {split: f"images/{split}" for split in splits}
    if not has_val:
        paths["val"] = paths["train"]
    said = {**paths, "names": dict(enumerate(names))}
    return yaml.safe_dump(said, sort_keys=False, allow_unicode=True)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
