"""Ranks of values among those before them, which tell nothing as long as nothing changes.

Were all values drawn from the same source, every order of them would be as likely, and the rank of
each among those before it would be as if drawn by lot: between 0 and 1, and independent of the
others. So whatever bets on the ranks is a fair game.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

BLOCK = 512
"""So many values are ranked at once: among themselves by comparing all pairs."""

Floats = npt.NDArray[np.float64]


def conformal_ranks(before: npt.ArrayLike, after: npt.ArrayLike, lots: npt.ArrayLike) -> Floats:
    """Rank each newcomer among all values before it and itself, ties by lot.

    Args:
        before: (n,) values that were there.
        after: (m,) newcomers, in the order in which they came.
        lots: (m,) numbers drawn from 0 to 1.

    Returns:
        (m,) ranks from 0 to 1; low for values that are lower than most.

    Source: V. Vovk, I. Nouretdinov, A. Gammerman (2003), Testing exchangeability on-line, ICML.
    """
    known = np.sort(np.asarray(before, dtype=np.float64))
    newcomers = np.asarray(after, dtype=np.float64)
    drawn = np.asarray(lots, dtype=np.float64)
    ranks = np.empty(len(newcomers))
    for start in range(0, len(newcomers), BLOCK):
        values = newcomers[start : start + BLOCK]
        earlier = np.tri(len(values), k=-1, dtype=bool)
        lower = np.searchsorted(known, values, "left")
        equal = np.searchsorted(known, values, "right") - lower
        lower += (earlier & (values[None, :] < values[:, None])).sum(axis=1)
        equal += (earlier & (values[None, :] == values[:, None])).sum(axis=1)
        total = len(known) + np.arange(1, len(values) + 1)
        lots_here = drawn[start : start + BLOCK]
        ranks[start : start + BLOCK] = (lower + lots_here * (equal + 1)) / total
        known = np.sort(np.concatenate([known, values]), kind="stable")
    return ranks


def ranks_within(
    groups: npt.NDArray[np.int64], values: Floats, first: int, lots: npt.ArrayLike
) -> Floats:
    """Rank newcomers among those before them of their own group alone.

    That the groups' shares change leaves these ranks as they are.

    Args:
        groups: (n,) group of each value, in the order of arrival.
        values: (n,) what is ranked.
        first: row of the first newcomer; those before are only ranked among.
        lots: (n,) numbers drawn from 0 to 1.

    Returns:
        (n - first,) ranks of the newcomers.
    """
    drawn = np.asarray(lots, dtype=np.float64)
    ranks = np.empty(len(values))
    for group in np.unique(groups[first:]):
        rows = np.flatnonzero(groups == group)
        split = int(np.searchsorted(rows, first))
        old, new = rows[:split], rows[split:]
        ranks[new] = conformal_ranks(values[old], values[new], drawn[new])
    return ranks[first:]


def ranks_of_labels(labels: npt.NDArray[np.int64], first: int, lots: npt.ArrayLike) -> Floats:
    """Rank whether each newcomer has a label among whether those before it had, for each label.

    Args:
        labels: (n,) label of each document, in the order of arrival, as one of l codes from 0.
        first: row of the first newcomer.
        lots: (n,) numbers drawn from 0 to 1.

    Returns:
        (n - first, l) ranks from 0 to 1, high where the newcomer has the label.
    """
    has = labels[:, None] == np.arange(int(labels.max(initial=0)) + 1)
    count, total = np.cumsum(has, axis=0)[first:], np.arange(first + 1, len(labels) + 1)[:, None]
    drawn = np.asarray(lots, dtype=np.float64)[first:, None]
    without = total - count
    lower, equal = np.where(has[first:], without, 0), np.where(has[first:], count, without)
    return np.asarray((lower + drawn * equal) / total)
