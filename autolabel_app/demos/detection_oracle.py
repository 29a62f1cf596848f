"""A simulated reviewer for the demo: one annotation for each box, and none left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from autolabel_core.foundation.json_types import Json
from autolabel_core.foundation.media.boxes import iou, match_by_iou
from autolabel_core.tables.detection_rows import DetectionRow

SAME_PLACE_IOU = 0.5
GOOD_ENOUGH_IOU = 0.75
"""A person lets a box pass that fits about as well as one drawn by hand."""

TrueBox = tuple[str, tuple[float, float, float, float]]


def review(
    key: str, truth: Sequence[TrueBox], detections: Sequence[DetectionRow]
) -> Iterable[dict[str, Json]]:
    """Yield what is to be said about one image, as lines of `autolabel annotate --file`.

    Args:
        key: the image's.
        truth: what is on it.
        detections: rows of the table `detections` about it.

    Yields:
        dict[str, Json]: a word about each detection, each object that was missed, and last that
        the image was reviewed.
    """
    boxes = [box for _, box in truth]
    found = [row["xyxy_px"] or [] for row in detections]
    pairs = dict(match_by_iou(found, boxes, SAME_PLACE_IOU))
    for number, row in enumerate(detections):
        if number not in pairs:
            yield _said(row, "false_positive")
            continue
        name, box = truth[pairs[number]]
        fits = float(iou([found[number]], [box])[0, 0]) >= GOOD_ENOUGH_IOU
        if fits and row["detected_class"] == name:
            yield {**_said(row, "confirmed"), "true_class": name}
        else:
            drawn = found[number] if fits else box
            yield {**_said(row, "corrected"), "true_class": name, "bbox": list(drawn)}
    for number in sorted(set(range(len(truth))) - set(pairs.values())):
        name, box = truth[number]
        said: dict[str, Json] = {"key": key, "label": "missed", "true_class": name}
        yield {**said, "bbox": list(box), "bbox_format": "xyxy"}
    yield {"key": key, "label": "reviewed"}


def _said(row: DetectionRow, label: str) -> dict[str, Json]:
    return {
        "detection_id": row["document_id"],
        "label": label,
        "predicted_class": row["detected_class"],
        "bbox": row["xyxy_px"],
        "bbox_format": "xyxy",
    }
