"""A detector whose boxes can be read off the image; `conftest.py` installs it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from autolabel_core.models.detectors import Detections, DetectorManifest, DetectorSettings

CHANNELS = ("red", "green", "blue")


@dataclass(frozen=True)
class BlockDetector:
    """Each connected block of one pure colour is a box; the brighter, the more confident.

    A block of (200, 0, 0) is `red` with 200 / 255. `shift_px` moves every box to the right, which
    makes another version see the same blocks elsewhere; weights that hold a number move it further.
    """

    version: str
    settings: DetectorSettings
    shift_px: float = 0.0
    needs_weights: bool = False

    @property
    def manifest(self) -> DetectorManifest:
        return DetectorManifest("block_detector", self.version, needs_weights=self.needs_weights)

    def detect(self, images: Sequence[Image.Image]) -> list[Detections]:
        return [self._blocks(np.asarray(image, np.int64)) for image in images]

    def _blocks(self, pixels: np.ndarray) -> Detections:
        boxes, confidence, names = [], [], []
        for channel, name in enumerate(CHANNELS):
            is_pure = (pixels[..., channel] > 0) & (pixels.sum(axis=2) == pixels[..., channel])
            areas, _ = ndimage.label(is_pure)
            for rows, columns in ndimage.find_objects(areas):
                x1, x2 = columns.start + self.shift_px, columns.stop + self.shift_px
                boxes.append((x1, rows.start, x2, rows.stop))
                confidence.append(pixels[rows, columns, channel].max() / 255)
                names.append(name)
        return Detections(np.array(boxes).reshape(-1, 4), np.array(confidence), tuple(names))


def block_detector(
    version: str,
    settings: DetectorSettings,
    *,
    shift_px: float = 0.0,
    needs_weights: bool = False,
) -> BlockDetector:
    return BlockDetector(version, settings, shift_px + _held_by(settings.weights), needs_weights)


def _held_by(weights: Path | str | None) -> float:
    try:
        return float(Path(weights).read_text())
    except (OSError, TypeError, ValueError):
        return 0.0


def scene(*blocks: tuple[int, int, int, int, tuple[int, int, int]], size=(64, 48)) -> bytes:
    """A black PNG with blocks: left, top, right (exclusive), bottom (exclusive) and colour."""
    image = Image.new("RGB", size, (0, 0, 0))
    draw = ImageDraw.Draw(image)
    for left, top, right, bottom, colour in blocks:
        draw.rectangle((left, top, right - 1, bottom - 1), fill=colour)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
