"""The ground truth of each image, merged from all annotations of people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from autolabel_core.foundation.media.boxes import XyxyPx, iou, pair_greatest
from autolabel_core.ledger.box_annotations import BoxAnnotation, effective
from autolabel_core.tables.boxes.box_labels import CONFIRMED, FALSE_POSITIVE, OBJECTS, REVIEWED

SAME_OBJECT_IOU = 0.5


@dataclass(frozen=True)
class KnownImage:
    """An image that exists and can be read; the size is that of the upright picture."""

    document_id: str
    key: str
    content_hash: str
    width_px: int
    height_px: int


@dataclass(frozen=True)
class TruthBox:
    """One object on an image; `source` is the label that says so."""

    class_name: str
    xyxy_px: XyxyPx
    source: str


@dataclass(frozen=True)
class ImageTruth:
    """What people said is on an image.

    Attributes:
        document_id: the image's document.
        key: the image's key.
        content_hash: the content that was looked at.
        width_px: width of the upright picture.
        height_px: its height.
        boxes: the objects, ascending by class and box.
        hard_negatives: places where a detector saw what is not there, ascending.
        reviewed: whether all that is on the image has been looked at; only then does the absence
            of a box mean the absence of an object.
    """

    document_id: str
    key: str
    content_hash: str
    width_px: int
    height_px: int
    boxes: tuple[TruthBox, ...]
    hard_negatives: tuple[XyxyPx, ...]
    reviewed: bool


def image_truths(
    annotations: Sequence[BoxAnnotation], images: Iterable[KnownImage]
) -> list[ImageTruth]:
    """Return the truth of every image that somebody annotated.

    Two sessions (another annotator, or another version of the detector) may speak of one object;
    boxes of different sessions that overlap by `SAME_OBJECT_IOU` are one object, and the later word
    holds. Within a session every box is an object of its own.

    Args:
        annotations: box annotations of one collection, in the order of the ledger.
        images: the images that exist.

    Returns:
        Images in the order of their first review, so that those reviewed later come last; then
        those that nobody reviewed, by key.
    """
    by_id = {image.document_id: image for image in images}
    contents = {image.document_id: image.content_hash for image in by_id.values()}
    by_image: dict[str, list[BoxAnnotation]] = {}
    for annotation in effective(annotations, contents).holding:
        by_image.setdefault(annotation.image_id, []).append(annotation)
    truths = [_truth(by_id[image], events) for image, events in by_image.items()]
    order = _first_reviews(annotations)
    return sorted(
        truths, key=lambda t: (order[t.content_hash] if t.reviewed else len(order), t.key)
    )


def _first_reviews(annotations: Iterable[BoxAnnotation]) -> dict[str, int]:
    """The place of each content in the order of the first reviews, withdrawn ones included."""
    order: dict[str, int] = {}
    for annotation in annotations:
        if annotation.label == REVIEWED:
            order.setdefault(annotation.content_hash, len(order))
    return order


def _truth(image: KnownImage, annotations: Sequence[BoxAnnotation]) -> ImageTruth:
    merged = merge_annotations(annotations)
    boxes = [
        TruthBox(a.true_class, a.xyxy_px, a.label)
        for a in merged
        if a.label in OBJECTS and a.true_class is not None and a.xyxy_px is not None
    ]
    wrong = {a.xyxy_px for a in merged if a.label == FALSE_POSITIVE and a.xyxy_px is not None}
    return ImageTruth(
        **vars(image),
        boxes=tuple(sorted(boxes, key=lambda b: (b.class_name, b.xyxy_px, b.source))),
        hard_negatives=tuple(sorted(wrong)),
        reviewed=any(a.label == REVIEWED for a in annotations),
    )


def merge_annotations(annotations: Sequence[BoxAnnotation]) -> list[BoxAnnotation]:
    """Return one annotation for each object of an image.

    Args:
        annotations: what holds of one image, in the order of the ledger.

    Returns:
        Annotations of boxes, in the order of the ledger; of an object that several sessions speak
        of, the latest. Where that only confirms what a person had drawn, the drawn box stays.
    """
    settled: list[BoxAnnotation] = []
    for session in _sessions(annotations):
        may_match = [[may_be_one(old, new) for new in session] for old in settled]
        overlaps = iou(boxes_of(settled), boxes_of(session))
        overlaps *= np.asarray(may_match, dtype=np.float64).reshape(overlaps.shape)
        same = {new: old for old, new in pair_greatest(overlaps, SAME_OBJECT_IOU)}
        merged = [
            _later(settled[same[i]], box) if i in same else box for i, box in enumerate(session)
        ]
        gone = set(same.values())
        settled = [box for i, box in enumerate(settled) if i not in gone] + merged
    return settled


def _sessions(annotations: Sequence[BoxAnnotation]) -> list[list[BoxAnnotation]]:
    """Boxes by annotator and judged detector, the latest session at the end."""
    latest = {(a.detection_id, a.judged): a for a in annotations if a.detection_id}
    sessions: dict[tuple[str, str | None], list[BoxAnnotation]] = {}
    for annotation in annotations:
        meant = (annotation.detection_id or "", annotation.judged)
        if annotation.xyxy_px is None or latest.get(meant, annotation) is not annotation:
            continue
        whose = (annotation.annotator, annotation.judged)
        sessions[whose] = [*sessions.pop(whose, []), annotation]
    return list(sessions.values())


def boxes_of(annotations: Iterable[BoxAnnotation]) -> list[XyxyPx]:
    """Return the boxes of annotations that have one."""
    return [a.xyxy_px for a in annotations if a.xyxy_px is not None]


def may_be_one(before: BoxAnnotation, after: BoxAnnotation) -> bool:
    """Whether boxes may speak of one thing: a wrong detection only of one of its own class."""
    if FALSE_POSITIVE not in (before.label, after.label):
        return True
    return class_seen(before) == class_seen(after)


def class_seen(annotation: BoxAnnotation) -> str | None:
    """Return the class that an annotation is about: of what is not there, the one detected."""
    if annotation.label == FALSE_POSITIVE:
        return annotation.predicted_class
    return annotation.true_class


def _later(before: BoxAnnotation, after: BoxAnnotation) -> BoxAnnotation:
    drawn = before.label in OBJECTS - {CONFIRMED} and before.true_class == after.true_class
    if after.label == CONFIRMED and drawn:
        return replace(after, xyxy_px=before.xyxy_px)
    return after
