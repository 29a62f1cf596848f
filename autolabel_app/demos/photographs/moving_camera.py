"""What a moving camera sees of a photograph: another part of it, in other light, askew."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

SIZE_PX = (300, 200)
SHARE = (0.45, 0.9)
"""Of the photograph's sides that is in view."""
TURN_DEG = 10.0
GAIN, TINT, SLOPE = 0.35, 0.1, 0.3
MAX_BLUR_PX, MAX_NOISE = 1.5, 10.0

Rng = np.random.Generator


def frames(photograph: Image.Image, rngs: Sequence[Rng]) -> Iterator[Image.Image]:
    """Yield what a camera that moves over a photograph sees, 300 × 200 pixels a frame.

    Args:
        photograph: RGB, of at least two pixels a side.
        rngs: one for each frame; decides what is in view, turn, light, blur, noise, compression.

    Yields:
        Image.Image: RGB frames.
    """
    size = np.array(photograph.size)
    margin = int(size.min()) // 2
    edges = ((margin, margin), (margin, margin), (0, 0))
    bordered = Image.fromarray(np.pad(np.asarray(photograph), edges, mode="reflect"))
    for rng in rngs:
        view = _in_view(bordered, size, margin, rng)
        blurred = view.filter(ImageFilter.GaussianBlur(rng.uniform(0, MAX_BLUR_PX)))
        pixels = np.asarray(blurred, np.float32) * _light(rng)
        noise = rng.standard_normal(pixels.shape, np.float32) * np.float32(MAX_NOISE)
        pixels += noise * np.float32(rng.random())
        packed = io.BytesIO()
        seen = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
        seen.save(packed, "JPEG", quality=int(rng.integers(50, 92)))
        yield Image.open(packed).convert("RGB")


def _in_view(
    bordered: Image.Image, size: npt.NDArray[np.int64], margin: int, rng: Rng
) -> Image.Image:
    """Cut a turned window out of a photograph; what lies outside of it mirrors its border."""
    window = np.array(SIZE_PX)
    scale = (size / window).min() * rng.uniform(*SHARE)
    reach = window * scale / 2
    angle = np.radians(rng.uniform(-TURN_DEG, TURN_DEG))
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    corner = rng.uniform(reach, size - reach) - turn @ (window / 2) + margin
    coefficients = (*turn[0], corner[0], *turn[1], corner[1])
    return bordered.transform(
        SIZE_PX, Image.Transform.AFFINE, coefficients, Image.Resampling.BICUBIC
    )


def _light(rng: Rng) -> npt.NDArray[np.float32]:
    """Return uneven light of one tint, `(200, 300, 3)`, around 1."""
    width, height = SIZE_PX
    x, y = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    angle = rng.uniform(0, 2 * np.pi)
    slope = 1 + rng.uniform(0, SLOPE) * (np.cos(angle) * x + np.sin(angle) * y)
    tint = (1 + rng.uniform(-GAIN, GAIN)) * (1 + rng.uniform(-TINT, TINT, 3))
    light: npt.NDArray[np.float32] = (slope[..., None] * tint).astype(np.float32)
    return light
