"""Finds conflicting annotations of one object; both are kept, and the later one counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from autolabel_core.foundation.media.boxes import iou, pair_greatest
from autolabel_core.ledger import BoxAnnotation
from autolabel_core.tables.boxes.box_labels import FALSE_POSITIVE
from autolabel_core.tables.boxes.ground_truth import (
    SAME_OBJECT_IOU,
    boxes_of,
    class_seen,
    may_be_one,
)


@dataclass(frozen=True)
class Conflict:
    """Two annotations of one object by different people; `second` is the later one."""

    first: BoxAnnotation
    second: BoxAnnotation

    def __str__(self) -> str:
        """Who says what of which image."""
        stances = (f"{_stance(a)} ({a.annotator})" for a in (self.first, self.second))
        return f"{self.first.image_key}: {' against '.join(stances)}"


def conflicts(holding: Iterable[BoxAnnotation]) -> list[Conflict]:
    """Return the disagreements among annotations that hold.

    Args:
        holding: what holds of a collection, in the order of the ledger.

    Returns:
        One conflict for each object and pair of people, by image.
    """
    by_image: dict[str, dict[str, list[BoxAnnotation]]] = {}
    place: dict[str, int] = {}
    for number, annotation in enumerate(holding):
        place[annotation.annotation_id] = number
        if annotation.xyxy_px is not None:
            people = by_image.setdefault(annotation.image_id, {})
            people.setdefault(annotation.annotator, []).append(annotation)
    result = []
    for people in by_image.values():
        for mine, theirs in combinations(people.values(), 2):
            for a, b in _same_objects(mine, theirs):
                if _stance(a) != _stance(b):
                    first, second = sorted((a, b), key=lambda x: place[x.annotation_id])
                    result.append(Conflict(first, second))
    return sorted(result, key=lambda c: (c.first.image_key, place[c.first.annotation_id]))


def _same_objects(
    mine: list[BoxAnnotation], theirs: list[BoxAnnotation]
) -> list[tuple[BoxAnnotation, BoxAnnotation]]:
    overlaps = iou(boxes_of(mine), boxes_of(theirs))
    allowed = np.array([[may_be_one(a, b) for b in theirs] for a in mine], dtype=np.float64)
    for i, a in enumerate(mine):
        for j, b in enumerate(theirs):
            if a.detection_id and (a.detection_id, a.judged) == (b.detection_id, b.judged):
                overlaps[i, j] = allowed[i, j] = 2.0
    return [(mine[i], theirs[j]) for i, j in pair_greatest(overlaps * allowed, SAME_OBJECT_IOU)]


def _stance(annotation: BoxAnnotation) -> str:
    if annotation.label == FALSE_POSITIVE:
        return f"no {class_seen(annotation) or 'object'}"
    return annotation.true_class or ""
