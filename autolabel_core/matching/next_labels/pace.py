"""How long a person takes for a label, from the moments at which labels were given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np

FEWEST_DECISIONS = 10
SHORTEST_S, LONGEST_S = 0.2, 120.0
"""Less time between two labels of one name is a program's, and more is a pause."""
MIDDLE_HALF = (0.25, 0.75)


@dataclass(frozen=True)
class LabelPace:
    """Seconds for a decision.

    Attributes:
        seconds: the median, from SHORTEST_S to LONGEST_S.
        low: a quarter of the decisions took less.
        high: a quarter took longer.
        decisions: that this was measured on, at least FEWEST_DECISIONS.
    """

    seconds: float
    low: float
    high: float
    decisions: int

    def duration(self, decisions: int) -> str:
        """Say how long so many decisions take: the median, and the middle half."""
        minutes = [decisions * seconds / 60 for seconds in (self.seconds, self.low, self.high)]
        about, low, high = (f"{value:.0f}" if value >= 10 else f"{value:.1f}" for value in minutes)
        return f"about {about} minutes ({low} to {high})"


def pace_of(given: Iterable[tuple[str, str]]) -> LabelPace | None:
    """Measure how fast people decide.

    Several labels of one moment are a list, or a selection; how long it took to make says nothing
    of a single label, so that only time between labels given one by one counts.

    Args:
        given: who gave a label, and when (ISO 8601), in the order of time.

    Returns:
        The pace over all people; None where too few labels were given one by one.
    """
    labels = Counter(given)
    last: dict[str, tuple[str, str]] = {}
    seconds = []
    for moment in labels:
        before = last.get(moment[0])
        last[moment[0]] = moment
        if before is not None and labels[moment] == labels[before] == 1:
            gap = datetime.fromisoformat(moment[1]) - datetime.fromisoformat(before[1])
            seconds.append(gap.total_seconds())
    decisions = [gap for gap in seconds if SHORTEST_S <= gap <= LONGEST_S]
    if len(decisions) < FEWEST_DECISIONS:
        return None
    low, middle, high = np.quantile(decisions, [MIDDLE_HALF[0], 0.5, MIDDLE_HALF[1]])
    return LabelPace(float(middle), float(low), float(high), len(decisions))
