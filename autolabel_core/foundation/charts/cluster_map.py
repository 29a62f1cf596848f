"""Draws the map of a run: a dot for each document, coloured by cluster, with names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from autolabel_core.foundation.charts.fonts import LINE_PX, drawable, elided, font
from autolabel_core.foundation.charts.label_placement import Point, placed_names
from autolabel_core.foundation.charts.palette import NOISE_COLOUR, cluster_colours
from autolabel_core.foundation.charts.png import MAX_PNG_BYTES, png_of

WIDTH_PX, HEIGHT_PX, MARGIN_PX, FOOT_PX = 980, 640, 26, 22
SHARPNESS = 2  # drawn so many times larger, for smooth dots
_INK, _PALE, _BACKGROUND = "#22262b", "#6b7077", "#ffffff"
_NAME_PX = 190
_RADII_PX = (1.3, 4.5)
_LEADER_PX = 24.0

Coordinates = npt.NDArray[np.float64]


def cluster_map(
    coordinates: npt.NDArray[np.float32],
    assigned: npt.NDArray[np.int32],
    names: Sequence[str],
) -> bytes:
    """The documents on a map: clusters in colours, noise in grey behind them, names at the middle.

    Args:
        coordinates: `(n, 2)`, or `(n, 3)`: the third is shown as the size of the dots; rows that
            are not finite are left out.
        assigned: `(n,)` index into `names`, -1 for noise.
        names: one for each cluster.

    Returns:
        A PNG under 100 KB, the same bytes for the same input.
    """
    known = np.isfinite(coordinates).all(axis=1)
    drawing = _Drawing(coordinates[known].astype(np.float64), assigned[known], names)
    picture = drawing.picture()
    found = (png_of(picture, colours) for colours in (200, 96, 48, 24, 16))
    return next(png for png in found if len(png) < MAX_PNG_BYTES)


def dot_scales(third: Coordinates) -> Coordinates:
    """Return the size of dots by their third coordinate: 0.5 at the low end, 2 at the high end.

    Args:
        third: `(n,)`; the ends are the 2nd and the 98th percentile, so no outlier rules the scale.

    Returns:
        `(n,)` factors of the radius.
    """
    low, high = np.percentile(third, [2, 98]) if len(third) else (0.0, 1.0)
    share = np.clip((third - low) / max(high - low, 1e-12), 0.0, 1.0)
    scales: Coordinates = 0.5 + 1.5 * share if high > low else np.ones_like(share)
    return scales


@dataclass
class _Drawing:
    coordinates: Coordinates
    assigned: npt.NDArray[np.int32]
    names: Sequence[str]

    def picture(self) -> Image.Image:
        large = (WIDTH_PX * SHARPNESS, (HEIGHT_PX + FOOT_PX) * SHARPNESS)
        sheet = Image.new("RGB", large, _BACKGROUND)
        places = self._pixels()
        shown = [i for i in range(len(self.names)) if np.any(self.assigned == i)]
        centres = np.array([np.median(places[self.assigned == i], axis=0) for i in shown])
        centres = centres.reshape(-1, 2)
        sizes = np.array([np.count_nonzero(self.assigned == i) for i in shown], dtype=np.int64)
        colours = dict(zip(shown, cluster_colours(centres, sizes), strict=True))
        self._dots(ImageDraw.Draw(sheet), places, {**colours, -1: NOISE_COLOUR})
        sheet = sheet.resize((WIDTH_PX, HEIGHT_PX + FOOT_PX), Image.Resampling.BOX)
        order = np.argsort(-sizes, kind="stable")
        named = [self.names[shown[i]] for i in order]
        reach = [
            np.abs(places[self.assigned == i] - c).max()
            for i, c in zip(shown, centres, strict=True)
        ]
        lift = np.where(np.array(reach) < LINE_PX, LINE_PX, 0.0)
        anchors = [(float(centres[i][0]), float(centres[i][1] - lift[i])) for i in order]
        left_out = _draw_names(sheet, anchors, named)
        self._foot(ImageDraw.Draw(sheet), len(shown), left_out)
        return sheet

    def _pixels(self) -> Coordinates:
        """Pixels of the dots, both axes on one scale, so that distances mean the same on each."""
        flat = self.coordinates[:, :2]
        if not len(flat):
            return flat
        low, high = flat.min(axis=0), flat.max(axis=0)
        room = np.array([WIDTH_PX, HEIGHT_PX]) - 2 * MARGIN_PX
        scale = float((room / np.maximum(high - low, 1e-12)).min())
        middle = np.array([WIDTH_PX, HEIGHT_PX]) / 2
        placed: Coordinates = (flat - (low + high) / 2) * [scale, -scale] + middle
        return placed

    def _dots(
        self, draw: ImageDraw.ImageDraw, places: Coordinates, colours: dict[int, str]
    ) -> None:
        n = len(places)
        radius = float(np.clip(110.0 / np.sqrt(max(n, 1)), *_RADII_PX))
        third = self.coordinates[:, 2] if self.coordinates.shape[1] > 2 else None
        radii = np.full(n, radius) if third is None else radius * dot_scales(third)
        # Noise first and so behind; of the others the large dots first.
        order = np.lexsort((np.arange(n), -radii, self.assigned >= 0))
        for row in order:
            x, y = places[row] * SHARPNESS
            r = radii[row] * SHARPNESS
            draw.ellipse((x - r, y - r, x + r, y + r), colours.get(int(self.assigned[row])))

    def _foot(self, draw: ImageDraw.ImageDraw, clusters: int, left_out: int) -> None:
        noise = int(np.count_nonzero(self.assigned < 0))
        words = f"{len(self.assigned):,} documents in {clusters:,} clusters, {noise:,} noise (grey)"
        words += "; larger dots lie higher" if self.coordinates.shape[1] > 2 else ""
        words += f"; {left_out:,} names not shown" if left_out else ""
        draw.text((MARGIN_PX, HEIGHT_PX), words, _PALE, font())


def _draw_names(sheet: Image.Image, anchors: Sequence[Point], names: Sequence[str]) -> int:
    """Write the names that have room; return how many have none."""
    draw = ImageDraw.Draw(sheet)
    lines = [elided(drawable(name), _NAME_PX) for name in names]
    sizes = [(font().getlength(line) + 4.0, LINE_PX + 2.0) for line in lines]
    places = placed_names(anchors, sizes, WIDTH_PX, HEIGHT_PX)
    for anchor, place in zip(anchors, places, strict=True):
        if place is not None and np.hypot(*np.subtract(anchor, place)) > _LEADER_PX:
            draw.line((*anchor, *place), _INK, 1)
    for line, place in zip(lines, places, strict=True):
        if place is not None:
            draw.text(
                place, line, _INK, font(), anchor="mm", stroke_width=3, stroke_fill=_BACKGROUND
            )
    return sum(place is None for place in places)
