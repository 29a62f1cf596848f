"""Draws the distribution of confidences with the thresholds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import chain, repeat
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from autolabel_core.foundation.charts.fonts import drawable
from autolabel_core.foundation.charts.png import figure_png
from autolabel_core.foundation.statistics import coverage, quantiles

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MATCHED, _UNMATCHED, _INK, _LINE = "#2f6fb2", "#b9bec5", "#22262b", "#c0392b"
_LABEL_LINES = ("#e67e22", "#1b7f4b", "#7b4fb5", "#111111", "#c2185b", "#00838f")
_UNNAMED = "#8a8f96"
_BINS, _NAME_CHARACTERS = 40, 24
_MARGIN = 0.05


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
    from matplotlib.figure import Figure

    given = np.asarray(confidences, dtype=np.float64).ravel()
    scores = given[np.isfinite(given)]
    figure = Figure(figsize=(7.2, 3.4), dpi=110, facecolor="white", layout="constrained")
    axes = figure.add_subplot()
    own = per_label or {}
    _draw_bars(axes, scores, threshold, _range(scores, [threshold, *own.values()]))
    _draw_thresholds(figure, axes, threshold, own)
    _draw_counts(axes, scores, threshold)
    _draw_axis_names(axes, scores, given.size - scores.size)
    return figure_png(figure)


def _draw_bars(
    axes: Axes, scores: npt.NDArray[np.float64], threshold: float, limits: tuple[float, float]
) -> None:
    tenths = max(1, round(10 * (limits[1] - limits[0])))
    # Rounded, so that a bar that begins at a threshold begins at the very number.
    edges = np.round(np.linspace(*limits, tenths * max(1, _BINS // tenths) + 1), 9)
    parts = [scores[scores < threshold], scores[scores >= threshold]]
    axes.hist(parts, bins=edges.tolist(), stacked=True, color=[_UNMATCHED, _MATCHED])
    axes.set_xlim(*limits)


def _range(scores: npt.NDArray[np.float64], thresholds: list[float]) -> tuple[float, float]:
    """The tenths around scores and thresholds: encoders differ in what they use of 0 to 1."""
    if not scores.size:
        return min(0.0, *thresholds) - _MARGIN, max(1.0, *thresholds) + _MARGIN
    low = math.floor(10 * min(min(thresholds) - _MARGIN, scores.min())) / 10
    high = math.ceil(10 * max(max(thresholds) + _MARGIN, scores.max())) / 10
    return low, high


def _draw_thresholds(
    figure: Figure, axes: Axes, threshold: float, per_label: Mapping[str, float]
) -> None:
    axes.set_ylim(0, max(axes.get_ylim()[1], 1.0) * 1.12)
    axes.axvline(threshold, color=_LINE, linewidth=1.8)
    low, high = axes.get_xlim()
    to_the_right = threshold < (low + high) / 2
    axes.annotate(
        f"threshold {threshold:.4g}",
        (threshold, 1.0),
        xycoords=axes.get_xaxis_transform(),
        xytext=(5 if to_the_right else -5, -5),
        textcoords="offset points",
        ha="left" if to_the_right else "right",
        va="top",
        color=_LINE,
        fontsize=9.5,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5, "alpha": 0.85},
    )
    colours = chain(_LABEL_LINES, repeat(_UNNAMED))
    lines = [
        axes.axvline(value, color=colour, linewidth=1.4, linestyle=":")
        for value, colour in zip(per_label.values(), colours, strict=False)
    ]
    names = [f"{_short(label)}  {value:.3g}" for label, value in per_label.items()]
    if names:
        more = len(names) - len(_LABEL_LINES)
        legend = figure.legend(
            lines[: len(_LABEL_LINES)],
            names[: len(_LABEL_LINES)],
            loc="outside right upper",
            title="own thresholds" if more <= 0 else f"own thresholds (and {more} more)",
            fontsize=8,
            title_fontsize=8.5,
            frameon=False,
        )
        for text in legend.get_texts():
            text.set_parse_math(False)


def _draw_counts(axes: Axes, scores: npt.NDArray[np.float64], threshold: float) -> None:
    above = int(np.count_nonzero(scores >= threshold))
    below = scores.size - above
    for x, side, count, words, colour in (
        (0.0, "left", below, "below", "#6b7077"),
        (1.0, "right", above, "at or above", _MATCHED),
    ):
        share = f"{count:,} {words} ({100 * coverage(count, scores.size):.0f} %)"
        axes.text(x, 1.025, share, transform=axes.transAxes, ha=side, color=colour, fontsize=11)


def _draw_axis_names(axes: Axes, scores: npt.NDArray[np.float64], missing: int) -> None:
    from matplotlib.ticker import MaxNLocator

    name = "confidence"
    if scores.size:
        name += f"   (median {quantiles(scores, [0.5])[0.5]:.2f})"
    else:
        axes.text(
            0.5, 0.5, "no confidences yet", transform=axes.transAxes, ha="center", fontsize=14
        )
    if missing:
        name += f"   ·   {missing:,} without a candidate, not drawn"
    axes.set_xlabel(name, fontsize=9.5, color=_INK)
    axes.set_ylabel("documents", fontsize=9.5, color=_INK)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.tick_params(labelsize=9, colors=_INK)
    axes.spines[["top", "right"]].set_visible(False)


def _short(label: str) -> str:
    plain = drawable(label)
    return plain if len(plain) <= _NAME_CHARACTERS else plain[: _NAME_CHARACTERS - 1] + "…"
