"""Draws precision against recall by class, for the candidate and for the version in service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from autolabel_core.foundation.charts.fonts import drawable
from autolabel_core.foundation.charts.palette import PALETTE
from autolabel_core.foundation.charts.png import figure_png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Curves = Mapping[str, Sequence[float]]
_INK, _PALE = "#22262b", "#8a8f96"
_NAME_CHARACTERS = 20
_MEAN = "mean of classes"


def precision_recall(candidate: Curves, active: Curves | None, titles: tuple[str, str]) -> bytes:
    """Draw a line for each class, as many as there are colours, and the mean of all.

    Args:
        candidate: precision at equal steps of recall from 0 to 1, by class.
        active: the same for the version in service, whose mean is drawn; None where there is none.
        titles: what the candidate and the version in service are called.

    Returns:
        A PNG under 100 KB.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 4.2), dpi=110, facecolor="white", layout="constrained")
    axes = figure.add_subplot()
    for colour, (name, curve) in zip(PALETTE, candidate.items(), strict=False):
        _line(axes, curve, _short(name), colour=colour, linewidth=1.1)
    _line(axes, _mean(candidate), f"{_MEAN}, {titles[0]}", colour=_INK, linewidth=2.4)
    if active is not None:
        said = f"{_MEAN}, {titles[1]}"
        _line(axes, _mean(active), said, colour=_PALE, linewidth=2.4, linestyle="--")
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=9, colors=_INK)
    more = len(candidate) - len(PALETTE)
    title = f"classes (and {more} more, not drawn)" if more > 0 else None
    legend = figure.legend(
        loc="outside right upper", fontsize=8, frameon=False, title=title, title_fontsize=8
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
    return figure_png(figure)


def _line(
    axes: Axes,
    curve: Sequence[float],
    name: str,
    colour: str,
    linewidth: float,
    linestyle: str = "-",
) -> None:
    recall = np.linspace(0.0, 1.0, len(curve))
    axes.plot(recall, curve, color=colour, lw=linewidth, ls=linestyle, label=name)


def _mean(curves: Curves) -> Sequence[float]:
    if not curves:
        return [0.0, 0.0]
    return [float(value) for value in np.mean(list(curves.values()), axis=0)]


def _short(name: str) -> str:
    plain = drawable(name)
    return plain if len(plain) <= _NAME_CHARACTERS else plain[: _NAME_CHARACTERS - 1] + "…"
