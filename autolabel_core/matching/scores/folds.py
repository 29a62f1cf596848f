"""Folds of references for cross-validation: near-duplicates together, each label spread."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from autolabel_core.matching.nearest import Nearest

FOLDS = 5
NEAR_DUPLICATE = 0.99
"""Cosine from which two references are views of one thing, which is never on both sides."""
NEVER_HELD_OUT = -1


def near_duplicate_groups(close: Nearest) -> npt.NDArray[np.int64]:
    """Group references that are nearly identical, directly or by way of others.

    Args:
        close: (r, k) the nearest other references of each.

    Returns:
        (r,) the first row of each reference's group.
    """
    group = np.arange(len(close.position), dtype=np.int64)
    rows, columns = np.nonzero(close.score >= NEAR_DUPLICATE)
    a, b = rows, close.position[rows, columns]
    while True:
        lower = group.copy()
        np.minimum.at(lower, a, group[b])
        np.minimum.at(lower, b, group[a])
        lower = lower[lower]
        if np.array_equal(lower, group):
            return group
        group = lower


def folds_of(
    codes: npt.NDArray[np.int64], groups: npt.NDArray[np.int64], folds: int = FOLDS
) -> npt.NDArray[np.int64]:
    """Deal the groups of each label to folds in turn.

    Args:
        codes: (r,) label of each reference.
        groups: (r,) group of each reference.
        folds: how many, at least 2.

    Returns:
        (r,) fold of each reference, NEVER_HELD_OUT where its label has no second group: without
        it nothing of the label would be left to learn from.
    """
    fold = np.full(len(codes), NEVER_HELD_OUT, np.int64)
    first_code = codes[groups]
    turn = 0
    for code in np.unique(codes):
        own = np.unique(groups[first_code == code])
        if len(own) < 2:
            continue
        of_group = {group: (turn + i) % folds for i, group in enumerate(own.tolist())}
        turn += len(own)
        mine = first_code == code
        fold[mine] = [of_group[group] for group in groups[mine].tolist()]
    # A near-duplicate with another label may leave a label without references elsewhere.
    for code in np.unique(codes):
        mine = codes == code
        if len(np.unique(fold[mine])) < 2:
            fold[mine] = NEVER_HELD_OUT
    return fold


def some_of_each(codes: npt.NDArray[np.int64], most: int) -> npt.NDArray[np.intp]:
    """Choose references to cross-validate on where there are many, of each label its share.

    Args:
        codes: (r,) label of each reference; rows are in an order that says nothing.
        most: about how many; at least two of each label stay.

    Returns:
        Rows, rising; all of them where there are at most `most`.
    """
    if len(codes) <= most:
        return np.arange(len(codes))
    chosen = []
    for code in np.unique(codes):
        rows = np.flatnonzero(codes == code)
        chosen.append(rows[: max(2, len(rows) * most // len(codes))])
    return np.sort(np.concatenate(chosen))
