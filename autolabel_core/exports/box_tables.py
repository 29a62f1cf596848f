"""Boxes as one table: a row for each box, each hard negative and each reviewed image."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from autolabel_core.exports.box_report import BoxExportReport, OpenImage, Truths, report_boxes
from autolabel_core.exports.tables import json_line
from autolabel_core.exports.yolo import class_names
from autolabel_core.foundation.media.boxes import XyxyPx
from autolabel_core.foundation.spreadsheet_cells import escaped_table
from autolabel_core.storage.typed_rows import rows_as
from autolabel_core.tables.boxes.box_labels import FALSE_POSITIVE, REVIEWED
from autolabel_core.tables.boxes.ground_truth import ImageTruth

_FIELDS: list[tuple[str, pa.DataType]] = [
    ("key", pa.string()),
    ("split", pa.string()),
    ("label", pa.string()),
    ("true_class", pa.string()),
    ("bbox", pa.string()),
    ("bbox_format", pa.string()),
    ("image_width", pa.int32()),
    ("image_height", pa.int32()),
]
SCHEMA = pa.schema(_FIELDS)
"""The columns; `autolabel annotate --file` reads them again."""


class BoxRow(TypedDict):
    """A row of `SCHEMA`; the box is four numbers joined by commas, None where there is none."""

    key: str
    split: str
    label: str
    true_class: str | None
    bbox: str | None
    bbox_format: str | None
    image_width: int
    image_height: int


def write_box_csv(
    truths_by_split: Truths,
    open_image: OpenImage,
    class_ids: Mapping[str, int],
    folder: Path,
    plain: bool = False,
) -> BoxExportReport:
    """Write `boxes.csv`; see `BoxWriter`. Images are not read."""
    class_names(class_ids, truths_by_split)
    table = _table(truths_by_split)
    pa_csv.write_csv(table if plain else escaped_table(table), folder / "boxes.csv")
    return report_boxes("csv", _written(truths_by_split), class_ids)


def write_box_parquet(
    truths_by_split: Truths, open_image: OpenImage, class_ids: Mapping[str, int], folder: Path
) -> BoxExportReport:
    """Write `boxes.parquet`; see `BoxWriter`. Images are not read."""
    class_names(class_ids, truths_by_split)
    pq.write_table(_table(truths_by_split), folder / "boxes.parquet", compression="zstd")
    return report_boxes("parquet", _written(truths_by_split), class_ids)


def write_box_jsonl(
    truths_by_split: Truths, open_image: OpenImage, class_ids: Mapping[str, int], folder: Path
) -> BoxExportReport:
    """Write `boxes.jsonl`; see `BoxWriter`. Images are not read."""
    class_names(class_ids, truths_by_split)
    lines = [json_line(_with_numbers(row)) for row in rows_as(_table(truths_by_split), BoxRow)]
    (folder / "boxes.jsonl").write_text("".join(lines), encoding="utf-8", newline="\n")
    return report_boxes("jsonl", _written(truths_by_split), class_ids)


def _with_numbers(row: BoxRow) -> dict[str, object]:
    """Return a row with its box as four numbers, where columns of text hold one value."""
    box = row["bbox"]
    return {**row, "bbox": None if box is None else [float(side) for side in box.split(",")]}


def _written(truths: Truths) -> list[tuple[str, ImageTruth]]:
    return [(split, truth) for split, of_split in truths.items() for truth in of_split]


def _table(truths: Truths) -> pa.Table:
    rows = [
        {**annotation, "key": truth.key, "split": split}
        | {"image_width": truth.width_px, "image_height": truth.height_px}
        for split, truth in sorted(_written(truths), key=lambda one: (one[1].key, one[0]))
        for annotation in _annotations(truth)
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _annotations(truth: ImageTruth) -> list[dict[str, str | None]]:
    boxes: list[tuple[str, str | None, XyxyPx]]
    boxes = [(box.source, box.class_name, box.xyxy_px) for box in truth.boxes]
    boxes += [(FALSE_POSITIVE, None, xyxy_px) for xyxy_px in truth.hard_negatives]
    return [
        {"label": label, "true_class": name, "bbox": ",".join(map(repr, xyxy_px))}
        | {"bbox_format": "xyxy"}
        for label, name, xyxy_px in boxes
    ] + [{"label": REVIEWED}]
