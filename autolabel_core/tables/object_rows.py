"""Rows of the table of objects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TypedDict

import pyarrow as pa

from autolabel_core.declarations import Collection
from autolabel_core.ledger import Arrival
from autolabel_core.tables.document_table import DocumentRow

_FIELDS: list[tuple[str, pa.DataType]] = [
    ("document_id", pa.string()),
    ("key", pa.string()),
    ("version", pa.string()),
    ("content_hash", pa.string()),
    ("size", pa.int64()),
    ("media_type", pa.string()),
    ("width_px", pa.int32()),
    ("height_px", pa.int32()),
    ("metadata", pa.string()),
    ("reason", pa.string()),
]
_OF_FRAMES: list[tuple[str, pa.DataType]] = [
    ("kind", pa.string()),
    ("video_id", pa.string()),
    ("video_key", pa.string()),
    ("frame", pa.int64()),
    ("seconds", pa.float64()),
]
SCHEMA = pa.schema(_FIELDS)
FRAMES_SCHEMA = pa.schema([*_FIELDS, *_OF_FRAMES])
"""Where videos are read: a row for each object, and after a video's one for each of its frames."""
TAKEN_OVER = (*(name for name, _ in _OF_FRAMES), "width_px", "height_px")


class FrameColumns(TypedDict, total=False):
    """What rows say beside where videos are read.

    `kind` is IMAGE, VIDEO or FRAME. A frame has the id and key of its video, its number among the
    pictures from 0, and the seconds at which it is shown; a video has its length in seconds.
    """

    kind: str | None
    video_id: str | None
    video_key: str | None
    frame: int | None
    seconds: float | None


class ObjectRow(DocumentRow, FrameColumns):
    """What a sweep read of one object, or a frame of it: SCHEMA as a type.

    `version` is the object's, `size` in bytes (None of a frame), `width_px` and `height_px` are
    those of the upright picture.
    """

    version: str
    size: int | None
    width_px: int | None
    height_px: int | None


def schema_of(collection: Collection) -> pa.Schema:
    """Return the columns of a collection's objects."""
    return SCHEMA if collection.frames is None else FRAMES_SCHEMA


def as_json(metadata: Mapping[str, object]) -> str:
    """Return metadata as the one JSON text that stands for it."""
    return json.dumps(dict(metadata), sort_keys=True)


def unread_row(arrival: Arrival) -> ObjectRow:
    """Return the row of an object of which nothing is known but its arrival."""
    return {
        "document_id": arrival.document_id,
        "key": arrival.key,
        "version": arrival.version,
        "content_hash": None,
        "size": None,
        "media_type": None,
        "width_px": None,
        "height_px": None,
        "metadata": None,
        "reason": None,
    }
