"""Average precision of detections by class, over a set of images.

Source: the definition of COCO's `pycocotools`, which a test compares with. Detections are taken in
the order of their confidence; each takes the best box that is still free. Precision is made to fall
with recall, and averaged over 101 steps of recall from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from autolabel_core.foundation.media.boxes import Floats, iou
from autolabel_core.models.detectors import Detections

THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALL_STEPS = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True)
class ClassMatches:
    """What was found of one class, the most confident first.

    Attributes:
        images: (d,) index of the image of each detection.
        confidences: (d,) falling.
        hits: (d, 10) whether it found a true box, at each of `THRESHOLDS`.
        true_boxes: (images,) number of true boxes on each image.
    """

    images: npt.NDArray[np.int64]
    confidences: Floats
    hits: npt.NDArray[np.bool_]
    true_boxes: npt.NDArray[np.int64]

    def precision_at(self, threshold: int, counts: npt.NDArray[np.int64] | None = None) -> Floats:
        """Return the precision at each of `RECALL_STEPS`, 0 beyond the recall that is reached.

        Args:
            threshold: index into `THRESHOLDS`.
            counts: (images,) how often each image counts; once where None.

        Returns:
            (101,) from 0 to 1; all NaN where no true box counts.
        """
        ones = np.ones_like(self.true_boxes) if counts is None else counts
        total = int(self.true_boxes @ ones)
        if total == 0:
            return np.full(RECALL_STEPS.shape, np.nan)
        weights = ones[self.images]
        true_positives = np.cumsum(weights * self.hits[:, threshold])
        tried = np.cumsum(weights)
        precision = np.divide(
            true_positives, tried, out=np.zeros(len(true_positives)), where=tried > 0
        )
        falling = np.maximum.accumulate(precision[::-1])[::-1]
        steps = np.searchsorted(true_positives / total, RECALL_STEPS, side="left")
        return np.asarray(np.append(falling, 0.0)[steps])


@dataclass(frozen=True)
class Evaluation:
    """Average precisions of one model on one set of images.

    Attributes:
        images: how many images.
        matches: by class, ascending; classes without a true box have no precision and are absent.
    """

    images: int
    matches: dict[str, ClassMatches]

    @cached_property
    def by_class(self) -> dict[str, Floats]:
        """(10,) average precision of each class at each of `THRESHOLDS`."""
        steps = range(len(THRESHOLDS))
        return {
            name: np.array([matches.precision_at(t).mean() for t in steps])
            for name, matches in self.matches.items()
        }

    @property
    def ap50(self) -> dict[str, float]:
        """Average precision of each class at an overlap of 0.5."""
        return {name: float(values[0]) for name, values in self.by_class.items()}

    @property
    def map50(self) -> float:
        """Mean over classes at an overlap of 0.5, from 0 (nothing found) to 1 (all, no more)."""
        return mean(list(self.ap50.values()))

    @property
    def map50_95(self) -> float:
        """Mean over classes and over overlaps from 0.5 to 0.95."""
        return mean([float(values.mean()) for values in self.by_class.values()])

    def resampled_map50(self, counts: npt.NDArray[np.int64]) -> float:
        """Return mAP50 where image i counts `counts[i]` times; classes without a box are left out.

        Args:
            counts: (images,) how often each image counts.

        Returns:
            From 0 to 1; NaN where no true box counts.
        """
        precisions = [m.precision_at(0, counts).mean() for m in self.matches.values()]
        kept = [float(value) for value in precisions if not np.isnan(value)]
        return mean(kept) if kept else float("nan")


def evaluate_detections(true: Sequence[Detections], detected: Sequence[Detections]) -> Evaluation:
    """Compare what was found with what is true, image by image.

    Args:
        true: the true boxes of each image.
        detected: the detections on the same images, in the same order.

    Returns:
        The evaluation; what was found of a class that has no true box is not counted.
    """
    names = sorted({name for image in true for name in image.class_names})
    return Evaluation(len(true), {name: _matches(name, true, detected) for name in names})


def mean(values: Sequence[float]) -> float:
    """Return the mean, 0 of nothing."""
    return float(np.mean(values)) if values else 0.0


def _matches(name: str, true: Sequence[Detections], found: Sequence[Detections]) -> ClassMatches:
    images, confidences, hits, counts = [], [], [], []
    for index, (truth, detected) in enumerate(zip(true, found, strict=True)):
        boxes = _of_class(truth, name).xyxy_px
        own = _of_class(detected, name)
        images.append(np.full(len(own), index, dtype=np.int64))
        confidences.append(own.confidence)
        hits.append(_hits(boxes, own.xyxy_px))
        counts.append(len(boxes))
    order = np.argsort(-np.concatenate(confidences), kind="stable")
    return ClassMatches(
        np.concatenate(images)[order],
        np.concatenate(confidences)[order],
        np.concatenate(hits)[order],
        np.array(counts, dtype=np.int64),
    )


def _of_class(image: Detections, name: str) -> Detections:
    """The boxes of one class, the most confident first."""
    own = np.array([i for i, c in enumerate(image.class_names) if c == name], dtype=np.int64)
    return image.only(own[np.argsort(-image.confidence[own], kind="stable")])


def _hits(true_px: Floats, found_px: Floats) -> npt.NDArray[np.bool_]:
    """(d, 10) whether each detection, the most confident first, takes a true box of its own."""
    overlaps = iou(found_px, true_px)
    hits = np.zeros((len(found_px), len(THRESHOLDS)), dtype=bool)
    if not overlaps.size:
        return hits
    for column, threshold in enumerate(THRESHOLDS):
        free = np.ones(len(true_px), dtype=bool)
        for row, own in enumerate(overlaps):
            best = int(np.argmax(np.where(free, own, -1.0)))
            if free[best] and own[best] >= threshold - 1e-10:
                hits[row, column] = True
                free[best] = False
    return hits
