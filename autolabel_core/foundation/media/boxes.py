"""Boxes on images: arrays of shape (n, 4), float64; inside, a box is always `xyxy_px`.

`xyxy_px` holds left, top, right and bottom in pixels of the upright image, with x1 < x2 and
y1 < y2, clipped to the image. The origin is the top left corner of the first pixel, so that a box
over the whole image is (0, 0, width, height).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

import numpy as np
import numpy.typing as npt

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.suggestions import did_you_mean

Floats = npt.NDArray[np.float64]
XyxyPx = tuple[float, float, float, float]

# A box of one pixel survives six decimals of a normalised format.
MIN_SIDE_PX = 0.5
MAX_SHARE_OUTSIDE = 0.5
FAR_AWAY = 1e9
DECIMALS = 2
"""Hundredths of a pixel: what other formats do to the last digits does not make another box."""


def xywh_to_xyxy(xywh: npt.ArrayLike) -> Floats:
    """Return corners from the top left corner and the size."""
    boxes = as_boxes(xywh)
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


def xyxy_to_xywh(xyxy: npt.ArrayLike) -> Floats:
    """Return the top left corner and the size from corners."""
    boxes = as_boxes(xyxy)
    return np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)


def cxcywh_to_xyxy(cxcywh: npt.ArrayLike) -> Floats:
    """Return corners from the centre and the size."""
    boxes = as_boxes(cxcywh)
    half = boxes[:, 2:] / 2
    return np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)


def xyxy_to_cxcywh(xyxy: npt.ArrayLike) -> Floats:
    """Return the centre and the size from corners."""
    boxes = as_boxes(xyxy)
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    return np.concatenate([centres, boxes[:, 2:] - boxes[:, :2]], axis=1)


TO_XYXY: Mapping[str, Callable[[npt.ArrayLike], Floats]] = {
    "xyxy": lambda boxes: as_boxes(boxes).copy(),
    "xywh": xywh_to_xyxy,
    "cxcywh": cxcywh_to_xyxy,
}
"""From each `bbox_format`: `xywh` is the top left corner and size, `cxcywh` the centre and size."""


def as_boxes(boxes: npt.ArrayLike) -> Floats:
    """Return boxes as an array of shape (n, 4); no boxes are (0, 4), one box is (1, 4)."""
    return np.asarray(boxes, dtype=np.float64).reshape(-1, 4)


def areas(xyxy: npt.ArrayLike) -> Floats:
    """Return the area of each box, shape (n,); 0 where a side is not positive."""
    boxes = as_boxes(xyxy)
    return np.asarray(np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0.0), axis=1))


def iou(a: npt.ArrayLike, b: npt.ArrayLike) -> Floats:
    """Return the intersection over union of each box of `a` with each of `b`.

    Args:
        a: corners, shape (n, 4).
        b: corners, shape (m, 4).

    Returns:
        Shape (n, m), from 0 (apart, or without area) to 1 (the same box).
    """
    left, right = as_boxes(a)[:, None, :], as_boxes(b)[None, :, :]
    low = np.maximum(left[..., :2], right[..., :2])
    high = np.minimum(left[..., 2:], right[..., 2:])
    shared = np.prod(np.maximum(high - low, 0.0), axis=2)
    union = areas(a)[:, None] + areas(b)[None, :] - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(union), where=union > 0))


def match_by_iou(
    a: npt.ArrayLike, b: npt.ArrayLike, threshold: float = 0.5
) -> list[tuple[int, int]]:
    """Pair boxes one to one, the greatest overlap first.

    No two boxes that are not each other's partner overlap more than both do with their partners.
    Equal overlaps go to the smaller index.

    Args:
        a: corners, shape (n, 4).
        b: corners, shape (m, 4).
        threshold: lowest intersection over union of a pair, above 0 (touching is not enough) up
            to 1 (the same box).

    Returns:
        Pairs of an index of `a` and one of `b`, ascending.
    """
    return pair_greatest(iou(a, b), threshold)


def pair_greatest(overlaps: Floats, threshold: float) -> list[tuple[int, int]]:
    """Pair rows and columns one to one, the greatest overlap first; see `match_by_iou`."""
    rows, columns = np.nonzero((overlaps >= threshold) & (overlaps > 0))
    order = np.lexsort((columns, rows, -overlaps[rows, columns]))
    partner: dict[int, int] = {}
    taken: set[int] = set()
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if row not in partner and column not in taken:
            partner[row] = column
            taken.add(column)
    return sorted(partner.items())


def clip(xyxy_px: npt.ArrayLike, width_px: int, height_px: int) -> Floats:
    """Return the part of each box that lies on the image; a box beside it has no area left."""
    low, high = np.zeros(4), np.array([width_px, height_px, width_px, height_px], dtype=np.float64)
    return np.clip(as_boxes(xyxy_px), low, high)


def read_box(
    numbers: Sequence[object],
    bbox_format: str,
    width_px: int,
    height_px: int,
    normalized: bool = False,
) -> XyxyPx:
    """Return one box as `xyxy_px`, checked, clipped to the image, in hundredths of a pixel.

    Args:
        numbers: the four numbers.
        bbox_format: one of `TO_XYXY`.
        width_px: width of the upright image.
        height_px: its height.
        normalized: whether the numbers are shares of the image's width and height.

    Returns:
        Left, top, right and bottom in pixels.

    Raises:
        AutolabelError: the format is unknown, or the box is none on this image.
    """
    if bbox_format not in TO_XYXY:
        raise AutolabelError(
            f"no bbox_format {bbox_format!r}.{did_you_mean(bbox_format, TO_XYXY)} "
            "Use xyxy (corners), xywh (top left corner and size) or cxcywh (centre and size)"
        )
    values = _four_numbers(numbers)
    if normalized:
        values = values * np.array([width_px, height_px, width_px, height_px])
    xyxy = TO_XYXY[bbox_format](values)[0]
    _check_corners(xyxy, bbox_format, numbers)
    return _on_image(xyxy, numbers, bbox_format, width_px, height_px)


def _four_numbers(numbers: Sequence[object]) -> Floats:
    try:
        values = np.asarray([float(cast("str | float", number)) for number in numbers])
    except (TypeError, ValueError, OverflowError):
        values = np.empty(0)
    if values.shape != (4,) or not (np.abs(values) < FAR_AWAY).all():
        raise AutolabelError(f"box {numbers!r}; expected four finite numbers")
    return values


def _check_corners(xyxy: Floats, bbox_format: str, numbers: Sequence[object]) -> None:
    width, height = xyxy[2:] - xyxy[:2]
    if width > 0 and height > 0:
        return
    negative = "swapped corners" if bbox_format == "xyxy" else "a negative size"
    what = f"has {negative}" if min(width, height) < 0 else "has no area"
    cure = "give left, top, right, bottom" if bbox_format == "xyxy" else "give a positive size"
    raise AutolabelError(f"box {list(numbers)} ({bbox_format}) {what}; {cure}")


def _on_image(
    xyxy: Floats, numbers: Sequence[object], bbox_format: str, width_px: int, height_px: int
) -> XyxyPx:
    clipped = clip(xyxy, width_px, height_px)
    sides = clipped[0, 2:] - clipped[0, :2]
    outside = 1 - float(np.prod(sides / (xyxy[2:] - xyxy[:2])))
    if outside > MAX_SHARE_OUTSIDE:
        raise AutolabelError(
            f"box {list(numbers)} ({bbox_format}) lies {outside:.0%} outside the image of "
            f"{width_px} × {height_px} px; is the format right (xyxy, xywh, cxcywh), and are these "
            "pixels of this image?"
        )
    if sides.min() < MIN_SIDE_PX:
        raise AutolabelError(
            f"box {list(numbers)} ({bbox_format}) is {sides[0]:.2g} × {sides[1]:.2g} px on the "
            "image; expected a pixel or more on each side (are the numbers normalized?)"
        )
    x1, y1, x2, y2 = np.round(clipped[0], DECIMALS).tolist()
    return x1, y1, x2, y2
