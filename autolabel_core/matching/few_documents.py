"""Nearest references of a few documents in numpy, with the same bytes as the compiled kernels.

Loading compiled loops takes longer than all the work where both sides are small.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

MAX_PRODUCTS = 64_000_000
MAX_PAIRS = 1_000_000
LANES = 32
PAIRS_AT_ONCE = 1024


def is_small(documents: int, references: int, dimensions: int) -> bool:
    """Whether scoring every document with every reference takes less than loading the kernels."""
    pairs = documents * references
    return pairs <= MAX_PAIRS and pairs * dimensions <= MAX_PRODUCTS


def row_norms(rows: Floats) -> Floats:
    """Return the length of each of `rows` (n, d), shape (n,); nan or inf if not finite."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(np.sqrt(np.einsum("nd,nd->n", rows, rows)), np.float32)


def match_few(
    rows: Floats,
    references: Floats,
    windows: Floats,
    floors: Floats,
    position: Ints,
    score: Floats,
) -> None:
    """Write the k nearest references of each document.

    Args:
        rows: (m, d) documents.
        references: (r, d) references, r at least 1.
        windows: (m,) how far below the k-th best rough score a true member of the k best may lie.
        floors: (m,) rough scores below are dropped.
        position: (m, k) out: positions, best first, -1 beyond the last.
        score: (m, k) out: scores, `-inf` beyond the last.
    """
    k = position.shape[1]
    rough = rows @ references.T
    lowest = floors
    if k <= len(references):
        kth = np.partition(rough, -k, axis=1)[:, -k]
        lowest = np.maximum(floors, kth - windows)
    row, column = np.nonzero(rough >= lowest[:, None])
    exact = np.empty(len(row), np.float32)
    for start in range(0, len(row), PAIRS_AT_ONCE):
        part = slice(start, start + PAIRS_AT_ONCE)
        exact[part] = score_alone(rows[row[part]], references[column[part]])
    order = np.lexsort((column, -exact, row))
    row, column, exact = row[order], column[order], exact[order]
    rank = np.arange(len(row)) - np.searchsorted(row, row)
    kept = rank < k
    position[:], score[:] = -1, -np.inf
    position[row[kept], rank[kept]] = column[kept]
    score[row[kept], rank[kept]] = exact[kept]


def score_alone(a: Floats, b: Floats) -> Floats:
    """Return the product of each row of `a` (p, d) with the same row of `b`, shape (p,).

    Lane j sums the elements j, j + LANES, …; the lanes are then added in halves, as in
    `score_kernels.score_alone`: another order of additions would give other last bits.
    """
    sums = np.zeros((len(a), LANES))
    for start in range(0, a.shape[1], LANES):
        part = a[:, start : start + LANES].astype(np.float64) * b[:, start : start + LANES]
        sums[:, : part.shape[1]] += part
    width = LANES // 2
    while width:
        sums[:, :width] += sums[:, width : 2 * width]
        width //= 2
    return sums[:, 0].astype(np.float32)
