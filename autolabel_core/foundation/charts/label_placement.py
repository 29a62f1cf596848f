"""Places names on a map: near what they name, without overlap, within the picture."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

Point = tuple[float, float]
Box = tuple[float, float, float, float]

RINGS, STEPS, RING_PX = 7, 16, 11.0


def placed_names(
    anchors: Sequence[Point], sizes: Sequence[Point], width: float, height: float, gap: float = 3.0
) -> list[Point | None]:
    """Return the middle of each name; the first ones have their way.

    Args:
        anchors: `(x, y)` that each name belongs to, most important first.
        sizes: width and height of each name.
        width: of the picture; names stay within.
        height: likewise.
        gap: that is left between names.

    Returns:
        `(x, y)`, or None where there is no room near the anchor.
    """
    taken: list[Box] = []
    places: list[Point | None] = []
    for anchor, (w, h) in zip(anchors, sizes, strict=True):
        found = None
        for x, y in _around(anchor):
            box = (x - w / 2 - gap, y - h / 2 - gap, x + w / 2 + gap, y + h / 2 + gap)
            inside = box[0] >= 0 and box[1] >= 0 and box[2] <= width and box[3] <= height
            if inside and not any(overlap(box, other) for other in taken):
                taken.append(box)
                found = (x, y)
                break
        places.append(found)
    return places


def overlap(one: Box, other: Box) -> bool:
    """Whether two boxes `(left, top, right, bottom)` share an area."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _around(anchor: Point) -> Iterator[Point]:
    """The anchor itself, then rings around it; wider than high, as names are."""
    yield anchor
    for ring in range(1, RINGS + 1):
        for step in range(STEPS):
            angle = 2 * math.pi * step / STEPS - math.pi / 2
            far = ring * RING_PX
            yield anchor[0] + 1.8 * far * math.cos(angle), anchor[1] + far * math.sin(angle)
