"""Bets on other shares of labels, by gamblers who learn the shares as they go."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

STRENGTHS = (0.5, 2.0, 8.0, 32.0)
"""How firmly each gambler holds on to the shares of before, as documents of each label; the capital
is shared among them: the first learns great changes soon, the last small ones from many."""

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ShareBets:
    """Counts of ranks in cells of the range from 0 to 1, whose sizes were fixed beforehand.

    Attributes:
        sums: (p + 1, c) ranks in each cell, over all parts before each.
        sizes: (c,) of the cells; they add up to 1.
    """

    sums: Counts
    sizes: Floats

    @classmethod
    def on(cls, ranks: Floats, part: Counts, parts: int, labels_before: Counts) -> ShareBets:
        """Cut the range as the labels before did, and count.

        Args:
            ranks: (n,) of the codes of labels among those before, from 0 to 1.
            part: (n,) part of each, from 0.
            parts: how many there are, p.
            labels_before: (l,) how many documents each label had, by code.

        Returns:
            The bets.
        """
        smoothed = labels_before + 0.5
        sizes = smoothed / smoothed.sum()
        cell = np.searchsorted(np.cumsum(sizes)[:-1], ranks)
        counts = np.zeros((parts + 1, len(sizes)), np.int64)
        np.add.at(counts, (part + 1, cell), 1)
        return cls(np.cumsum(counts, axis=0), sizes)

    def log_capitals(self, begin: Counts, end: int) -> Floats:
        """Return the capital of each gambler, as a logarithm.

        As long as nothing changes a cell is hit as often as it is large, and the game is fair: the
        capital is the likelihood of the hits under a Dirichlet prior over that under the sizes.

        Args:
            begin: (s,) parts that games begin with.
            end: the last part of all games.

        Returns:
            (s, strengths).

        Source: V. Fedorova, A. Gammerman, I. Nouretdinov, V. Vovk (2012), Plug-in martingales for
            testing exchangeability on-line, ICML; with a Dirichlet prior for the betting density.
        """
        from scipy.special import gammaln

        counts = self.sums[end + 1] - self.sums[begin]
        prior = np.outer(STRENGTHS, self.sizes * len(self.sizes))
        learned = (gammaln(counts[:, None, :] + prior) - gammaln(prior)).sum(axis=2)
        total, strength = counts.sum(axis=1)[:, None], prior.sum(axis=1)
        known = (counts @ np.log(self.sizes))[:, None]
        return np.asarray(learned + gammaln(strength) - gammaln(total + strength) - known)
