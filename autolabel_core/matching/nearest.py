"""The exact nearest references of each document by cosine; the same bytes for any batch shape."""

from __future__ import annotations

import functools
import os
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from autolabel_core.foundation.parallel import USABLE_CORES
from autolabel_core.matching import few_documents

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

ROWS_PER_TILE = 512
REFERENCES_PER_TILE = 1024
"""A tile of rough scores, 512 × 1024 float32, is 2 MiB: it stays in the cache of a core."""
MAX_NORM = 1024.0
"""Longer rows would widen the error bound until everything is a candidate."""
ABSENT = np.float32(-np.inf)

# Two calls at once would both set, and then restore, the number of threads of BLAS.
_all_cores = threading.Lock()


@dataclass(frozen=True)
class Nearest:
    """The k nearest references of n documents, best first.

    Attributes:
        position: (n, k) int32 positions in the references, -1 where there are fewer than k.
        score: (n, k) float32 cosines in [-1, 1], 1 is the same direction; `-inf` where position
            is -1.
    """

    position: NDArray[np.int32]
    score: NDArray[np.float32]


def nearest(vectors: NDArray[np.float32], references: NDArray[np.float32], k: int) -> Nearest:
    """Find the k nearest references of each document by cosine, exactly.

    A float32 matmul proposes; whatever lies within its error bound of the k-th best is scored again
    alone in float64 and rounded to float32. The order is by that score, ties to the smaller
    position. Neither the other rows of the batch nor the number of cores change a byte.

    Args:
        vectors: (n, d) rows of unit length; may be memory-mapped; n may be 0.
        references: (r, d) rows of unit length; r may be 0 or smaller than k.
        k: how many to keep, at least 1.

    Returns:
        Positions and scores, both (n, k).

    Source: error of a sum of d products: N. Higham, Accuracy and Stability of Numerical
        Algorithms, section 3.1.
    """
    return nearest_above(vectors, references, k, None)


def nearest_above(
    vectors: NDArray[np.float32],
    references: NDArray[np.float32],
    k: int,
    min_score: NDArray[np.float32] | None,
) -> Nearest:
    """Find the k nearest references of each document among those that score at least `min_score`.

    References that score less may be among the result, but never instead of one that scores enough.

    Args:
        vectors: (n, d) rows of unit length.
        references: (r, d) rows of unit length.
        k: how many to keep, at least 1.
        min_score: (n,) the lowest score of interest for each document; `-inf` or None is all.

    Returns:
        Positions and scores, both (n, k).

    Raises:
        ValueError: `k` is below 1.
    """
    if k < 1:
        raise ValueError(f"expected k of at least 1, found {k}")
    _check(vectors, references)
    result = Nearest(
        np.full((len(vectors), k), -1, np.int32), np.full((len(vectors), k), ABSENT, np.float32)
    )
    if not len(vectors) or not len(references):
        return result
    is_small = few_documents.is_small(len(vectors), *references.shape)
    search = _Search(np.require(references, requirements=["C", "A"]), k, is_small)
    _in_parallel(search, vectors, min_score, result)
    return result


def nearest_among_themselves(references: NDArray[np.float32], k: int) -> Nearest:
    """Find the k nearest *other* references of each reference (leave one out), exactly.

    A reference is left out by its position, so that an identical one beside it still counts.

    Args:
        references: (r, d) rows of unit length.
        k: how many to keep, at least 1.

    Returns:
        Positions and scores, both (r, k).
    """
    return without(
        nearest(references, references, k + 1), np.arange(len(references), dtype=np.int32)
    )


def without(listed: Nearest, left_out: NDArray[np.int32]) -> Nearest:
    """Drop one position from each list of k + 1, or else its last entry, so that k stay.

    Args:
        listed: lists (n, k + 1).
        left_out: (n,) the position to drop from each list, -1 for none.

    Returns:
        Lists (n, k).
    """
    n, width = listed.position.shape
    is_it = listed.position == left_out[:, None]
    gap = np.where(is_it.any(axis=1), is_it.argmax(axis=1), width)
    columns = np.arange(width - 1)
    take = columns + (columns >= gap[:, None])
    rows = np.arange(n)[:, None]
    return Nearest(listed.position[rows, take], listed.score[rows, take])


def _check(vectors: NDArray[np.float32], references: NDArray[np.float32]) -> None:
    for name, array in (("vectors", vectors), ("references", references)):
        if array.ndim != 2 or array.dtype != np.float32:
            kind = f"{array.dtype} of shape {array.shape}"
            raise ValueError(f"expected {name} as float32 of shape (rows, d), found {kind}")
    if vectors.shape[1] != references.shape[1]:
        raise ValueError(
            f"expected vectors and references of one dimension, found {vectors.shape[1]} and "
            f"{references.shape[1]}: they come from different feature spaces"
        )


