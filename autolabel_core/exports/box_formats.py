"""The formats in which boxes are exported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from autolabel_core.exports.atomic_folder import replacing
from autolabel_core.exports.box_report import BoxExportReport, BoxWriter
from autolabel_core.exports.box_tables import write_box_csv, write_box_jsonl, write_box_parquet
from autolabel_core.exports.coco import write_coco
from autolabel_core.exports.label_studio import write_label_studio
from autolabel_core.exports.voc import write_voc
from autolabel_core.exports.yolo import write_yolo_folder
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.suggestions import did_you_mean
from autolabel_core.tables.boxes.training_set import TrainingSet

BOX_WRITERS: Mapping[str, BoxWriter] = {
    "csv": write_box_csv,
    "parquet": write_box_parquet,
    "jsonl": write_box_jsonl,
    "yolo": write_yolo_folder,
    "coco": write_coco,
    "voc": write_voc,
    "label_studio": write_label_studio,
}


def write_boxes(fmt: str, training: TrainingSet, out: Path, plain: bool = False) -> BoxExportReport:
    """Write reviewed images and their boxes to a folder, and say what went in.

    Args:
        fmt: one of `BOX_WRITERS`.
        training: the reviewed images by split.
        out: folder that is absent, empty or an earlier export; that one is replaced.
        plain: leave texts in CSV as they are that a spreadsheet takes for formulas.

    Returns:
        What went in, and every annotated image that was left out, with the reason.

    Raises:
        AutolabelError: there is no such format.
    """
    if fmt not in BOX_WRITERS:
        raise AutolabelError(
            f"Unknown format {fmt!r} for boxes.{did_you_mean(fmt, BOX_WRITERS)} "
            f"Formats: {', '.join(BOX_WRITERS)}."
        )
    with replacing(out, fmt) as folder:
        write = partial(write_box_csv, plain=True) if plain and fmt == "csv" else BOX_WRITERS[fmt]
        report = write(training.images, training.open_image, training.class_ids, folder)
    left_out = sorted((*training.splits.left_out, *report.left_out))
    return replace(report, left_out=tuple(left_out))
