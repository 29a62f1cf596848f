"""Picks documents that stand for as many doubtful ones as possible, one after the other.

Each document i has a doubt w_i and is covered by c_i, its similarity to the most similar labelled
one. Labelling j would cover it by s_ij where that is more. The next pick is the document with the
greatest gain, the sum of w_i · max(0, s_ij - c_i) over all i; then it counts as labelled.

No pick makes the gain of another one greater, so a gain that was computed earlier is a bound: only
those at the top are computed again. The picks are those that computing all of them would give.

Source: G. Nemhauser, L. Wolsey, M. Fisher (1978) for the greedy choice, which gains at least
    1 - 1/e of what the best set would; M. Minoux (1978) for computing few gains.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

ROWS_PER_BLOCK = 64
NOT_ALLOWED = -1.0


@dataclass(frozen=True)
class Pick:
    """One document to ask about.

    Attributes:
        position: among the candidates.
        gain: share of the doubt at the beginning that it answers, from 0 to 1.
    """

    position: int
    gain: float


def pick_by_coverage(
    similarity: Floats,
    doubt: Floats,
    covered: Floats,
    allowed: npt.NDArray[np.bool_],
    most: int,
) -> list[Pick]:
    """Pick documents, the greatest gain first.

    Args:
        similarity: (m, m) symmetric, from 0 to 1; 1 for near-duplicates.
        doubt: (m,) from 0 to 1.
        covered: (m,) similarity to what is labelled, from 0 to 1; what has 1 is never picked.
        allowed: (m,) which may be picked; the others count as what is to be covered.
        most: at most so many.

    Returns:
        The picks; fewer where the others are near-duplicates of them, or of what is labelled. Of
        equal gains the earlier document is picked.
    """
    covered = covered.copy()
    whole = float((doubt * (1.0 - covered)).sum(dtype=np.float64))
    gains = _gains(similarity, doubt, covered)
    computed = np.zeros(len(gains), np.int64)
    gains[~allowed] = NOT_ALLOWED
    picks: list[Pick] = []
    while len(picks) < most and len(gains):
        best = int(gains.argmax())
        if gains[best] == NOT_ALLOWED:
            break
        if covered[best] >= 1.0:
            gains[best] = NOT_ALLOWED
        elif computed[best] < len(picks):
            gains[best] = _gains(similarity[best : best + 1], doubt, covered)[0]
            computed[best] = len(picks)
        else:
            picks.append(Pick(best, float(gains[best]) / whole if whole > 0 else 0.0))
            np.maximum(covered, similarity[best], out=covered)
    return picks


def _gains(similarity: Floats, doubt: Floats, covered: Floats) -> Floats:
    """Return the gain of each row of `similarity` (n, m).

    Each row is summed alone and in one order: rounding then makes no gain greater than an earlier
    one of the same document either. A matrix product would give other last bits for fewer rows.
    """
    gains = np.empty(len(similarity), np.float32)
    for start in range(0, len(similarity), ROWS_PER_BLOCK):
        rows = np.maximum(similarity[start : start + ROWS_PER_BLOCK] - covered, np.float32(0))
        rows *= doubt
        gains[start : start + len(rows)] = rows.sum(axis=1)
    return gains
