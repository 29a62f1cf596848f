"""Keeps the nearest references of documents exact while references or documents change.

More are kept than are published, so that a removed reference rarely costs a full search of its
documents. Whatever the history of edits, `published` gives the bytes that a full build would
give.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autolabel_core.matching.nearest import ABSENT, Nearest, nearest, nearest_above, without

CACHED_NEIGHBOURS = 16
"""Five references of a list may be removed before its document is searched for again."""
NEEDED = 11
"""The ten that are published, and the document itself where it is a reference."""
ROWS_PER_GATHER = 8192
"""Rows copied at once from vectors that may be memory-mapped: bounds the memory."""

Keys = Sequence[str] | Sequence[bytes] | NDArray[np.str_] | NDArray[np.bytes_]


@dataclass(frozen=True)
class NeighbourTable:
    """The nearest references of a batch of n documents.

    Attributes:
        position: (n, CACHED_NEIGHBOURS) int32 positions in the references it was computed
            under; -1 beyond `length`.
        score: (n, CACHED_NEIGHBOURS) float32 cosines, falling; `-inf` beyond `length`.
        length: (n,) int32: the entries before it are exactly the best of all references. At least
            NEEDED, or the number of references.
    """

    position: NDArray[np.int32]
    score: NDArray[np.float32]
    length: NDArray[np.int32]


@dataclass(frozen=True)
class ReferenceEdit:
    """What changed between two reference sets.

    Attributes:
        moved: (r_old,) int32 new position of each old reference, -1 where it was removed.
        added: (a,) int32 new positions of the references that were not there before, rising.
        same: both sets are equal, in the same order.
    """

    moved: NDArray[np.int32]
    added: NDArray[np.int32]
    same: bool


def build(vectors: NDArray[np.float32], references: NDArray[np.float32]) -> NeighbourTable:
    """Compute the table of documents (n, d) against references (r, d) in full."""
    neighbours = nearest(vectors, references, CACHED_NEIGHBOURS)
    length = np.full(len(vectors), min(CACHED_NEIGHBOURS, len(references)), np.int32)
    return NeighbourTable(neighbours.position, neighbours.score, length)


def update(
    table: NeighbourTable,
    vectors: NDArray[np.float32],
    old_keys: Keys,
    new_keys: Keys,
    references: NDArray[np.float32],
    rows: NDArray[np.int32] | None = None,
) -> NeighbourTable:
    """Bring a table up to date with edited references and documents, exactly.

    For many batches under one edit, call `compare_keys` once and `follow` for each batch.

    Args:
        table: what was computed under the references of `old_keys`.
        vectors: (n, d) rows of unit length, the documents as they are now.
        old_keys: a key for each old reference: its id and the hash of its content, sorted by id.
        new_keys: the same for each of `references`.
        references: (r, d) rows of unit length, as they are now.
        rows: (n,) row of `table` for each document, -1 for a new or changed one; None: the same
            documents as in `table`.

    Returns:
        The table of the n documents under `references`.
    """
    return follow(table, vectors, compare_keys(old_keys, new_keys), references, rows)


def compare_keys(old_keys: Keys, new_keys: Keys) -> ReferenceEdit:
    """Find which references stayed, went and came.

    Args:
        old_keys: a key for each old reference, sorted by reference id.
        new_keys: a key for each new reference, sorted by reference id.

    Returns:
        The edit that leads from the old set to the new one.

    Raises:
        ValueError: a key occurs twice, or keys that stayed changed their order.
    """
    if _equal(old_keys, new_keys):
        stay = np.arange(len(old_keys), dtype=np.int32)
        return ReferenceEdit(stay, np.empty(0, np.int32), True)
    old, new = _listed(old_keys), _listed(new_keys)
    place = {key: i for i, key in enumerate(new)}
    moved = np.array([place.get(key, -1) for key in old], np.int32)
    stayed = moved[moved >= 0]
    if len(place) < len(new) or np.any(np.diff(stayed) <= 0):
        raise ValueError(
            f"expected keys without repetition, sorted by reference id, found {len(new)} with "
            f"{len(place)} different, {np.count_nonzero(np.diff(stayed) <= 0)} out of order"
        )
    is_added = np.ones(len(new), np.bool_)
    is_added[stayed] = False
    return ReferenceEdit(moved, np.flatnonzero(is_added).astype(np.int32), False)


def _equal(old_keys: Keys, new_keys: Keys) -> bool:
    if isinstance(old_keys, np.ndarray) and isinstance(new_keys, np.ndarray):
        return np.array_equal(old_keys, new_keys)
    return _listed(old_keys) == _listed(new_keys)


def _listed(keys: Keys) -> list[object]:
    return keys.tolist() if isinstance(keys, np.ndarray) else list(keys)


def follow(
    table: NeighbourTable,
    vectors: NDArray[np.float32],
    edit: ReferenceEdit,
    references: NDArray[np.float32],
    rows: NDArray[np.int32] | None = None,
) -> NeighbourTable:
    """Bring a table up to date with an edit of the references; see `update`.

    Args:
        table: what was computed under the old references.
        vectors: (n, d) rows of unit length, the documents as they are now.
        edit: what `compare_keys` found.
        references: (r, d) rows of unit length, as they are now.
        rows: (n,) row of `table` for each document, -1 for a new or changed one; None: the same
            documents as in `table`.

    Returns:
        The table of the n documents under `references`.
    """
    n, r_stayed = len(vectors), len(references) - len(edit.added)
    rows = np.arange(n, dtype=np.int32) if rows is None else rows.astype(np.int32)
    _check(table, edit, n, r_stayed, rows)
    if edit.same and np.array_equal(rows, np.arange(len(table.length))):
        return table
    from autolabel_core.matching import score_kernels

    new = NeighbourTable(
        np.empty((n, CACHED_NEIGHBOURS), np.int32),
        np.empty((n, CACHED_NEIGHBOURS), np.float32),
        np.empty(n, np.int32),
    )
    score_kernels.carry(
        np.require(table.position, np.int32, ["C", "A"]),
        np.require(table.score, np.float32, ["C", "A"]),
        np.require(table.length, np.int32, ["C", "A"]),
        np.require(rows, np.int32, ["C", "A"]),
        edit.moved,
        new.position,
        new.score,
        new.length,
    )
    # A complete list has every reference that stayed, so that added ones may go to its end.
    complete = new.length == r_stayed
    # A shorter one has lost entries, and which references come next is not known: search in full.
    again = (rows < 0) | ((new.length < NEEDED) & ~complete)
    if not again.all() and len(edit.added):
        _merge_added(new, vectors, references, edit.added, complete, again)
    _recompute(new, vectors, references, np.flatnonzero(again))
    return new


def _check(
    table: NeighbourTable, edit: ReferenceEdit, n: int, r_stayed: int, rows: NDArray[np.int32]
) -> None:
    documents, r_old = len(table.length), len(edit.moved)
    if table.position.shape != (documents, CACHED_NEIGHBOURS) or table.score.shape != (
        documents,
        CACHED_NEIGHBOURS,
    ):
        shape = table.position.shape
        raise ValueError(
            f"expected a table of shape {(documents, CACHED_NEIGHBOURS)}, found {shape}"
        )
    if table.position.max(initial=-1) >= r_old or table.length.max(initial=0) > min(
        CACHED_NEIGHBOURS, r_old
    ):
        most = table.position.max(initial=-1)
        raise ValueError(f"expected positions among {r_old} old references, found {most}")
    if r_stayed != np.count_nonzero(edit.moved >= 0):
        raise ValueError(
            f"expected {np.count_nonzero(edit.moved >= 0)} old references to stay, found {r_stayed}"
        )
    if len(rows) != n or rows.max(initial=-1) >= documents or rows.min(initial=0) < -1:
        raise ValueError(f"expected {n} rows in -1..{documents - 1}, found {len(rows)}: {rows}")


def _merge_added(
    table: NeighbourTable,
    vectors: NDArray[np.float32],
    references: NDArray[np.float32],
    added: NDArray[np.int32],
    complete: NDArray[np.bool_],
    again: NDArray[np.bool_],
) -> None:
    from autolabel_core.matching import score_kernels

    # An added reference below the last entry cannot be placed: an unlisted one may lie between.
    # Lists that are searched in full anyway take none (inf), complete lists take all.
    last = np.take_along_axis(table.score, np.maximum(table.length - 1, 0)[:, None], axis=1)[:, 0]
    floors = np.where(again, np.float32(np.inf), np.where(complete, ABSENT, last))
    came = nearest_above(vectors, references[added], CACHED_NEIGHBOURS, floors.astype(np.float32))
    score_kernels.merge(
        came.position, came.score, added, complete, table.position, table.score, table.length
    )


def _recompute(
    table: NeighbourTable,
    vectors: NDArray[np.float32],
    references: NDArray[np.float32],
    rows: NDArray[np.intp],
) -> None:
    for start in range(0, len(rows), ROWS_PER_GATHER):
        some = rows[start : start + ROWS_PER_GATHER]
        fresh = build(vectors[some], references)
        table.position[some], table.score[some] = fresh.position, fresh.score
        table.length[some] = fresh.length


def published(
    table: NeighbourTable, self_position: NDArray[np.int32], k: int = NEEDED - 1
) -> Nearest:
    """Show the k nearest references of each document other than the document itself.

    Args:
        table: the table of n documents.
        self_position: (n,) position of the document itself among the references, -1 if it is none.
        k: how many to show, 1 to NEEDED - 1.

    Returns:
        Positions and scores, both (n, k); the same bytes whatever edits led to `table`.

    Raises:
        ValueError: `k` is out of range.
    """
    if not 1 <= k < NEEDED:
        raise ValueError(f"expected k in 1..{NEEDED - 1}, found {k}")
    return without(Nearest(table.position[:, : k + 1], table.score[:, : k + 1]), self_position)
