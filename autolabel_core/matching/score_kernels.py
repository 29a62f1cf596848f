"""Compiled inner loops of exact scores, and of lists that are carried and merged. Import lazily.

Every loop releases the interpreter lock and runs in one thread, so that `nearest` can give each
core its own rows. A product of two float32 values is exact in float64 and the order of the
additions is written out, so a score has the same bytes on every machine, with or without fused
multiply-add.
"""

from __future__ import annotations

import numpy as np
from numba import types  # noqa: TID253
from numpy.typing import NDArray

from autolabel_core.matching.compilation import (
    INT,
    INT_IN,
    INTS,
    INTS_IN,
    MASK_IN,
    ROW,
    ROW_IN,
    ROWS,
    ROWS_IN,
    SUMS,
    Floats,
    Ints,
    Sums,
    compiled,
)

LANES = 32  # independent sums of one product: their number fixes the order of additions
HALVES = (16, 8, 4, 2, 1)
GROUP = 32  # candidates scored in turns


@compiled(ROW_IN, ROWS_IN, types.int64[::1], types.int64, SUMS)
def score_alone(
    row: Floats, references: Floats, candidates: NDArray[np.int64], count: int, sums: Sums
) -> None:
    """Write the float64 product of `row` with each candidate to `sums` (GROUP, LANES), column 0.

    Lane j sums the elements j, j + LANES, ...; the lanes are then added in halves. Candidates take
    turns, which hides the wait for memory and changes the order of additions of none.

    Args:
        row: (d,) one document.
        references: (r, d) all references.
        candidates: (c,) positions of references, `count` of them, at most GROUP.
        count: how many candidates to score.
        sums: (GROUP, LANES) out.
    """
    whole = row.shape[0] - row.shape[0] % LANES
    sums[:count] = 0.0
    for start in range(0, whole, LANES):
        part = row[start : start + LANES]
        for c in range(count):
            other, lanes = references[candidates[c], start : start + LANES], sums[c]
            for lane in range(LANES):
                lanes[lane] += np.float64(part[lane]) * np.float64(other[lane])
    for c in range(count):
        other, lanes = references[candidates[c]], sums[c]
        for j in range(whole, row.shape[0]):
            lanes[j - whole] += np.float64(row[j]) * np.float64(other[j])
        for width in HALVES:
            for lane in range(width):
                lanes[lane] += lanes[lane + width]


@compiled(INT, ROW, types.int64, types.int32, types.float32, types.boolean)
def _insert(
    positions: Ints, scores: Floats, count: int, position: np.int32, score: np.float32, append: bool
) -> int:
    """Insert by falling score, then rising position, last only if `append`; return the length."""
    place = count
    while place > 0 and (
        scores[place - 1] < score
        or (scores[place - 1] == score and positions[place - 1] > position)
    ):
        place -= 1
    # Behind the last entry of a shortened list an unlisted reference might come first.
    if place == positions.shape[0] or (place == count and not append):
        return count
    count = min(count + 1, positions.shape[0])
    for j in range(count - 1, place, -1):
        positions[j], scores[j] = positions[j - 1], scores[j - 1]
    positions[place], scores[place] = position, score
    return count


@compiled(ROWS_IN, ROWS_IN, INTS, ROWS, INT, ROW, INTS, ROWS)
def resolve_ties(
    rows: Floats,
    references: Floats,
    shortlist: Ints,
    shortlist_score: Floats,
    counts: Ints,
    floors: Floats,
    position: Ints,
    score: Floats,
) -> None:
    """Score the proposals of `propose` alone and write the k best of each row.

    Args:
        rows: (m, d) documents.
        references: (r, d) all references; a row whose count is -1 is scored against each of them.
        shortlist: (m, s) proposed positions.
        shortlist_score: (m, s) their rough scores.
        counts: (m,) how many are proposed, or -1.
        floors: (m,) rough scores below are passed over.
        position: (m, k) out: positions, best first, -1 beyond the last.
        score: (m, k) out: scores, `-inf` beyond the last.
    """
    sums = np.empty((GROUP, LANES), np.float64)
    candidates = np.empty(GROUP, np.int64)
    for i in range(rows.shape[0]):
        position[i, :], score[i, :] = -1, -np.inf
        kept, waiting = 0, 0
        scan_all = counts[i] < 0
        proposed = references.shape[0] if scan_all else counts[i]
        for c in range(proposed):
            if scan_all or shortlist_score[i, c] >= floors[i]:
                candidates[waiting] = c if scan_all else shortlist[i, c]
                waiting += 1
            if waiting == GROUP or (waiting > 0 and c == proposed - 1):
                score_alone(rows[i], references, candidates, waiting, sums)
                for w in range(waiting):
                    position_w, score_w = np.int32(candidates[w]), np.float32(sums[w, 0])
                    kept = _insert(position[i], score[i], kept, position_w, score_w, True)
                waiting = 0


@compiled(INTS_IN, ROWS_IN, INT_IN, INT_IN, INT_IN, INTS, ROWS, INT)
def carry(
    old_position: Ints,
    old_score: Floats,
    old_length: Ints,
    rows: Ints,
    moved: Ints,
    position: Ints,
    score: Floats,
    length: Ints,
) -> None:
    """Carry the lists of an old table over to the references that stayed.

    Args:
        old_position: (m, k) positions among the old references; only `old_length` are certain.
        old_score: (m, k) their scores.
        old_length: (m,) how many entries are certain.
        rows: (n,) row of the old table for each document, or -1.
        moved: (r_old,) new position of each old reference, or -1 where it was removed.
        position: (n, k) out: positions among the new references, -1 beyond `length`.
        score: (n, k) out: scores, `-inf` beyond `length`.
        length: (n,) out: certain entries that stayed.
    """
    for i in range(rows.shape[0]):
        kept, old = np.int32(0), rows[i]
        for j in range(old_length[old] if old >= 0 else 0):
            now = moved[old_position[old, j]]
            if now >= 0:  # positions rise with ids in both sets, so ties stay in order
                position[i, kept], score[i, kept] = now, old_score[old, j]
                kept += 1
        length[i], position[i, kept:], score[i, kept:] = kept, -1, -np.inf


@compiled(INTS_IN, ROWS_IN, INT_IN, MASK_IN, INTS, ROWS, INT)
def merge(
    added_position: Ints,
    added_score: Floats,
    added: Ints,
    complete: NDArray[np.bool_],
    position: Ints,
    score: Floats,
    length: Ints,
) -> None:
    """Merge the best added references into each list, as far as its order stays certain.

    Args:
        added_position: (n, k) positions among the added references, best first, -1 beyond the last.
        added_score: (n, k) their scores.
        added: (a,) position of each added reference among all.
        complete: (n,) true where the list holds every reference that stayed.
        position: (n, k) in and out: positions among all references.
        score: (n, k) in and out: their scores.
        length: (n,) in and out: how many entries are certain.
    """
    for i in range(position.shape[0]):
        for j in range(added_position.shape[1]):
            if added_position[i, j] < 0:
                break
            now, worth = added[added_position[i, j]], added_score[i, j]
            length[i] = _insert(position[i], score[i], length[i], now, worth, complete[i])
