"""Evidence from verdicts that a precision is reached, valid at whatever verdict one stops.

Somebody who doubts the precision loses money to a gambler who bets on each verdict being right, at
fair odds for the doubter. If the doubt is justified, the gambler's capital hardly ever grows
tenfold, however long the game goes on; if it does grow, the doubt is given up.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

FRACTIONS = (0.4, 0.7, 1.0)
"""Parts of the boldest stake; a third of the capital is bet by each.

The boldest wins soonest where every verdict is right and is ruined by the first wrong one; the
others go on.
"""
TIMID_FRACTIONS = (0.05, 0.1, 0.2)
"""For a doubt that is rarely right: with one in twenty, bold stakes are lost before the first."""

Numbers = npt.NDArray[np.float64]


def log_capital(
    right: npt.ArrayLike,
    population: int,
    precision: float,
    fractions: Sequence[float] = FRACTIONS,
) -> Numbers:
    """The gambler's capital after each verdict, from 1 before the first.

    As long as at most the share `precision` is right, the capital ever reaches c with a chance of
    at most 1 / c: both among the documents that are drawn from, each at most once, and where those
    are a sample themselves.

    Args:
        right: (n,) verdicts in the order of the draw; each document was drawn at random from those
            of the population that were left.
        population: how many documents are drawn from, at least n.
        precision: the share of right labels that is doubted, above 0 and below 1.
        fractions: parts of the boldest stake, each above 0 and at most 1.

    Returns:
        (n + 1,) the natural logarithm of the capital; -inf once everything is lost.

    Raises:
        ValueError: the population is smaller than the sample, or the precision is no share.

    Source: I. Waudby-Smith, A. Ramdas (2024), Estimating means of bounded random variables by
        betting, JRSS B 86, sections 4 and 5; the capital is averaged over fixed fractions.
    """
    verdicts = np.asarray(right, dtype=np.float64).ravel()
    if len(verdicts) > population:
        raise ValueError(f"Expected at most {population} verdicts, found {len(verdicts)}.")
    if not 0.0 < precision < 1.0:
        raise ValueError(f"Expected a precision between 0 and 1, found {precision}.")
    before = np.arange(len(verdicts))
    right_before = np.cumsum(verdicts) - verdicts
    # What is left is right this often at most, if the doubt is justified: as a rule less than
    # `precision` after right verdicts. The greater of the two serves both claims above.
    left = (precision * population - right_before) / (population - before)
    odds = np.maximum(precision, left)[:, None]
    stakes = np.minimum(np.array(fractions) / precision, 1.0 / odds)
    factors = 1.0 + stakes * (verdicts[:, None] - odds)
    with np.errstate(divide="ignore"):
        logs = np.cumsum(np.log(np.maximum(factors, 0.0)), axis=0)
    total = np.logaddexp.reduce(logs, axis=1) - np.log(len(fractions))
    return np.concatenate([[0.0], total])
