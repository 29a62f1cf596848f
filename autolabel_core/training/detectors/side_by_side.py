"""Compares versions of a detector by their tables on the gold images."""

from __future__ import annotations

from pathlib import PurePath
from typing import TypedDict

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from autolabel_core.models.detectors import Detections
from autolabel_core.models.evaluation.average_precision import evaluate_detections
from autolabel_core.storage.typed_rows import rows_as
from autolabel_core.tables.boxes.splits import GOLD
from autolabel_core.tables.boxes.training_set import TrainingSet
from autolabel_core.tables.detections import DetectionTable
from autolabel_core.tables.layout import DETECTION
from autolabel_core.training.detectors.evaluate_version import true_boxes


class FoundBox(TypedDict):
    """What a version found: the columns that its comparison needs."""

    image_id: str
    kind: str
    detected_class: str
    detected_confidence: float
    xyxy_px: list[float]


VersionInService = TypedDict(
    "VersionInService",
    {
        "detector": str,
        "serves": bool,
        "gold images": int,
        "boxes found": int,
        "mAP50 in service": float | None,
    },
)
"""How one version fares on the gold images, as it serves."""
COLUMNS = list(FoundBox.__annotations__)


def completed(table: DetectionTable, data: TrainingSet) -> list[PurePath]:
    """Return the folder of every version that has looked at all batches with gold images.

    Args:
        table: the detections.
        data: with the gold images.

    Returns:
        Folders, ascending; none where there is no gold image.
    """
    batches = _batches(table, data)
    folders = table.warehouse.folders_in(table.folder.parent) if batches else []
    return [
        folder
        for folder in folders
        if all(table.warehouse.exists(folder / f"{batch}.parquet") for batch in batches)
    ]


def side_by_side(table: DetectionTable, data: TrainingSet) -> list[VersionInService]:
    """Compare the versions as they serve: with the declared threshold, from their own tables.

    Args:
        table: the detections.
        data: with the gold images.

    Returns:
        A row for each version; its mAP50 is lower than the gate's, because unsure boxes are not
        kept in service.
    """
    truths = data.images[GOLD]
    rows: list[VersionInService] = []
    for folder in completed(table, data):
        found = _found(table, folder, data)
        boxes = [found.get(truth.document_id, Detections()) for truth in truths]
        evaluation = evaluate_detections([true_boxes(truth) for truth in truths], boxes)
        rows.append(
            {
                "detector": folder.name,
                "serves": folder == table.folder,
                "gold images": evaluation.images,
                "boxes found": sum(len(one) for one in boxes),
                "mAP50 in service": evaluation.map50,
            }
        )
    return rows


def _batches(table: DetectionTable, data: TrainingSet) -> list[str]:
    known = table.recorded.objects
    ids = {truth.document_id for truth in data.images[GOLD]}
    return sorted({known[document].batch for document in ids if document in known})


def _found(table: DetectionTable, folder: PurePath, data: TrainingSet) -> dict[str, Detections]:
    wanted = pa.array(sorted({truth.document_id for truth in data.images[GOLD]}), pa.string())
    rows: dict[str, list[FoundBox]] = {}
    for batch in _batches(table, data):
        read = table.warehouse.read_table(folder / f"{batch}.parquet", COLUMNS)
        for row in rows_as(read.filter(pc.is_in(read["image_id"], value_set=wanted)), FoundBox):
            if row["kind"] == DETECTION:
                rows.setdefault(row["image_id"], []).append(row)
    return {image: _as_detections(of_image) for image, of_image in rows.items()}


def _as_detections(rows: list[FoundBox]) -> Detections:
    return Detections(
        np.array([row["xyxy_px"] for row in rows], dtype=np.float64),
        np.array([row["detected_confidence"] for row in rows], dtype=np.float64),
        tuple(row["detected_class"] for row in rows),
    )
