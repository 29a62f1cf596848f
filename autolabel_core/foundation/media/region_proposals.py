"""Proposes regions that may hold things, without weights: by contrast to the border, by edges.

A proposal is cheap and knows nothing of things; a detector finds more, and finds it better.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from autolabel_core.foundation.media.boxes import Floats, areas, iou

WORKING_SIDE_PX = 128
DECODED_SIDE_PX = 640
"""Shorter side down to which pictures may be decoded before regions are proposed and cut out."""
VERSION = 1
"""Part of what embedded regions are known by: raise it when other regions are proposed."""
MIN_SIDE_PX = 20
MIN_SHARE, MAX_SHARE, MIN_FILLED = 0.005, 0.9, 0.35
SAME_OVERLAP = 0.6
BORDER_PARTS = 8
CENTRE, WHOLE = (0.10, 0.05, 0.90, 0.95), (0.0, 0.0, 1.0, 1.0)
# Of the largest upright box of that proportion: where a thing is when it is held up to a camera.
HELD_SHARES, HELD_WIDTH = (0.75, 0.55), 0.8

Mask = npt.NDArray[np.bool_]
Grey = npt.NDArray[np.float32]


def propose_regions(image: Image.Image, most: int = 8) -> Floats:
    """Propose where things may be; the same picture gives the same regions.

    Args:
        image: RGB, upright.
        most: how many regions, at least 1.

    Returns:
        Boxes `(n, 4)`, left, top, right, bottom in pixels, 1 to `most` of them: the largest found
        first, then the centre, then the whole picture, then what a hand may hold up.
    """
    small = _shrunk(image)
    height, width = small.shape[:2]
    found = np.concatenate([_boxes(_unlike_border(small)), _boxes(_edges(small))])
    scale = np.array([image.width / width, image.height / height] * 2)
    size = np.array([image.width, image.height] * 2, np.float64)
    regions = large_enough(_distinct(found[np.argsort(-areas(found), kind="stable")]) * scale)
    fixed = np.array([CENTRE, WHOLE]) * size
    held = large_enough(_held(size[:2]))
    kept: Floats = np.concatenate([regions[: max(most - len(fixed), 1)], fixed, held])[:most]
    return kept


def crops(image: Image.Image, xyxy_px: Floats) -> list[Image.Image]:
    """Cut boxes `(n, 4)` in pixels out of a picture, each at least a pixel wide and high."""
    corners = [(int(x), int(y), round(r), round(b)) for x, y, r, b in xyxy_px.tolist()]
    return [image.crop(box) for box in corners]


def _held(size_px: Floats) -> Floats:
    """Return upright boxes around the middle of a picture of this width and height."""
    height = min(size_px[1], size_px[0] / HELD_WIDTH)
    half = np.outer(HELD_SHARES, (height * HELD_WIDTH, height)) / 2
    boxes: Floats = np.hstack([size_px / 2 - half, size_px / 2 + half])
    return boxes


def large_enough(xyxy_px: Floats) -> Floats:
    """Return the boxes whose sides both have `MIN_SIDE_PX`."""
    kept: Floats = xyxy_px[(xyxy_px[:, 2:] - xyxy_px[:, :2] >= MIN_SIDE_PX).all(axis=1)]
    return kept


def _shrunk(image: Image.Image) -> Grey:
    """Return the picture `(height, width, 3)`, 0 to 1, no side above `WORKING_SIDE_PX`."""
    scale = min(1.0, WORKING_SIDE_PX / max(image.size))
    size = max(round(image.width * scale), 1), max(round(image.height * scale), 1)
    return np.asarray(image.resize(size, Image.Resampling.BOX), np.float32) / 255.0


def _unlike_border(picture: Grey) -> Mask:
    """Mark what differs from all that the picture's border shows."""
    border = np.concatenate([picture[0], picture[:, -1], picture[-1], picture[:, 0]])
    colours = np.array(
        [np.median(part, axis=0) for part in np.array_split(border, min(BORDER_PARTS, len(border)))]
    )
    flat = picture.reshape(-1, 3)
    # Squares of distances by their expansion: a product of matrices instead of a large array.
    squares = (flat**2).sum(axis=1)[:, None] - 2 * flat @ colours.T + (colours**2).sum(axis=1)
    distance: Grey = np.sqrt(np.maximum(squares.min(axis=1), 0.0)).reshape(picture.shape[:2])
    return _marked(distance)


def _edges(picture: Grey) -> Mask:
    """Mark where colours change, and what such places enclose."""
    down, right = (np.abs(np.diff(picture, axis=axis)).max(axis=2) for axis in (0, 1))
    return _marked(np.pad(down, ((0, 1), (0, 0))) + np.pad(right, ((0, 0), (0, 1))))


def _marked(strength: Grey) -> Mask:
    from scipy import ndimage

    cross = ndimage.generate_binary_structure(2, 2)
    closed = ndimage.binary_closing(strength > _otsu(strength), cross, iterations=2)
    filled = ndimage.binary_fill_holes(closed)
    marked: Mask = ndimage.binary_opening(filled, cross, iterations=2)
    return marked


def _otsu(values: Grey) -> float:
    """Return the value that parts a histogram into two classes of least variance.

    Source: N. Otsu, A Threshold Selection Method from Gray-Level Histograms, 1979.
    """
    counts, ends = np.histogram(values, bins=64)
    middle = (ends[:-1] + ends[1:]) / 2
    below = np.cumsum(counts)
    total = np.cumsum(counts * middle)
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = total / below - (total[-1] - total) / above
    between = np.nan_to_num(below * above * gap**2, nan=0.0, posinf=0.0)
    return float(ends[int(between.argmax()) + 1])


def _boxes(mask: Mask) -> Floats:
    """Return the boxes of connected parts that are neither specks nor nearly all of it."""
    from scipy import ndimage

    labels, count = ndimage.label(mask)
    filled = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    parts = ndimage.find_objects(labels)
    found = np.array([(x.start, y.start, x.stop, y.stop) for y, x in parts], np.float64)
    found = found.reshape(-1, 4)
    share = areas(found) / mask.size
    dense = filled >= MIN_FILLED * areas(found)
    kept: Floats = found[(share >= MIN_SHARE) & (share <= MAX_SHARE) & dense]
    return kept


def _distinct(boxes: Floats) -> Floats:
    """Drop what an earlier box has nearly the place of."""
    kept: list[int] = []
    overlaps = iou(boxes, boxes)
    for i in range(len(boxes)):
        if not kept or overlaps[i, kept].max() < SAME_OVERLAP:
            kept.append(i)
    return boxes[kept]
