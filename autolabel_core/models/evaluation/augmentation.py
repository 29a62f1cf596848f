"""Augmentations of pictures as a camera might see them; training and test seeds never meet.

Each view is a function of its purpose, the seed, the picture's content and its number, whatever
was drawn before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from autolabel_core.models.extractors import Extractor, embed_checked

AREA = (0.6, 1.5)
"""Of the picture, from a crop to one with as much again of what is around it."""
ASPECT = 4 / 3
ROTATION_DEG = 20.0
BRIGHTNESS, CONTRAST, SATURATION, HUE = 0.3, 0.3, 0.3, 0.05
PERSPECTIVE, PERSPECTIVE_SHARE = 0.2, 0.5
BLUR_SHARE, MAX_BLUR = 0.3, 0.01
GREY_SHARE = 0.05
LIGHT = 0.35
SIDE_PX = 224
VERSION = 1
"""Part of what cached views are known by: raise it when views come out differently."""

Array = npt.NDArray[np.float32]
Rng = np.random.Generator


class AugmentationSplit(IntEnum):
    """What views are for; those of one purpose are never those of another."""

    TRAINING = 0
    EARLY_STOPPING = 1
    HELD_OUT = 2
    REFERENCE = 3
    ITSELF = 4
    """The picture as it is, whatever the number."""


def augmentations(
    picture: Image.Image,
    checksum: str,
    purpose: AugmentationSplit,
    numbers: Sequence[int],
    side_px: int,
) -> list[Image.Image]:
    """Return views of one picture.

    Args:
        picture: RGB.
        checksum: of its content, in hexadecimal.
        purpose: views of two purposes differ.
        numbers: which views; the same number gives the same view.
        side_px: their shorter side, at least 8.

    Returns:
        RGB images of about the picture's proportions.
    """
    if purpose is AugmentationSplit.ITSELF:
        return [picture for _ in numbers]
    small = _shrunk(picture, side_px)
    content = int(checksum[:16], 16)
    return [
        augmented(small, np.random.default_rng([VERSION, purpose, content, number]), side_px)
        for number in numbers
    ]


def augmented(picture: Image.Image, rng: Rng, side_px: int) -> Image.Image:
    """Return one view: crop or surroundings, rotation, perspective, colours, light, blur.

    Args:
        picture: RGB.
        rng: decides all of it.
        side_px: the view's shorter side.

    Returns:
        An RGB image; what lies outside the picture is clutter.
    """
    scale = side_px / min(picture.size)
    size = (max(8, round(picture.width * scale)), max(8, round(picture.height * scale)))
    seen = _perspective(size, _corners(picture.size, rng))
    view = _clutter(size, rng)
    view.paste(_seen(picture, size, seen), (0, 0), _seen(_opaque(picture.size), size, seen))
    view = Image.fromarray(_recoloured(view, rng))
    if rng.random() < BLUR_SHARE:
        view = view.filter(
            ImageFilter.GaussianBlur(rng.uniform(0.1 * MAX_BLUR, MAX_BLUR) * side_px)
        )
    return view.convert("L").convert("RGB") if rng.random() < GREY_SHARE else view


def embed_views(
    pictures: Sequence[Image.Image],
    checksums: Sequence[str],
    extractor: Extractor,
    purpose: AugmentationSplit,
    views: int,
) -> Array:
    """Embed so many views of each picture.

    Args:
        pictures: RGB, n of them.
        checksums: of their contents.
        extractor: any image extractor.
        purpose: what the views are for.
        views: how many of each, at least 1.

    Returns:
        Vectors `(n, views, d)`, rows of unit length.
    """
    side_px = view_side_px(extractor)
    drawn: list[Image.Image] = []
    for picture, checksum in zip(pictures, checksums, strict=True):
        drawn += augmentations(picture, checksum, purpose, range(views), side_px)
    return embed_checked(extractor, drawn).reshape(len(pictures), views, -1)


def mean_of_views(vectors: Array) -> Array:
    """Return the direction `(n, d)` of the mean of each picture's views `(n, views, d)`."""
    mean = vectors.mean(axis=1, dtype=np.float64)
    unit: Array = (mean / np.linalg.norm(mean, axis=1, keepdims=True)).astype(np.float32)
    return unit


def view_side_px(extractor: Extractor) -> int:
    """Return the shorter side of views for an extractor: what it looks at, at most `SIDE_PX`."""
    return min(extractor.min_side_px or SIDE_PX, SIDE_PX)


