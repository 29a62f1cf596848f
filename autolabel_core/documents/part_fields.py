"""What documents say beside where they are parts of objects: boxes on images, frames of videos."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autolabel_core.declarations import Collection
from autolabel_core.documents.box_fields import BOX_COLUMNS, detection_record
from autolabel_core.documents.frame_fields import FRAME_TYPES, frame_record
from autolabel_core.documents.record import BoxFields, FrameFields
from autolabel_core.tables.layout import IMAGE, VIDEO


def part_columns(collection: Collection) -> tuple[str, ...]:
    """Return the columns of documents that are boxes, or frames; none where they are whole."""
    if collection.detection is not None:
        return BOX_COLUMNS
    return tuple(FRAME_TYPES) if collection.frames is not None else ()


def part_record(collection: Collection, row: Mapping[str, Any]) -> BoxFields | FrameFields:
    """Return what a document says of the object that it is a part of, or of its parts."""
    if collection.detection is not None:
        return detection_record(row)
    return frame_record(row) if collection.frames is not None else BoxFields()


def takes_label(collection: Collection) -> str:
    """Return the SQL condition of the documents that take a label, or cannot be read."""
    if collection.frames is not None:
        return f"kind IS DISTINCT FROM '{VIDEO}' OR reason IS NOT NULL"
    return "true" if collection.detection is None else f"kind <> '{IMAGE}'"
