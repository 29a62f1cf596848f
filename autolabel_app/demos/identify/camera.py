"""Simulates a camera: a card held askew before clutter, in uneven light, blurred and noisy.

Nothing here is shared with the augmented views that heads are trained on.
"""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

SIDE_PX = 288
TILT, TURN_DEG, SLACK = 0.12, 15.0, 0.1

Rng = np.random.Generator


def photograph(card: Image.Image, rng: Rng) -> Image.Image:
    """Return the region around a card that a finder of regions would cut from a frame.

    Args:
        card: RGB.
        rng: decides pose, clutter, light, blur, noise and compression.

    Returns:
        An RGB image, about as much higher than wide as the card; the card fills most of it.
    """
    size = (round(SIDE_PX * card.width / card.height), SIDE_PX)
    scene = _clutter(size, rng)
    posed, mask = _posed(card, size, rng)
    scene.paste(posed, (0, 0), mask)
    scene = scene.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.8)))
    pixels = np.asarray(scene, np.float32) * _light(size, rng)
    pixels += rng.normal(0, rng.uniform(2, 9), pixels.shape).astype(np.float32)
    shot = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    packed = io.BytesIO()
    shot.save(packed, "JPEG", quality=int(rng.integers(45, 90)))
    return Image.open(packed).convert("RGB")


def _clutter(size: tuple[int, int], rng: Rng) -> Image.Image:
    scene = Image.new("RGB", size, tuple(rng.integers(20, 235, 3).tolist()))
    draw = ImageDraw.Draw(scene)
    for _ in range(14):
        (x0, x1), (y0, y1) = (sorted(rng.integers(-40, side + 40, 2).tolist()) for side in size)
        shape = draw.ellipse if rng.random() < 0.5 else draw.rectangle
        shape((x0, y0, x1, y1), tuple(rng.integers(0, 256, 3).tolist()))
    return scene


def _posed(card: Image.Image, size: tuple[int, int], rng: Rng) -> tuple[Image.Image, Image.Image]:
    """Return the card in perspective on a transparent scene: colours and mask."""
    half = np.array(size) / 2
    square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], dtype=np.float64)
    square *= rng.uniform(0.8, 1.02) * (1 + rng.uniform(-TILT, TILT, (4, 2)))
    angle = np.radians(rng.uniform(-TURN_DEG, TURN_DEG))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    corners = (square * half) @ turn + half * (1 + rng.uniform(-SLACK, SLACK, 2))
    coefficients = _towards(corners, card.size)
    rgba = card.convert("RGBA")
    warped = rgba.transform(
        size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BICUBIC
    )
    return warped.convert("RGB"), warped.getchannel("A")


def _towards(corners: npt.NDArray[np.float64], size: tuple[int, int]) -> list[float]:
    """Solve for the perspective that takes these corners of the scene to those of the card."""
    width, height = size
    rows, values = [], []
    for (x, y), (u, v) in zip(
        corners.tolist(), ((0, 0), (width, 0), (width, height), (0, height)), strict=True
    ):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    solved: list[float] = np.linalg.solve(np.array(rows), np.array(values)).tolist()
    return solved


def _light(size: tuple[int, int], rng: Rng) -> npt.NDArray[np.float32]:
    """Uneven light of one tint, (height, width, 3), around 1."""
    width, height = size
    x, y = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    angle = rng.uniform(0, 2 * np.pi)
    slope = 1 + rng.uniform(0, 0.35) * (np.cos(angle) * x + np.sin(angle) * y)
    tint = rng.uniform(0.65, 1.25) * (1 + rng.uniform(-0.1, 0.1, 3))
    light: npt.NDArray[np.float32] = (slope[..., None] * tint).astype(np.float32)
    return light
