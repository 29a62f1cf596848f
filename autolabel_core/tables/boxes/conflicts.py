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
        said = (f"{_stance(a)} ({a.annotator})" for a in (self.first, self.second))
        return f"{self.first.image_key}: {' against '.join(said)}"


def conflicts(holding: Iterable[BoxAnnotation]) -> list[Conflict]:
    """Return the disagreements among annotations that hold.

    Args:
        holding: what holds of a collection, in the order of the ledger.

    Returns:
        One conflict for each object and pair of people, by image.
    """
    said: dict[str, dict[str, list[BoxAnnotation]]] = {}
    place: dict[str, int] = {}
    for number, annotation in enumerate(holding):
        place[annotation.annotation_id] = number
        if annotation.xyxy_px is not None:
            people = said.setdefault(annotation.image_id, {})
            people.setdefault(annotation.annotator, []).append(annotation)
    found = []
    for people in said.values():
        for one, other in combinations(people.values(), 2):
            for a, b in _same_objects(one, other):
                if _stance(a) != _stance(b):
                    first, second = sorted((a, b), key=lambda x: place[x.annotation_id])
                    found.append(Conflict(first, second))
    return sorted(found, key=lambda c: (c.first.image_key, place[c.first.annotation_id]))


def _same_objects(
    one: list[BoxAnnotation], other: list[BoxAnnotation]
) -> list[tuple[BoxAnnotation, BoxAnnotation]]:
    overlaps = iou(boxes_of(one), boxes_of(other))
    allowed = np.array([[may_be_one(a, b) for b in other] for a in one], dtype=np.float64)
    for i, a in enumerate(one):
        for j, b in enumerate(other):
            if a.detection_id and (a.detection_id, a.judged) == (b.detection_id, b.judged):
                overlaps[i, j] = allowed[i, j] = 2.0
    return [(one[i], other[j]) for i, j in pair_greatest(overlaps * allowed, SAME_OBJECT_IOU)]


def _stance(annotation: BoxAnnotation) -> str:
    if annotation.label == FALSE_POSITIVE:
        return f"no {class_seen(annotation) or 'object'}"
    return annotation.true_class or ""
