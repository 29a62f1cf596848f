"""Rows of the table of objects."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pyarrow as pa

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
SCHEMA = pa.schema(_FIELDS)


class ObjectRow(DocumentRow):
    """What a sweep read of one object: SCHEMA as a type."""

    version: str
    size: int | None
    width_px: int | None
    height_px: int | None


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
