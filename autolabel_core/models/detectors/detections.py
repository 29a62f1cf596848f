"""The detections of one image: boxes, confidences, classes; validated, clipped and ordered."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.media.boxes import Floats, as_boxes, clip

MIN_SIDE_PX = 1.0
# Forward passes of another batch shape differ in later digits than these.
BOX_DECIMALS, CONFIDENCE_DECIMALS = 2, 4


@dataclass(frozen=True)
class Detections:
    """Boxes on one image, n of them.

    Attributes:
        xyxy_px: (n, 4) left, top, right and bottom in pixels of the upright image.
        confidence: (n,) from 0 (surely nothing) to 1 (surely that class).
        class_names: (n,) what it is.
    """

    xyxy_px: Floats = field(default_factory=lambda: np.zeros((0, 4)))
    confidence: Floats = field(default_factory=lambda: np.zeros(0))
    class_names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.class_names)

    def only(self, rows: npt.ArrayLike) -> Detections:
        """Return some of them.

        Args:
            rows: a mask (n,), or positions in the order wanted.

        Returns:
            Those.
        """
        chosen = np.arange(len(self))[np.asarray(rows)].tolist()
        names = tuple(self.class_names[i] for i in chosen)
        return Detections(self.xyxy_px[chosen], self.confidence[chosen], names)


def joined(parts: Sequence[Detections]) -> Detections:
    """Return all detections of several parts, in order."""
    return Detections(
        np.concatenate([np.zeros((0, 4)), *(part.xyxy_px for part in parts)]),
        np.concatenate([np.zeros(0), *(part.confidence for part in parts)]),
        tuple(name for part in parts for name in part.class_names),
    )


def check_detections(returned: object, images: int, where: str) -> list[Detections]:
    """Hold a detector to its contract.

    Args:
        returned: what it returned.
        images: how many it was shown.
        where: how an error begins.

    Returns:
        The same.

    Raises:
        AutolabelError: a number, shape or value is not what the contract says.
    """
    if not isinstance(returned, list) or len(returned) != images:
        size = (
            f"a list of {len(returned)}" if isinstance(returned, list) else type(returned).__name__
        )
        raise AutolabelError(f"{where} {size}, expected a list of {images} Detections")
    for i, detections in enumerate(returned):
        if not isinstance(detections, Detections):
            raise AutolabelError(
                f"{where} {type(detections).__name__} for image {i}, "
                "expected autolabel_core.Detections"
            )
        n = len(detections.class_names)
        shapes = np.shape(detections.xyxy_px), np.shape(detections.confidence)
        if shapes != ((n, 4), (n,)):
            raise AutolabelError(
                f"{where} shapes {shapes[0]} and {shapes[1]} for the {n} classes of image {i}, "
                f"expected ({n}, 4) and ({n},)"
            )
        numbers = np.concatenate([np.ravel(detections.xyxy_px), detections.confidence])
        if not np.isfinite(numbers).all():
            raise AutolabelError(f"{where} a number that is not finite for image {i}")
        if n and not (0 <= np.min(detections.confidence) <= np.max(detections.confidence) <= 1):
            raise AutolabelError(f"{where} a confidence outside 0 to 1 for image {i}")
    return returned


def cleaned(
    detections: Detections,
    size_px: tuple[int, int],
    min_confidence: float,
    classes: Collection[str] | None,
    most: int,
) -> Detections:
    """Return what is kept of an image's detections, in an order that is always the same.

    Args:
        detections: as the detector gave them.
        size_px: width and height of the image; boxes are clipped to it, what has less than a pixel
            left is dropped.
        min_confidence: lowest that is kept.
        classes: those that are kept; None keeps all.
        most: how many are kept.

    Returns:
        The most confident first, equal ones by class and place; numbers rounded to hundredths of a
        pixel and to four decimals of confidence.
    """
    boxes = np.round(clip(as_boxes(detections.xyxy_px), *size_px), BOX_DECIMALS)
    confidence: Floats = np.asarray(detections.confidence, np.float64).round(CONFIDENCE_DECIMALS)
    wide = (boxes[:, 2:] - boxes[:, :2] >= MIN_SIDE_PX).all(axis=1)
    wanted = np.array([classes is None or name in classes for name in detections.class_names], bool)
    kept = Detections(boxes, confidence, tuple(detections.class_names)).only(
        wide & wanted & (confidence >= min_confidence)
    )
    keys = zip(-kept.confidence, kept.class_names, kept.xyxy_px.tolist(), strict=True)
    order = [i for _, i in sorted((key, i) for i, key in enumerate(keys))]
    return kept.only(np.array(order[:most], np.int64))