def _norms(rows: NDArray[np.float32], first: int, name: str, is_small: bool) -> NDArray[np.float32]:
    if is_small:
        norms = few_documents.row_norms(rows)
    else:
        from autolabel_core.matching import proposal_kernels

        norms = np.empty(len(rows), np.float32)
        proposal_kernels.row_norms(rows, norms)
    wrong = np.flatnonzero(~(norms <= MAX_NORM))
    if len(wrong):
        raise ValueError(
            f"expected finite {name} of unit length, found row {first + wrong[0]} of length "
            f"{norms[wrong[0]]}"
        )
    return norms


class _Search:
    """One set of references, and the search for the k nearest of them for a tile of rows."""

    def __init__(self, references: NDArray[np.float32], k: int, is_small: bool) -> None:
        self.references = references
        self.k = k
        self.is_small = is_small
        # Near-ties of the k-th best share the shortlist; where they do not fit, all are scored.
        self.slots = min(max(128, 4 * k), len(references))
        self.columns = min(REFERENCES_PER_TILE, len(references))
        self.longest = max(
            float(_norms(references[a : a + 65536], a, "references", is_small).max(initial=0.0))
            for a in range(0, len(references), 65536)
        )

    def windows(self, norms: NDArray[np.float32]) -> NDArray[np.float32]:
        """Bound, for each row, twice the error of a float32 sum of d products and its roundings."""
        d = self.references.shape[1]
        # Twice, because candidate and k-th best may err in opposite directions. The margins cover
        # terms of second order and the roundings of norms and floors; 1e-30 covers underflow.
        units = (2.05 * d + 16.0) * 2.0**-24
        return np.asarray(units * self.longest * norms + 1e-30, np.float32)

    def match(
        self, rows: NDArray[np.float32], first: int, floors: NDArray[np.float32], into: Nearest
    ) -> None:
        """Write the k nearest of a tile of rows (m, d) to `into` (m, k)."""
        rows = np.require(rows, requirements=["C", "A"])
        m = len(rows)
        windows = self.windows(_norms(rows, first, "vectors", self.is_small))
        # A reference that truly scores the floor may have a rough score a window below it.
        floors = floors - windows
        if self.is_small:
            few_documents.match_few(
                rows, self.references, windows, floors, into.position, into.score
            )
            return
        from autolabel_core.matching import proposal_kernels, score_kernels

        best = np.full((m, self.k), ABSENT, np.float32)
        shortlist = np.empty((m, self.slots), np.int32)
        shortlist_score = np.empty((m, self.slots), np.float32)
        counts = np.zeros(m, np.int32)
        scratch = np.empty(m * self.columns, np.float32)
        for a in range(0, len(self.references), self.columns):
            block = self.references[a : a + self.columns]
            scores = scratch[: m * len(block)].reshape(m, len(block))
            np.matmul(rows, block.T, out=scores)
            proposal_kernels.propose(
                scores, a, windows, best, floors, shortlist, shortlist_score, counts
            )
        score_kernels.resolve_ties(
            rows,
            self.references,
            shortlist,
            shortlist_score,
            counts,
            floors,
            into.position,
            into.score,
        )


def _in_parallel(
    search: _Search,
    vectors: NDArray[np.float32],
    min_score: NDArray[np.float32] | None,
    result: Nearest,
) -> None:
    # One iterator for all threads: whoever is free takes the next tile, and none is taken twice.
    starts = iter(range(0, len(vectors), ROWS_PER_TILE))

    def work() -> None:
        for start in starts:
            rows = slice(start, min(start + ROWS_PER_TILE, len(vectors)))
            length = rows.stop - rows.start
            floors = np.full(length, ABSENT, np.float32) if min_score is None else min_score[rows]
            into = Nearest(result.position[rows], result.score[rows])
            search.match(vectors[rows], start, floors, into)

    if len(vectors) <= ROWS_PER_TILE:
        return work()
    # Each thread has its own tile, so BLAS must not start threads of its own inside them.
    with _all_cores, _blas().limit(limits=1, user_api="blas"):
        helpers = _other_cores(os.getpid())
        others = [helpers.submit(work) for _ in range(USABLE_CORES - 1)]
        try:
            work()
        finally:
            # They write to `result`: no call may return, or raise, before they have ended.
            wait(others)
        for other in others:
            other.result()


@functools.cache
def _other_cores(process: int) -> ThreadPoolExecutor:
    """Keep threads between calls, one set for each process: a fork does not take them along."""
    return ThreadPoolExecutor(USABLE_CORES, thread_name_prefix=f"matching-{process}")


@functools.cache
def _blas() -> ThreadpoolController:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
