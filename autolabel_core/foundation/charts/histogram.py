"""Draws the distribution of confidences with the thresholds.

Every sweep that labels anything draws one, so it is drawn with Pillow alone: to import matplotlib
takes longer than many sweeps.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, repeat
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from autolabel_core.foundation.charts.fonts import drawable, elided, font
from autolabel_core.foundation.charts.png import chart_png
from autolabel_core.foundation.statistics import coverage, quantiles

WIDTH_PX, HEIGHT_PX = 792, 374
_LEFT_PX, _RIGHT_PX, _TOP_PX, _BOTTOM_PX = 70, 24, 36, 58
_LEGEND_PX, _LEGEND_LINE_PX = 210, 17
_MATCHED, _UNMATCHED, _INK, _LINE = "#2f6fb2", "#b9bec5", "#22262b", "#c0392b"
_BELOW, _BACKGROUND = "#6b7077", "#ffffff"
_LABEL_LINES = ("#e67e22", "#1b7f4b", "#7b4fb5", "#111111", "#c2185b", "#00838f")
_UNNAMED = "#8a8f96"
_BINS, _NAME_PX, _MOST_TICKS = 40, 120, 12
_SMALL_PX, _PLAIN_PX, _LARGE_PX = 12, 14, 16
_MARGIN = 0.05

Scores: TypeAlias = "npt.NDArray[np.float64]"


def confidence_histogram(
    confidences: npt.ArrayLike,
    threshold: float,
    per_label: Mapping[str, float] | None = None,
) -> bytes:
    """How the confidences spread around the threshold: what is matched, and what just is not.

    Args:
        confidences: (n,) scores, usually from 0 (nothing alike) to 1 (the same); what is not a
            finite number counts as without a candidate.
        threshold: scores at or above it are matched.
        per_label: thresholds of single labels, drawn as thin lines; the counts are by `threshold`.

    Returns:
        A PNG under 100 KB; without any confidence it says so.
    """
    given = np.asarray(confidences, dtype=np.float64).ravel()
    scores = given[np.isfinite(given)]
    own = per_label or {}
    sheet = Image.new("RGB", (WIDTH_PX, HEIGHT_PX), _BACKGROUND)
    limits = _range(scores, [threshold, *own.values()])
    below, above = _counts(scores, threshold, limits)
    right_px = WIDTH_PX - (_LEGEND_PX if own else _RIGHT_PX)
    axes = _Axes(ImageDraw.Draw(sheet), limits, int((below + above).max()), right_px)
    axes.draw_bars(below, above)
    axes.draw_own_thresholds(own)
    axes.draw_threshold(threshold)
    axes.draw_frame()
    _draw_shares(axes, scores, threshold)
    _draw_axis_names(axes, scores, given.size - scores.size)
    return chart_png(sheet)


def _counts(scores: Scores, threshold: float, limits: tuple[float, float]) -> tuple[Scores, Scores]:
    """Count the scores below the threshold, and those at or above it, in bars of one width."""
    tenths = max(1, round(10 * (limits[1] - limits[0])))
    # Rounded, so that a bar that begins at a threshold begins at the very number.
    edges = np.round(np.linspace(*limits, tenths * max(1, _BINS // tenths) + 1), 9)
    is_above = scores >= threshold
    below, above = (np.histogram(part, edges)[0] for part in (scores[~is_above], scores[is_above]))
    return below.astype(np.float64), above.astype(np.float64)


def _range(scores: Scores, thresholds: list[float]) -> tuple[float, float]:
    """The tenths around scores and thresholds: encoders differ in what they use of 0 to 1."""
    if not scores.size:
        return min(0.0, *thresholds) - _MARGIN, max(1.0, *thresholds) + _MARGIN
    low = math.floor(10 * min(min(thresholds) - _MARGIN, scores.min())) / 10
    high = math.ceil(10 * max(max(thresholds) + _MARGIN, scores.max())) / 10
    return low, high


@dataclass(frozen=True)
class _Axes:
    """The area of the bars, and what is drawn in its coordinates.

    Attributes:
        draw: draws on the sheet.
        limits: the least and the greatest score that are drawn.
        highest: documents of the highest bar.
        right_px: where the area ends on the right.
    """

    draw: ImageDraw.ImageDraw
    limits: tuple[float, float]
    highest: int
    right_px: int

    def x(self, score: float) -> float:
        low, high = self.limits
        return _LEFT_PX + (self.right_px - _LEFT_PX) * (score - low) / (high - low)

    def y(self, documents: float) -> float:
        top = 1.12 * max(self.highest, 1)
        return self._bottom_px - (self._bottom_px - _TOP_PX) * documents / top

    @property
    def _bottom_px(self) -> int:
        return HEIGHT_PX - _BOTTOM_PX

    def text(
        self, place: tuple[float, float], words: str, colour: str, size_px: int, anchor: str
    ) -> None:
        self.draw.text(place, words, colour, font(size_px), anchor=anchor)

    def draw_bars(self, below: Scores, above: Scores) -> None:
        edges = np.round([self.x(score) for score in np.linspace(*self.limits, len(below) + 1)])
        for left, right, grey, blue in zip(
            edges[:-1], edges[1:] - 1, below, below + above, strict=True
        ):
            for low, high, colour in ((0.0, grey, _UNMATCHED), (grey, blue, _MATCHED)):
                if high > low:
                    self.draw.rectangle((left, self.y(high), right, self.y(low)), colour)

    def draw_threshold(self, threshold: float) -> None:
        x = self.x(threshold)
        self.draw.line((x, _TOP_PX, x, self._bottom_px), _LINE, 2)
        to_the_right = threshold < sum(self.limits) / 2
        anchor, aside = ("la", 7) if to_the_right else ("ra", -7)
        place = (x + aside, _TOP_PX + 5)
        words = f"threshold {threshold:.4g}"
        left, top, right, bottom = self.draw.textbbox(place, words, font(_PLAIN_PX), anchor=anchor)
        self.draw.rectangle((left - 2, top - 2, right + 2, bottom + 2), _BACKGROUND)
        self.text(place, words, _LINE, _PLAIN_PX, anchor)

    def draw_own_thresholds(self, per_label: Mapping[str, float]) -> None:
        colours = chain(_LABEL_LINES, repeat(_UNNAMED))
        for value, colour in zip(per_label.values(), colours, strict=False):
            x = self.x(value)
            for y in range(_TOP_PX, self._bottom_px, 5):
                self.draw.line((x, y, x, y + 1), colour, 2)
        if per_label:
            self._draw_legend(per_label)

    def _draw_legend(self, per_label: Mapping[str, float]) -> None:
        left, top = self.right_px + 14, _TOP_PX
        more = len(per_label) - len(_LABEL_LINES)
        title = "own thresholds" if more <= 0 else f"own thresholds (and {more} more)"
        self.text((left, top), title, _INK, _SMALL_PX, "la")
        for colour, (label, value) in zip(_LABEL_LINES, per_label.items(), strict=False):
            top += _LEGEND_LINE_PX
            name = elided(drawable(label), _NAME_PX)
            for x in range(left, left + 20, 5):
                self.draw.line((x, top + 7, x + 1, top + 7), colour, 2)
            self.text((left + 26, top), f"{name}  {value:.3g}", _INK, _SMALL_PX, "la")

    def draw_frame(self) -> None:
        bottom = self._bottom_px
        self.draw.line((_LEFT_PX, _TOP_PX, _LEFT_PX, bottom), _INK, 1)
        self.draw.line((_LEFT_PX, bottom, self.right_px, bottom), _INK, 1)
        for score, words in _score_ticks(*self.limits):
            x = self.x(score)
            self.draw.line((x, bottom, x, bottom + 4), _INK, 1)
            self.text((x, bottom + 7), words, _INK, _PLAIN_PX, "ma")
        for documents in _count_ticks(max(self.highest, 1)):
            y = self.y(documents)
            self.draw.line((_LEFT_PX - 4, y, _LEFT_PX, y), _INK, 1)
            self.text((_LEFT_PX - 7, y), f"{documents:,}", _INK, _PLAIN_PX, "rm")


def _score_ticks(low: float, high: float) -> Iterator[tuple[float, str]]:
    """Yield round scores between two, and how they are written."""
    for step in _round_steps(0.1):
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first <= _MOST_TICKS:
            yield from ((n * step, f"{n * step:.1f}") for n in range(first, last + 1))
            return


def _count_ticks(highest: int) -> range:
    """Return round numbers from 0 to one of documents, six at most."""
    step = next(round(step) for step in _round_steps(1.0) if highest / step <= 5)
    return range(0, highest + 1, step)


def _round_steps(least: float) -> Iterator[float]:
    """Yield 1, 2 and 5 times the powers of ten of a step, without end."""
    while True:
        yield from (least, 2 * least, 5 * least)
        least *= 10


def _draw_shares(axes: _Axes, scores: Scores, threshold: float) -> None:
    above = int(np.count_nonzero(scores >= threshold))
    below = scores.size - above
    for x, anchor, count, words, colour in (
        (_LEFT_PX, "ls", below, "below", _BELOW),
        (axes.right_px, "rs", above, "at or above", _MATCHED),
    ):
        share = f"{count:,} {words} ({100 * coverage(count, scores.size):.0f} %)"
        axes.text((x, _TOP_PX - 10), share, colour, _LARGE_PX, anchor)


def _draw_axis_names(axes: _Axes, scores: Scores, missing: int) -> None:
    name = "documents by confidence"
    middle = (_LEFT_PX + axes.right_px) / 2
    if scores.size:
        name += f"   (median {quantiles(scores, [0.5])[0.5]:.2f})"
    else:
        axes.text((middle, HEIGHT_PX / 2), "no confidences yet", _INK, _LARGE_PX, "mm")
    if missing:
        name += f"   ·   {missing:,} without a candidate, not drawn"
    axes.text((middle, HEIGHT_PX - 8), name, _INK, _PLAIN_PX, "ms")
