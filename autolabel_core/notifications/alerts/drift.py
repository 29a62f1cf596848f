"""A two-sample test for drift of confidences, with a stated rate of false alarms.

The documents of a batch arrive by and by, and a test that is repeated at every look alarms far too
often. So a batch is looked at when it has 50 documents, then 100, 200, 400, …, each time at exactly
that many, the first in order of arrival; look k counts for 6 / (π² k²) of the rate, which sums to
all of it. A field with G groups divides the rate by G (Bonferroni).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

FIRST_LOOK = 50
ASYMPTOTIC_FROM = 200
"""From so many documents on the limiting distribution is used: the exact one takes a second."""

FLOATS = npt.NDArray[np.float64]


def look(n: int) -> tuple[int, int]:
    """Return which look a batch of n documents is at, and how many of them are looked at.

    Args:
        n: documents with a confidence.

    Returns:
        The number of the look, from 1 (0: too few yet), and how many documents.
    """
    if n < FIRST_LOOK:
        return 0, 0
    number = int(math.log2(n // FIRST_LOOK)) + 1
    return number, FIRST_LOOK * 2 ** (number - 1)


def drift(
    earlier: FLOATS, later: FLOATS, comparisons: int = 1, by_looks: bool = True
) -> float | None:
    """Return the p-value of the later confidences being drawn as the earlier were.

    Below a rate α without drift at most with probability α, over all looks at the batch and all
    groups together.

    Args:
        earlier: (n,) cosines of the documents before.
        later: (m,) cosines of the documents in question, in the order of arrival.
        comparisons: how many groups are tested.
        by_looks: whether `later` still grows; else all of it is tested, once.

    Returns:
        From 0 (certainly another distribution) to 1; None with fewer than FIRST_LOOK on a side.

    Source: Kolmogorov–Smirnov; the weights of the looks are those of the Basel series.
    """
    from scipy.stats import ks_2samp

    number, size = look(len(later)) if by_looks else (int(len(later) >= FIRST_LOOK), len(later))
    if number == 0 or len(earlier) < FIRST_LOOK:
        return None
    method = "exact" if min(len(earlier), size) < ASYMPTOTIC_FROM else "asymp"
    p = float(ks_2samp(earlier, later[:size], method=method).pvalue)
    return min(1.0, p * number**2 * (math.pi**2 / 6 if by_looks else 1.0) * comparisons)
