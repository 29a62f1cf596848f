"""Boxes drawn on a picture, each with its class and confidence, in the colour of its class."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from autolabel_core.pictures.lettering import LINE_PX, drawable, font

COLOURS = (
    *("#d1495b", "#2f6fb2", "#1b7f4b", "#b8741a", "#7b4fb5", "#0f8a8a", "#a83279", "#5b6b1f"),
)
_LINE_PX = 2


@dataclass(frozen=True)
class Box:
    """A box in pixels of the picture, its class and its confidence, from 0 to 1."""

    xyxy_px: Sequence[float]
    class_name: str
    confidence: float


def with_boxes(picture: Image.Image, boxes: Sequence[Box], side_px: int) -> Image.Image:
    """Return a picture of another size with boxes on it.

    Args:
        picture: RGB.
        boxes: in its pixels; the surest is drawn last.
        side_px: longer side of what is returned.

    Returns:
        A new picture; names stand above their boxes, or inside where there is no room.
    """
    scale = side_px / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    drawn = picture.resize(size, Image.Resampling.LANCZOS).convert("RGB")
    draw = ImageDraw.Draw(drawn)
    for box in sorted(boxes, key=lambda box: box.confidence):
        _draw(draw, box, scale, size)
    return drawn


def _draw(draw: ImageDraw.ImageDraw, box: Box, scale: float, size: tuple[int, int]) -> None:
    x1, y1, x2, y2 = (round(edge * scale) for edge in box.xyxy_px)
    colour = colour_of(box.class_name)
    draw.rectangle((x1, y1, max(x2 - 1, x1), max(y2 - 1, y1)), outline=colour, width=_LINE_PX)
    words = drawable(f"{box.class_name} {box.confidence:.2f}")
    width_px = int(font().getlength(words)) + 4
    left = max(0, min(x1, size[0] - width_px))
    top = y1 - LINE_PX if y1 >= LINE_PX else y1
    draw.rectangle((left, top, left + width_px, top + LINE_PX - 1), fill=colour)
    draw.text((left + 2, top), words, "white", font())


def colour_of(class_name: str) -> str:
    """Return the colour of a class, the same everywhere."""
    digest = hashlib.sha256(class_name.encode("utf-8", "surrogateescape")).digest()
    return COLOURS[digest[0] % len(COLOURS)]
