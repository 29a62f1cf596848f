"""Transfers box annotations to the matching detections of the detector in service.

An annotation is about a place on an image, not about a number that one version of a detector gave
it. It is carried to whatever detection overlaps its box enough, as long as the image is the one
that was judged. What says that there is an object makes that detection a reference; a false
positive says that there is none, so that it is neither a reference nor labelled.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from autolabel_core.declarations import Collection
from autolabel_core.declarations.conditions.values import text_of
from autolabel_core.foundation.media.boxes import iou, pair_greatest
from autolabel_core.ledger import Annotation, BoxAnnotation
from autolabel_core.tables.boxes.box_labels import FALSE_POSITIVE, OBJECTS
from autolabel_core.tables.boxes.ground_truth import merge_annotations
from autolabel_core.tables.detection_rows import DetectionRow

SAME_BOX_IOU = 0.5
VERDICT = "verdict"
"""Where the provenance of a carried annotation keeps the word that a person chose."""


def transfer_annotations(
    annotations: Sequence[BoxAnnotation], detections: Sequence[DetectionRow], collection: Collection
) -> dict[str, Annotation]:
    """Return what people said of each detection of one image.

    Args:
        annotations: what holds of the image, in the order of the ledger.
        detections: rows of the image's detections.
        collection: whose fields the annotations fill.

    Returns:
        By document id; the label is None where a person saw no object.
    """
    merged = merge_annotations(annotations)
    objects = [a for a in merged if a.label in OBJECTS and a.true_class and a.xyxy_px]
    wrong = [a for a in merged if a.label == FALSE_POSITIVE and a.xyxy_px]
    transferred: dict[str, Annotation] = {}
    for annotation, row in _pairs(objects, detections):
        transferred[row["document_id"]] = _annotation(annotation, row, collection)
    left = [row for row in detections if row["document_id"] not in transferred]
    for annotation, row in _pairs(wrong, left):
        transferred[row["document_id"]] = _annotation(annotation, row, collection)
    return transferred


def _pairs(
    annotations: Sequence[BoxAnnotation], rows: Sequence[DetectionRow]
) -> Iterator[tuple[BoxAnnotation, DetectionRow]]:
    """Yield who meets whom, one to one; a wrong detection meets only one of its own class."""
    drawn = [a.xyxy_px for a in annotations if a.xyxy_px is not None]
    overlaps = iou(drawn, [row["xyxy_px"] or [] for row in rows])
    may_meet = [[_may_meet(a, row) for row in rows] for a in annotations]
    overlaps = overlaps * np.array(may_meet, np.float64).reshape(overlaps.shape)
    for i, j in pair_greatest(overlaps, SAME_BOX_IOU):
        yield annotations[i], rows[j]


def _may_meet(annotation: BoxAnnotation, row: DetectionRow) -> bool:
    is_object = annotation.label != FALSE_POSITIVE
    return is_object or annotation.predicted_class in (None, row["detected_class"])


def _annotation(box: BoxAnnotation, row: DetectionRow, collection: Collection) -> Annotation:
    texts = {name: text for name, value in box.payload.items() if (text := text_of(value))}
    taken = {e.target: texts[e.source] for e in collection.enrichment if e.source in texts}
    return Annotation(
        collection=box.collection,
        document_id=row["document_id"],
        key=row["key"],
        label=box.true_class if box.label in OBJECTS else None,
        content_hash=row["content_hash"] or "",
        annotator=box.annotator,
        origin=box.origin,
        fields={**texts, **taken},
        reason=box.reasoning,
        provenance={VERDICT: box.label, "annotation_id": box.annotation_id},
        recorded_at=box.recorded_at,
        event_id=box.event_id,
    )
