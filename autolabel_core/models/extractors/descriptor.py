"""The embedded image descriptor: oriented gradients and colour; no weights, nothing fitted.

It lets a fresh machine run the whole loop, and is good for marks, digits and simple pictures;
real photographs want open_clip. Nearest reference, mean of 10 draws: digits .959 with 10 references
a class, 32 × 32 photographs of 10 classes .365 with 20 (class mean .407); 0.4 CPU ms an image.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from autolabel_core.models.extractors.manifest import Manifest

if TYPE_CHECKING:
    from PIL import Image

Array = npt.NDArray[np.float32]

SIDE_PX = 32
SHAPE_CELLS, SHAPE_BINS = 6, 16
EDGE_CELLS, EDGE_BINS = 4, 8
LAYOUT_CELLS = 8
COLOUR_CELLS, COLOUR_BINS = 2, (4, 5, 5)
DIM = (
    SHAPE_CELLS**2 * SHAPE_BINS
    + 2 * EDGE_CELLS**2 * EDGE_BINS
    + 2 * LAYOUT_CELLS**2
    + COLOUR_CELLS**2 * int(np.prod(COLOUR_BINS))
)
# Weights against the shape block, and lengths below which a block fades out instead of being
# stretched to unit length: a grey picture has no colour to compare.
EDGE_WEIGHT, EDGE_FADE = 0.5, 0.3
LAYOUT_WEIGHT, LAYOUT_FADE = 0.4, 0.02
COLOUR_WEIGHT = 0.5
SHAPE_CENTRING, EDGE_CENTRING = 0.8, 0.7
CENTRE_SIGMA = 0.9
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
CHROMA_RANGE = 0.4


class DescriptorExtractor:
    """Embeds images one by one, so a vector is the same bytes whatever its batch."""

    # Four times the side that is used: a JPEG decoded that small still averages over pixels.
    min_side_px: int | None = 4 * SIDE_PX

    def __init__(self, version: str) -> None:
        self.manifest = Manifest(
            feature_extractor_name="image_extractor",
            version=version,
            feature_name="descriptor",
            input="image",
            embedding_dim=DIM,
            description="oriented gradients and colour; no weights",
        )

    def embed(self, batch: Sequence[Image.Image]) -> npt.NDArray[np.float32]:
        """Return descriptors `(n, d)` of RGB images, rows of unit length."""
        vectors = np.empty((len(batch), DIM), dtype=np.float32)
        for row, image in enumerate(batch):
            vectors[row] = describe(image)
        return vectors


def describe(image: Image.Image) -> Array:
    """Return the descriptor of one image: shape, coloured edges, colour layout, colour histogram.

    Histograms of gradients and colours share a large common part, which would make any two images
    similar; most of it is subtracted, so that unrelated images have a cosine near 0.

    Args:
        image: an RGB image of any size; it is squeezed to 32 × 32.

    Returns:
        Vector `(d,)` of unit length.

    Source:
        Dalal and Triggs, Histograms of Oriented Gradients, 2005, with signed orientations; square
        roots after Arandjelović and Zisserman, Three things everyone should know, 2012.
    """
    from PIL import Image

    small = image.resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC, reducing_gap=3.0)
    rgb: Array = np.asarray(small, dtype=np.float32) / np.float32(255)
    opponents = _opponents(rgb)
    grey: Array = rgb @ LUMA
    shape = _gradients(grey, SHAPE_POOL, SHAPE_BINS, SHAPE_CENTRING) * SHAPE_WINDOW
    edges = [_gradients(opponents[k], EDGE_POOL, EDGE_BINS, EDGE_CENTRING) for k in (1, 2)]
    layout = [LAYOUT_POOL @ opponents[k] @ LAYOUT_POOL.T for k in (1, 2)]
    blocks = (
        _scaled(shape),
        _scaled(np.stack(edges), EDGE_FADE) * np.float32(EDGE_WEIGHT),
        _scaled(np.stack(layout), LAYOUT_FADE) * np.float32(LAYOUT_WEIGHT),
        _scaled(_colours(opponents)) * np.float32(COLOUR_WEIGHT),
    )
    return _scaled(np.concatenate([block.ravel() for block in blocks]))


def _opponents(rgb: Array) -> Array:
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    intensity = (red + green + blue) / np.float32(3)
    return np.stack([intensity, red - green, (red + green - 2 * blue) / np.float32(2)])


def _gradients(plane: Array, pool: Array, bins: int, centring: float) -> Array:
    # What `np.pad(plane, 1, mode="edge")` gives, in a tenth of the time.
    padded = plane[_WITH_EDGES[:, None], _WITH_EDGES]
    gx = (padded[1:-1, 2:] - padded[1:-1, :-2]).ravel()
    gy = (padded[2:, 1:-1] - padded[:-2, 1:-1]).ravel()
    strength = np.hypot(gx, gy) / np.float32(2)
    position = np.arctan2(gy, gx) * np.float32(bins / (2 * np.pi)) + np.float32(bins)
    lower = np.floor(position)
    share = position - lower
    first = lower.astype(np.int64) % bins
    maps = np.zeros((SIDE_PX * SIDE_PX, bins), dtype=np.float32)
    maps[_PIXELS, first] = strength * (1 - share)
    maps[_PIXELS, (first + 1) % bins] = strength * share
    return _centred(_pooled(maps, pool), centring)


def _colours(opponents: Array) -> Array:
    half = SIDE_PX // 2
    planes = opponents.reshape(3, half, 2, half, 2).mean(axis=(2, 4)).reshape(3, half * half)
    planes[1:] = (planes[1:] + CHROMA_RANGE) / (2 * CHROMA_RANGE)
    light, red_green, yellow_blue = (
        _soft_bins(plane, bins) for plane, bins in zip(planes, COLOUR_BINS, strict=True)
    )
    chroma = (red_green[:, :, None] * yellow_blue[:, None, :]).reshape(half * half, -1)
    joint = (light[:, :, None] * chroma[:, None, :]).reshape(half * half, -1)
    return _centred(_pooled(joint, COLOUR_POOL), 1.0)


def _soft_bins(values: Array, bins: int) -> Array:
    """Share each value in 0..1 between the two nearest of the bins: `(n, bins)`."""
    position = np.clip(values, 0, 1) * np.float32(bins - 1)
    distance = np.abs(position[:, None] - np.arange(bins, dtype=np.float32))
    return np.maximum(np.float32(0), np.float32(1) - distance)


def _pooled(maps: Array, pool: Array) -> Array:
    """Sum per-pixel histograms `(side², bins)` into overlapping cells `(cells, cells, bins)`."""
    cells, side = pool.shape
    rows = (pool @ maps.reshape(side, -1)).reshape(cells, side, -1)
    pooled: Array = np.matmul(pool, rows)
    return pooled


def _centred(histograms: Array, share: float) -> Array:
    roots: Array = np.sqrt(histograms)
    roots -= np.float32(share) * roots.mean()
    return roots


def _scaled(block: Array, fade: float = 0.0) -> Array:
    length = np.sqrt(np.sum(np.square(block, dtype=np.float64))) + fade
    scaled: Array = (block / max(length, 1e-12)).astype(np.float32)
    return scaled


def _bell_cells(side: int, cells: int, sigma_cells: float) -> Array:
    """Return Gaussian windows `(cells, side)` around evenly spread cell centres, peak 1."""
    centres = (np.arange(cells) + 0.5) * side / cells - 0.5
    offset = (np.arange(side)[None, :] - centres[:, None]) / (side / cells * sigma_cells)
    cells_by_pixel: Array = np.exp(-0.5 * offset**2).astype(np.float32)
    return cells_by_pixel


def _centre_window(cells: int, sigma: float) -> Array:
    offset = (np.arange(cells) - (cells - 1) / 2) / (cells / 2)
    bell = np.exp(-0.5 * (offset / sigma) ** 2)
    window: Array = (bell[:, None] * bell[None, :])[:, :, None].astype(np.float32)
    return window


_PIXELS = np.arange(SIDE_PX * SIDE_PX)
_WITH_EDGES = np.clip(np.arange(-1, SIDE_PX + 1), 0, SIDE_PX - 1)
SHAPE_POOL = _bell_cells(SIDE_PX, SHAPE_CELLS, 0.5)
SHAPE_WINDOW = _centre_window(SHAPE_CELLS, CENTRE_SIGMA)
EDGE_POOL = _bell_cells(SIDE_PX, EDGE_CELLS, 0.5)
COLOUR_POOL = _bell_cells(SIDE_PX // 2, COLOUR_CELLS, 0.5)
LAYOUT_POOL = _bell_cells(SIDE_PX, LAYOUT_CELLS, 0.5)
LAYOUT_POOL /= LAYOUT_POOL.sum(axis=1, keepdims=True)
