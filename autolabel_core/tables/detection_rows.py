"""Rows of the table of boxes: how an image lists what was found on it, and each as a document."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from autolabel_core.foundation.ids import fingerprint
from autolabel_core.models.detectors import Detections

IMAGE, DETECTION = "image", "detection"
BBOX_FORMAT = "xywh"
_FIELDS: list[Any] = [
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
_OWN_OF_IMAGE = frozenset(SCHEMA.names) - {"kind", "detections"}

Record = dict[str, Any]
"""One detection as image documents list it: class, confidence, bbox{x, y, w, h}, bbox_format."""


def rows_of_image(
    image: Mapping[str, Any], listed: Sequence[Record], reason: str | None
) -> Iterator[dict[str, Any]]:
    """Yield the image's own row, then one for each of its detections.

    Args:
        image: its row of `raw_objects`.
        listed: what was found on it.
        reason: why it could not be looked at, or None.

    Yields:
        dict[str, Any]: rows of SCHEMA; what a row lacks is null.
    """
    content = image["content_hash"]
    whole = {name: value for name, value in image.items() if name in _OWN_OF_IMAGE}
    whole |= {"image_id": image["document_id"], "image_key": image["key"]}
    whole |= {"image_content_hash": content, "reason": reason}
    yield {**whole, "kind": IMAGE, "detections": None if reason else as_json(listed)}
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
        }


def records_of(found: Detections) -> list[Record]:
    """Return detections as image documents list them; `bbox` is top left corner and size."""
    rows = zip(found.class_names, found.confidence.tolist(), found.xyxy_px.tolist(), strict=True)
    return [
        {
            "class": name,
            "confidence": confidence,
            "bbox": {"x": x1, "y": y1, "w": round(x2 - x1, 2), "h": round(y2 - y1, 2)},
            "bbox_format": BBOX_FORMAT,
        }
        for name, confidence, (x1, y1, x2, y2) in rows
    ]


def corners(record: Record) -> list[float]:
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


def as_json(value: Any) -> str:
    """Return a value as the one JSON text that stands for it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
