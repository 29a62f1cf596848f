"""Images for the demo of detection: real handwritten digits on textured backgrounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from PIL import Image

SIDE_PX = 128
DIGITS_A_SCENE = (3, 6)
DIGIT_PX = (28, 48)
TRIES = 30
INK = 0.25

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scene:
    """One picture and the digits on it.

    Attributes:
        pixels: (128, 128, 3) uint8.
        boxes: class and corners in pixels of each digit, tight around its ink.
    """

    pixels: npt.NDArray[np.uint8]
    boxes: tuple[tuple[str, tuple[float, float, float, float]], ...]

    def image(self) -> Image.Image:
        """Return the picture as Pillow has it."""
        from PIL import Image

        return Image.fromarray(self.pixels)


def draw_scenes(count: int, glyphs: tuple[Floats, npt.NDArray[np.int64]], seed: int) -> list[Scene]:
    """Draw scenes, the same for the same seed.

    Args:
        count: how many.
        glyphs: (n, 8, 8) handwritten digits from 0 (paper) to 1 (ink), and (n,) their digits.
        seed: decides everything.

    Returns:
        The scenes.
    """
    rng = np.random.default_rng(seed)
    return [_scene(glyphs, rng) for _ in range(count)]


def _scene(glyphs: tuple[Floats, npt.NDArray[np.int64]], rng: np.random.Generator) -> Scene:
    canvas = _background(rng)
    taken: list[tuple[float, float, float, float]] = []
    boxes = []
    for _ in range(int(rng.integers(DIGITS_A_SCENE[0], DIGITS_A_SCENE[1] + 1))):
        index = int(rng.integers(len(glyphs[0])))
        ink = _glyph(glyphs[0][index], rng)
        corner = _free_corner(ink.shape, taken, rng)
        if corner is None:
            continue
        box = _paste(canvas, ink, corner, rng)
        taken.append(box)
        boxes.append((str(glyphs[1][index]), box))
    return Scene((canvas.clip(0, 1) * 255).round().astype(np.uint8), tuple(boxes))


def _background(rng: np.random.Generator) -> Floats:
    """Soft colour, waves and grain."""
    from PIL import Image

    coarse = (rng.random((6, 6, 3)) * 255).astype(np.uint8)
    size = (SIDE_PX, SIDE_PX)
    soft = np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)) / 255.0
    y, x = np.mgrid[:SIDE_PX, :SIDE_PX]
    angle, period_px = rng.uniform(0, np.pi), rng.uniform(6, 24)
    waves = np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period_px)[..., None]
    grain = rng.normal(0, 0.05, (SIDE_PX, SIDE_PX, 1))
    tinted = 0.6 * soft.mean(axis=2, keepdims=True) + 0.4 * soft
    return np.asarray(0.25 + 0.5 * tinted + rng.uniform(0, 0.08) * waves + grain)


def _glyph(digit: Floats, rng: np.random.Generator) -> Floats:
    """The digit enlarged and turned a little, cut to its ink."""
    from PIL import Image

    side = int(rng.integers(DIGIT_PX[0], DIGIT_PX[1] + 1))
    drawn = Image.fromarray((digit * 255).round().astype(np.uint8))
    drawn = drawn.resize((side, side), Image.Resampling.BICUBIC)
    turned = drawn.rotate(rng.uniform(-15, 15), Image.Resampling.BICUBIC, expand=True)
    ink = np.asarray(turned) / 255.0
    rows, columns = np.nonzero(ink > INK)
    return np.asarray(ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1])


def _free_corner(
    shape: tuple[int, ...], taken: list[tuple[float, float, float, float]], rng: np.random.Generator
) -> tuple[int, int] | None:
    """Find a place that no other digit has, or none."""
    height, width = shape
    for _ in range(TRIES):
        x, y = int(rng.integers(SIDE_PX - width)), int(rng.integers(SIDE_PX - height))
        if all(x > x2 or x + width < x1 or y > y2 or y + height < y1 for x1, y1, x2, y2 in taken):
            return x, y
    return None


def _paste(
    canvas: Floats, ink: Floats, corner: tuple[int, int], rng: np.random.Generator
) -> tuple[float, float, float, float]:
    """Draw the ink in a colour that stands out from what lies under it."""
    x, y = corner
    height, width = ink.shape
    under = canvas[y : y + height, x : x + width]
    dark = under.mean() > 0.5
    colour = rng.uniform(0.0, 0.2, 3) if dark else rng.uniform(0.8, 1.0, 3)
    under += ink[..., None] * (colour - under)
    return (float(x), float(y), float(x + width), float(y + height))