def _shrunk(picture: Image.Image, side_px: int) -> Image.Image:
    """Shrink what is more than twice as large, lest the transformation skips pixels."""
    factor = min(picture.size) // (2 * side_px)
    return picture.reduce(factor) if factor > 1 else picture


def _corners(size_px: tuple[int, int], rng: Rng) -> npt.NDArray[np.float64]:
    """Where the view's corners lie in the picture, (4, 2) in pixels."""
    width, height = size_px
    area, aspect = rng.uniform(*AREA), ASPECT ** rng.uniform(-0.5, 0.5)
    half = np.array([np.sqrt(area * aspect) * width, np.sqrt(area / aspect) * height]) / 2
    slack = np.abs(np.array(size_px) / 2 - half)
    centre = np.array(size_px) / 2 + rng.uniform(-slack, slack)
    square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], dtype=np.float64)
    if rng.random() < PERSPECTIVE_SHARE:
        square -= square * rng.uniform(0, PERSPECTIVE, (4, 2))
    angle = np.radians(rng.uniform(-ROTATION_DEG, ROTATION_DEG))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    corners: npt.NDArray[np.float64] = centre + (square * half) @ turn
    return corners


def _perspective(size_px: tuple[int, int], corners: npt.NDArray[np.float64]) -> list[float]:
    """Solve for the eight numbers by which Pillow maps the view's pixels to the picture's."""
    width, height = size_px
    rows, values = [], []
    for (x, y), (u, v) in zip(
        ((0, 0), (width, 0), (width, height), (0, height)), corners.tolist(), strict=True
    ):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    solved: list[float] = np.linalg.solve(np.array(rows, float), np.array(values)).tolist()
    return solved


def _seen(picture: Image.Image, size: tuple[int, int], perspective: list[float]) -> Image.Image:
    bilinear = Image.Resampling.BILINEAR
    return picture.transform(size, Image.Transform.PERSPECTIVE, perspective, bilinear)


@lru_cache(maxsize=8)
def _opaque(size_px: tuple[int, int]) -> Image.Image:
    return Image.new("L", size_px, 255)


def _clutter(size_px: tuple[int, int], rng: Rng) -> Image.Image:
    """Patches of colour, with hard or with soft edges, as what is behind a picture."""
    patches = rng.integers(0, 256, (*rng.integers(1, 7, 2).tolist(), 3), dtype=np.uint8)
    edges = Image.Resampling.NEAREST if rng.random() < 0.5 else Image.Resampling.BICUBIC
    return Image.fromarray(patches).resize(size_px, edges)


def _recoloured(view: Image.Image, rng: Rng) -> npt.NDArray[np.uint8]:
    """Jitter hue, brightness, contrast and saturation, under light that falls from one side."""
    hue, saturation, value = view.convert("HSV").split()
    shift = round(rng.uniform(-HUE, HUE) * 255)
    turned = hue.point([(level + shift) % 256 for level in range(256)])
    pixels = np.asarray(Image.merge("HSV", (turned, saturation, value)).convert("RGB"), np.float32)
    pixels = pixels * np.float32(rng.uniform(1 - BRIGHTNESS, 1 + BRIGHTNESS))
    pixels = _blended(pixels, pixels.mean(), rng.uniform(1 - CONTRAST, 1 + CONTRAST))
    grey = pixels @ np.array([0.299, 0.587, 0.114], np.float32)
    pixels = _blended(pixels, grey[..., None], rng.uniform(1 - SATURATION, 1 + SATURATION))
    lit: npt.NDArray[np.uint8] = np.clip(pixels * _light(pixels.shape, rng), 0, 255).astype(
        np.uint8
    )
    return lit


def _light(shape: tuple[int, ...], rng: Rng) -> Array:
    """Return factors around 1 that grow towards one side, `(height, width, 1)`."""
    strength, angle = rng.uniform(0, LIGHT), rng.uniform(0, 2 * np.pi)
    down = np.linspace(-1, 1, shape[0], dtype=np.float32) * np.float32(strength * np.sin(angle))
    along = np.linspace(-1, 1, shape[1], dtype=np.float32) * np.float32(strength * np.cos(angle))
    factors: Array = 1 + down[:, None, None] + along[None, :, None]
    return factors


def _blended(pixels: Array, towards: Array | np.float32, share: float) -> Array:
    blended: Array = np.float32(share) * pixels + np.float32(1 - share) * towards
    return blended
