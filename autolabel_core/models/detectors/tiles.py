"""Splits large images into overlapping tiles, and merges the detections of the tiles."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from PIL import Image

from autolabel_core.foundation.media.boxes import Floats, areas, as_boxes
from autolabel_core.models.detectors.detections import Detections


def tiles_px(
    width_px: int, height_px: int, size_px: int, overlap: float
) -> list[tuple[int, int, int, int]]:
    """Return the squares of an image as left, top, right and bottom, row by row.

    Args:
        width_px: of the image.
        height_px: of the image.
        size_px: side of a square; a side of the image that is shorter stays whole.
        overlap: share of a side that neighbours have in common, at least; from 0 to below 1.

    Returns:
        Squares that cover every pixel, evenly spread; one where the image fits into it.
    """
    lefts, tops = (_starts(side, size_px, overlap) for side in (width_px, height_px))
    across, down = min(size_px, width_px), min(size_px, height_px)
    return [(x, y, x + across, y + down) for y in tops for x in lefts]


def _starts(length: int, size: int, overlap: float) -> list[int]:
    if length <= size:
        return [0]
    step = max(1, math.floor(size * (1 - overlap)))
    count = math.ceil((length - size) / step) + 1
    return [round(i * (length - size) / (count - 1)) for i in range(count)]


def cut(image: Image.Image, tiles: list[tuple[int, int, int, int]]) -> list[Image.Image]:
    """Return the image itself and then its squares; the image alone where one square is all."""
    return [image, *(image.crop(tile) for tile in tiles)] if len(tiles) > 1 else [image]


def shifted(detections: Detections, left_px: int, top_px: int) -> Detections:
    """Return the detections of a square in pixels of the image."""
    moved = as_boxes(detections.xyxy_px) + np.array([left_px, top_px, left_px, top_px], np.float64)
    return Detections(moved, detections.confidence, detections.class_names)


def merged(detections: Detections, part: npt.NDArray[np.int64], threshold: float) -> Detections:
    """Return one detection for each object that several squares, or the whole image, saw.

    The most confident detection comes first and takes in those of its class from other squares of
    which it covers the share `threshold`, or which cover that share of it: a half that one square
    saw lies within the whole that another saw. The box is then the smallest around all of them.

    Args:
        detections: detections in pixels of the image, n of them.
        part: (n,) which square each comes from; those of one square are left apart.
        threshold: share of the smaller of two boxes, from 0 to 1.

    Returns:
        The merged detections, the most confident first.
    """
    order = np.argsort(-detections.confidence, kind="stable").tolist()
    shares = _share_of_smaller(detections.xyxy_px)
    boxes, taken, kept = detections.xyxy_px.copy(), set[int](), []
    for i in order:
        if i in taken:
            continue
        group = [
            j
            for j in order
            if j not in taken
            and (j == i or part[j] != part[i])
            and detections.class_names[j] == detections.class_names[i]
            and (j == i or shares[i, j] >= max(threshold, 1e-9))
        ]
        taken.update(group)
        boxes[i] = [
            *detections.xyxy_px[group, :2].min(axis=0),
            *detections.xyxy_px[group, 2:].max(axis=0),
        ]
        kept.append(i)
    return Detections(boxes, detections.confidence, detections.class_names).only(
        np.array(kept, np.int64)
    )


def _share_of_smaller(xyxy_px: Floats) -> Floats:
    """(n, n) intersection over the smaller area."""
    boxes = as_boxes(xyxy_px)
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0.0), axis=2)
    smaller = np.minimum(areas(boxes)[:, None], areas(boxes)[None, :])
    return np.asarray(np.divide(shared, smaller, out=np.zeros_like(shared), where=smaller > 0))
