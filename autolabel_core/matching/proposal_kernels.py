"""Compiled inner loops over rough scores: which references may be among the nearest. Import lazily.

Every loop releases the interpreter lock and runs in one thread, so that `nearest` can give each
core its own rows.
"""

from __future__ import annotations

import numpy as np
from numba import types  # noqa: TID253

from autolabel_core.matching.compilation import (
    INT,
    INTS,
    ROW,
    ROW_IN,
    ROWS,
    ROWS_IN,
    Floats,
    Ints,
    compiled,
)

CHUNK = 128  # rough scores tested together: in most chunks none reaches the floor


# Reordered additions are harmless here: a norm widens an error bound and is never part of a score.
@compiled(ROWS_IN, ROW, fastmath={"reassoc", "contract"})
def row_norms(rows: Floats, norms: Floats) -> None:
    """Write the length of each of `rows` (n, d) to `norms` (n,); nan or inf if not finite."""
    for i in range(rows.shape[0]):
        row = rows[i]
        total = np.float32(0.0)
        for j in range(row.shape[0]):
            total += row[j] * row[j]
        norms[i] = np.sqrt(total)


@compiled(INT, ROW, types.float32)
def _compact(shortlist: Ints, shortlist_score: Floats, floor: np.float32) -> int:
    """Drop what lies below `floor` from a full buffer; return how many stay."""
    count = 0
    for c in range(shortlist.shape[0]):
        if shortlist_score[c] >= floor:
            shortlist[count], shortlist_score[count] = shortlist[c], shortlist_score[c]
            count += 1
    return count


@compiled(ROW, types.float32)
def _rank(top: Floats, score: np.float32) -> None:
    """Put a score above the last of `top` (k,) into its place; the last falls out."""
    for place in range(top.shape[0] - 1, 0, -1):
        # Without a branch: which of the two is larger cannot be predicted.
        passed_down = top[place - 1] if top[place - 1] < score else score
        top[place] = top[place] if top[place] > passed_down else passed_down
    top[0] = top[0] if top[0] > score else score


@compiled(ROW_IN, types.float32)
def _any_from(chunk: Floats, floor: np.float32) -> bool:
    """Say whether any score reaches `floor`, by counting: no branch, so the loop is vectorised."""
    hits = np.int32(0)
    for j in range(chunk.shape[0]):
        hits += np.int32(chunk[j] >= floor)
    return bool(hits > 0)


@compiled(ROWS_IN, types.int64, ROW_IN, ROWS, ROW, INTS, ROWS, INT)
def propose(
    scores: Floats,
    first: int,
    windows: Floats,
    best: Floats,
    floors: Floats,
    shortlist: Ints,
    shortlist_score: Floats,
    counts: Ints,
) -> None:
    """Keep whatever in a block of rough scores may still be among the k best of its row.

    Args:
        scores: (m, b) rough scores against references `first` to `first + b`.
        first: position of the first reference of the block.
        windows: (m,) how far below the k-th best rough score a true member of the k best may lie.
        best: (m, k) the k best rough scores so far, falling; `-inf` where there are fewer.
        floors: (m,) rough scores below are dropped; rises with `best`.
        shortlist: (m, s) positions kept, in rising order.
        shortlist_score: (m, s) their rough scores.
        counts: (m,) how many are kept; -1 where more than s fell into the window.
    """
    k, slots = best.shape[1], shortlist.shape[1]
    for i in range(scores.shape[0]):
        row, top, floor, count = scores[i], best[i], floors[i], counts[i]
        for start in range(0, row.shape[0], CHUNK):
            chunk = row[start : start + CHUNK]
            if count < 0 or not _any_from(chunk, floor):
                continue
            for j in range(chunk.shape[0]):
                score = chunk[j]
                if score < floor:
                    continue
                if count == slots:  # the floor has risen since the first were kept: some may go
                    count = _compact(shortlist[i], shortlist_score[i], floor)
                if count == slots:  # still too many near-ties: `resolve_ties` scores everything
                    count = -1
                    break
                shortlist[i, count], shortlist_score[i, count] = first + start + j, score
                count += 1
                if score > top[k - 1]:
                    _rank(top, score)
                    # Rough scores err. What truly beats the k-th best is at most a window below it.
                    floor = max(floor, top[k - 1] - windows[i])
        floors[i], counts[i] = floor, count
