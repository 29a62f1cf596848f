"""Draws how similar the uploads of each day are, and where they changed."""

from __future__ import annotations

from collections.abc import Sequence

from autolabel_core.foundation.charts.fonts import drawable
from autolabel_core.foundation.charts.png import figure_png

_LINE, _CHANGED, _INK = "#2f6fb2", "#f4d6c4", "#22262b"
_MOST_DAYS, _MOST_TICKS = 120, 8


def similarity_by_day(
    days: Sequence[str], medians: Sequence[float], changes: Sequence[tuple[str, str, str]]
) -> bytes:
    """Draw the median similarity of each day, with changes as shaded days.

    Args:
        days: names, in order; of more than 120 the last ones are drawn.
        medians: of each day, from -1 to 1.
        changes: first day, last day and name of each change.

    Returns:
        A PNG under 100 KB; without a day it says so.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 3.0), dpi=110, facecolor="white", layout="constrained")
    axes = figure.add_subplot()
    shown, values = list(days)[-_MOST_DAYS:], list(medians)[-_MOST_DAYS:]
    if not shown:
        axes.text(0.5, 0.5, "no uploads yet", transform=axes.transAxes, ha="center", fontsize=14)
    axes.plot(range(len(shown)), values, color=_LINE, marker="o", markersize=3.5, linewidth=1.4)
    for first, last, name in changes:
        if last not in shown:
            continue
        begin = shown.index(first) if first in shown else 0
        axes.axvspan(begin - 0.5, shown.index(last) + 0.5, color=_CHANGED, zorder=0)
        axes.annotate(
            drawable(name),
            (begin - 0.4, 0.97),
            xycoords=axes.get_xaxis_transform(),
            va="top",
            fontsize=9,
            color=_INK,
        )
    step = max(1, -(-len(shown) // _MOST_TICKS))
    axes.set_xticks(range(0, len(shown), step), [drawable(day) for day in shown[::step]])
    axes.set_ylabel("median similarity", fontsize=9.5, color=_INK)
    axes.tick_params(labelsize=8.5, colors=_INK)
    axes.spines[["top", "right"]].set_visible(False)
    return figure_png(figure)
