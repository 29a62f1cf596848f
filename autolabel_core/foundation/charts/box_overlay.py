"""Draws boxes on a picture, with class and confidence, in the colour of the class."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from autolabel_core.foundation.charts.fonts import LINE_PX, drawable, font

COLOURS = (
    *("#d1495b", "#2f6fb2", "#1b7f4b", "#b8741a", "#7b4fb5", "#0f8a8a", "#a83279", "#5b6b1f"),
)
_LINE_PX = 2

Place = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels of what is drawn."""


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
        boxes: in its pixels.
        side_px: longer side of what is returned.

    Returns:
        A new picture; names stand above their boxes, or inside where there is no room. Where many
        boxes crowd, the surest keep their names.
    """
    scale = side_px / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    drawn = picture.resize(size, Image.Resampling.LANCZOS).convert("RGB")
    draw = ImageDraw.Draw(drawn)
    for box in sorted(boxes, key=lambda box: box.confidence):
        x1, y1, x2, y2 = _scaled(box, scale)
        corners = (x1, y1, max(x2 - 1, x1), max(y2 - 1, y1))
        draw.rectangle(corners, outline=colour_of(box.class_name), width=_LINE_PX)
    named: list[Place] = []
    for box in sorted(boxes, key=lambda box: -box.confidence):
        words = drawable(f"{box.class_name} {box.confidence:.2f}")
        place = _place_of_name(words, _scaled(box, scale), size[0])
        if not any(_overlap(place, other) for other in named):
            named.append(place)
            draw.rectangle(place, fill=colour_of(box.class_name))
            draw.text((place[0] + 2, place[1]), words, "white", font())
    return drawn


def _scaled(box: Box, scale: float) -> Place:
    x1, y1, x2, y2 = (round(edge * scale) for edge in box.xyxy_px)
    return x1, y1, x2, y2


def _place_of_name(words: str, corners: Place, width_px: int) -> Place:
    x1, y1, _, _ = corners
    wide = int(font().getlength(words)) + 4
    left = max(0, min(x1, width_px - wide))
    top = y1 - LINE_PX if y1 >= LINE_PX else y1
    return left, top, left + wide, top + LINE_PX - 1


def _overlap(one: Place, other: Place) -> bool:
    beside = one[2] < other[0] or other[2] < one[0]
    return not (beside or one[3] < other[1] or other[3] < one[1])


def colour_of(class_name: str) -> str:
    """Return the colour of a class, the same everywhere."""
    digest = hashlib.sha256(class_name.encode("utf-8", "surrogateescape")).digest()
    return COLOURS[digest[0] % len(COLOURS)]
