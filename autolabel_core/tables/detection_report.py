"""The report on a batch's boxes: counts, confidences, some pictures."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from statistics import median

from autolabel_core.foundation.charts import Box, contact_sheet, with_boxes
from autolabel_core.foundation.errors import StoreUnavailableError, UnreadableItemError
from autolabel_core.foundation.json_types import Report
from autolabel_core.foundation.media.images import decode_image
from autolabel_core.models.detectors import DeclaredDetector
from autolabel_core.tables.detection_rows import DetectionRecord, DetectionRow

LEAST_SURE, SUREST, WITHOUT = 6, 4, 2
TILE_PX = 240
_FRAME = "#9a9a9a"


def detection_report(images: list[DetectionRow], detector: DeclaredDetector) -> Report:
    """Count images and boxes of a batch, and list what could not be looked at.

    Args:
        images: the batch's rows of images.
        detector: looked at them.

    Returns:
        Numbers, texts and tables by name.
    """
    looked_at = [row for row in images if not row["reason"]]
    listed = [listed_on(row) for row in looked_at]
    confidence = [record["confidence"] for records in listed for record in records]
    counts = Counter(record["class"] for records in listed for record in records)
    without = sum(not records for records in listed)
    failed = [row for row in images if row["reason"]]
    return {
        "detector": detector.feature_uri,
        "waits for a first model": "yes" if detector.is_waiting else "no",
        "images": len(images),
        "detections": len(confidence),
        "images without detections": without,
        "share without detections": without / len(listed) if listed else None,
        "median confidence": median(confidence) if confidence else None,
        "quarantined": len(failed),
        "classes": [{"class": name, "detections": n} for name, n in sorted(counts.items())],
        "quarantine": [{"key": row["key"], "reason": row["reason"]} for row in failed[:100]],
    }


def detection_pictures(
    images: list[DetectionRow], read_checked: Callable[[str, str | None], bytes]
) -> dict[str, bytes]:
    """Draw the boxes on some images of a batch.

    Args:
        images: the batch's rows of images.
        read_checked: given key and content hash, returns that content.

    Returns:
        A PNG file by name: the least sure images first, then the surest, then some without.
    """
    tiles = []
    for row in chosen_images(images):
        try:
            data = read_checked(row["key"], row["content_hash"])
            picture = decode_image(data)
        except (UnreadableItemError, StoreUnavailableError):
            continue
        records = listed_on(row)
        drawn = with_boxes(picture, boxes_to_draw(records), TILE_PX)
        tiles.append((drawn, f"{row['key']}\n{len(records)} found", _FRAME))
    return {"detections": contact_sheet(tiles, tile_px=TILE_PX)} if tiles else {}


def chosen_images(images: list[DetectionRow]) -> list[DetectionRow]:
    """Choose images to look at.

    Args:
        images: rows of images; those with a reason cannot be shown.

    Returns:
        At most 12: those with the least sure detection first, then those whose least sure one is
        the surest, then some on which nothing was found.
    """
    readable = [row for row in images if not row["reason"]]
    listed = [(row, listed_on(row)) for row in readable]
    with_boxes = [entry for entry in listed if entry[1]]
    with_boxes.sort(key=lambda entry: (min(r["confidence"] for r in entry[1]), entry[0]["key"]))
    rows = [row for row, _ in with_boxes]
    without = [row for row, records in listed if not records]
    return [*rows[:LEAST_SURE], *rows[LEAST_SURE:][-SUREST:], *without[:WITHOUT]]


def listed_on(image: DetectionRow) -> list[DetectionRecord]:
    """Return what was found on an image."""
    records: list[DetectionRecord] = json.loads(image["detections"] or "[]")
    return records


def boxes_to_draw(records: list[DetectionRecord]) -> list[Box]:
    """Return listed detections as boxes to draw."""
    boxes = []
    for record in records:
        box = record["bbox"]
        corners = (box["x"], box["y"], box["x"] + box["w"], box["y"] + box["h"])
        boxes.append(Box(corners, record["class"], record["confidence"]))
    return boxes
