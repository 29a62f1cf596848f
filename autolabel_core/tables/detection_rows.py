"""Rows of the table of boxes: the list of an image's boxes, and each box as a document."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypedDict, TypeGuard

import pyarrow as pa

from autolabel_core.foundation.ids import fingerprint
from autolabel_core.tables.document_table import DocumentRow
from autolabel_core.tables.layout import DETECTION, IMAGE
from autolabel_core.tables.object_rows import ObjectRow

if TYPE_CHECKING:
    from autolabel_core.models.detectors import Detections

BBOX_FORMAT = "xywh"
_FIELDS: list[tuple[str, pa.DataType]] = [
    ("document_id", pa.string()),
    ("key", pa.string()),
    ("kind", pa.string()),
    ("content_hash", pa.string()),
    ("media_type", pa.string()),
    ("metadata", pa.string()),
    ("reason", pa.string()),
    ("image_id", pa.string()),
    ("image_key", pa.string()),
    ("image_content_hash", pa.string()),
    ("width_px", pa.int32()),
    ("height_px", pa.int32()),
    ("detected_class", pa.string()),
    ("detected_confidence", pa.float64()),
    ("xyxy_px", pa.list_(pa.float64())),
    ("bbox", pa.string()),
    ("bbox_format", pa.string()),
    ("detections", pa.string()),
]
SCHEMA = pa.schema(_FIELDS)


class Bbox(TypedDict):
    """A box in pixels: top left corner, width and height."""

    x: float
    y: float
    w: float
    h: float


DetectionRecord = TypedDict(
    "DetectionRecord", {"class": str, "confidence": float, "bbox": Bbox, "bbox_format": str}
)
"""One detection as image documents list it."""


class DetectionRow(DocumentRow):
    """An image or a box: SCHEMA as a type.

    `kind` is IMAGE or DETECTION. An image has `detections` (JSON; None where it could not be looked
    at), a box has what is said from `detected_class` to `bbox_format`.
    """

    kind: str
    image_id: str
    image_key: str
    image_content_hash: str | None
    width_px: int | None
    height_px: int | None
    detected_class: str | None
    detected_confidence: float | None
    xyxy_px: list[float] | None
    bbox: str | None
    bbox_format: str | None
    detections: str | None


def rows_of_image(
    image: ObjectRow, listed: Sequence[DetectionRecord], reason: str | None
) -> Iterator[DetectionRow]:
    """Yield the image's own row, then one for each of its detections.

    Args:
        image: its row of `raw_objects`.
        listed: what was found on it.
        reason: why it could not be looked at, or None.

    Yields:
        DetectionRow: what a row lacks is None.
    """
    content = image["content_hash"]
    whole: DetectionRow = {
        "document_id": image["document_id"],
        "key": image["key"],
        "kind": IMAGE,
        "content_hash": content,
        "media_type": image["media_type"],
        "metadata": image["metadata"],
        "reason": reason,
        "image_id": image["document_id"],
        "image_key": image["key"],
        "image_content_hash": content,
        "width_px": image["width_px"],
        "height_px": image["height_px"],
        "detected_class": None,
        "detected_confidence": None,
        "xyxy_px": None,
        "bbox": None,
        "bbox_format": None,
        "detections": None if reason else as_json(listed),
    }
    yield whole
    for n, record in enumerate(listed):
        xyxy_px = corners(record)
        yield {
            **whole,
            "document_id": f"{image['document_id']}_det_{n}",
            "key": f"{image['key']}#det_{n}",
            "kind": DETECTION,
            "content_hash": fingerprint(content, xyxy_px),
            "detected_class": record["class"],
            "detected_confidence": record["confidence"],
            "xyxy_px": xyxy_px,
            "bbox": as_json(record["bbox"]),
            "bbox_format": record["bbox_format"],
            "detections": None,
        }


def is_detection(row: DocumentRow) -> TypeGuard[DetectionRow]:
    """Whether a document is a box on an image."""
    return row.get("kind") == DETECTION


def records_of(detections: Detections) -> list[DetectionRecord]:
    """Return detections as image documents list them; `bbox` is top left corner and size."""
    rows = zip(
        detections.class_names,
        detections.confidence.tolist(),
        detections.xyxy_px.tolist(),
        strict=True,
    )
    return [
        {
            "class": name,
            "confidence": confidence,
            "bbox": {"x": x1, "y": y1, "w": round(x2 - x1, 2), "h": round(y2 - y1, 2)},
            "bbox_format": BBOX_FORMAT,
        }
        for name, confidence, (x1, y1, x2, y2) in rows
    ]


def corners(record: DetectionRecord) -> list[float]:
    """Return left, top, right and bottom of a listed detection, in pixels."""
    box = record["bbox"]
    return [box["x"], box["y"], round(box["x"] + box["w"], 2), round(box["y"] + box["h"], 2)]


def whole_pixels(
    xyxy_px: Sequence[float], width_px: int, height_px: int
) -> tuple[int, int, int, int]:
    """Return the pixels that a box touches, at least one, all of them on the image."""
    x1, y1, x2, y2 = xyxy_px
    left = min(max(math.floor(x1), 0), width_px - 1)
    top = min(max(math.floor(y1), 0), height_px - 1)
    right = min(max(math.ceil(x2), left + 1), width_px)
    bottom = min(max(math.ceil(y2), top + 1), height_px)
    return left, top, right, bottom


def as_json(value: object) -> str:
    """Return a value as the one JSON text that stands for it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
