"""Compiled inner loops: approximate candidates, exact scores, merging of lists. Import lazily.

Every loop releases the interpreter lock and runs in one thread, so that `matching` can give each
core its own rows. A product of two float32 values is exact in float64 and the order of the
additions is written out, so a score has the same bytes on every machine, with or without fused
multiply-add.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import numpy as np
from numba import njit, types  # noqa: TID253
from numpy.typing import NDArray

P = ParamSpec("P")
T = TypeVar("T")
Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Sums = NDArray[np.float64]

LANES = 32  # independent sums of one product: their number fixes the order of additions
HALVES = (16, 8, 4, 2, 1)
CHUNK = 128  # rough scores tested together: in most chunks none reaches the floor
GROUP = 32  # candidates scored in turns

# Vectors may be memory-mapped and read-only. Writable arrays are accepted for these types as well.
_ROWS_IN = types.Array(types.float32, 2, "C", readonly=True)
_ROW_IN = types.Array(types.float32, 1, "C", readonly=True)
_INTS_IN = types.Array(types.int32, 2, "C", readonly=True)
_INT_IN = types.Array(types.int32, 1, "C", readonly=True)
_MASK_IN = types.Array(types.boolean, 1, "C", readonly=True)
_ROWS = types.float32[:, ::1]
_ROW = types.float32[::1]
_INTS = types.int32[:, ::1]
_INT = types.int32[::1]
_SUMS = types.float64[:, ::1]


def compiled(*signature: object, **options: object) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Compile for one signature; keep it on disk where a cache folder can be written."""

    def compile_it(function: Callable[P, T]) -> Callable[P, T]:
        try:
            kernel: Callable[P, T] = njit(signature, nogil=True, cache=True, **options)(function)
        except (RuntimeError, OSError):
            kernel = njit(signature, nogil=True, **options)(function)
        return kernel

    return compile_it


# Reordered additions are harmless here: a norm widens an error bound and is never part of a score.
@compiled(_ROWS_IN, _ROW, fastmath={"reassoc", "contract"})
def row_norms(rows: Floats, norms: Floats) -> None:
    """Write the length of each of `rows` (n, d) to `norms` (n,); nan or inf if not finite."""
    for i in range(rows.shape[0]):
        row = rows[i]
        total = np.float32(0.0)
        for j in range(row.shape[0]):
            total += row[j] * row[j]
        norms[i] = np.sqrt(total)


@compiled(_INT, _ROW, types.float32)
def _compact(shortlist: Ints, shortlist_score: Floats, floor: np.float32) -> int:
    """Drop what lies below `floor` from a full buffer; return how many stay."""
    count = 0
    for c in range(shortlist.shape[0]):
        if shortlist_score[c] >= floor:
            shortlist[count], shortlist_score[count] = shortlist[c], shortlist_score[c]
            count += 1
    return count


@compiled(_ROW, types.float32)
def _rank(top: Floats, score: np.float32) -> None:
    """Put a score above the last of `top` (k,) into its place; the last falls out."""
    for place in range(top.shape[0] - 1, 0, -1):
        # Without a branch: which of the two is larger cannot be predicted.
        passed_down = top[place - 1] if top[place - 1] < score else score
        top[place] = top[place] if top[place] > passed_down else passed_down
    top[0] = top[0] if top[0] > score else score


@compiled(_ROW_IN, types.float32)
def _any_from(chunk: Floats, floor: np.float32) -> bool:
    """Say whether any score reaches `floor`, by counting: no branch, so the loop is vectorised."""
    hits = np.int32(0)
    for j in range(chunk.shape[0]):
        hits += np.int32(chunk[j] >= floor)
    return bool(hits > 0)


@compiled(_ROWS_IN, types.int64, _ROW_IN, _ROWS, _ROW, _INTS, _ROWS, _INT)
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


@compiled(_ROW_IN, _ROWS_IN, types.int64[::1], types.int64, _SUMS)
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


@compiled(_INT, _ROW, types.int64, types.int32, types.float32, types.boolean)
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


@compiled(_ROWS_IN, _ROWS_IN, _INTS, _ROWS, _INT, _ROW, _INTS, _ROWS)
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


@compiled(_INTS_IN, _ROWS_IN, _INT_IN, _INT_IN, _INT_IN, _INTS, _ROWS, _INT)
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


@compiled(_INTS_IN, _ROWS_IN, _INT_IN, _MASK_IN, _INTS, _ROWS, _INT)
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
