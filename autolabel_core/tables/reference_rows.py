"""Rows of references, in memory and as their file holds them."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import TypedDict, overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from autolabel_core.foundation.json_types import Json, Scalar
from autolabel_core.storage.typed_rows import Column, rows_as, texts_of
from autolabel_core.storage.warehouse import matrix_of, vector_column

TEXTS = ("document_id", "key", "content_hash", "label", "label_source", "fields", "metadata")
"""The columns of the file beside the vector; `fields` and `metadata` are JSON."""


class ReferenceRow(TypedDict):
    """One reference: a document with the label that people gave it.

    `fields` are its values by the name of the field; `metadata` is that of the object.
    """

    document_id: str
    key: str
    content_hash: str
    label: str
    label_source: str
    fields: dict[str, Scalar]
    metadata: dict[str, Json]


class StoredRow(TypedDict):
    """A `ReferenceRow` as the file holds it: `fields` and `metadata` are JSON."""

    document_id: str
    key: str
    content_hash: str
    label: str
    label_source: str
    fields: str
    metadata: str


class StoredReferences(Sequence[ReferenceRow]):
    """Rows that are taken from their columns when they are looked at: there may be many.

    Args:
        batch: with the columns `TEXTS`, maybe among others.
    """

    def __init__(self, batch: pa.RecordBatch) -> None:
        self.batch = batch.select(list(TEXTS))

    @classmethod
    def of(cls, rows: Sequence[ReferenceRow]) -> StoredReferences:
        """Return rows as columns."""
        return rows if isinstance(rows, cls) else cls(pa.record_batch(_text_columns(rows)))

    def __len__(self) -> int:
        """How many there are."""
        return int(self.batch.num_rows)

    def __eq__(self, other: object) -> bool:
        """Whether another sequence has the same rows."""
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    @overload
    def __getitem__(self, place: int) -> ReferenceRow: ...

    @overload
    def __getitem__(self, place: slice) -> list[ReferenceRow]: ...

    def __getitem__(self, place: int | slice) -> ReferenceRow | list[ReferenceRow]:
        """Return one row, or some."""
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(len(self)))]
        if not -len(self) <= place < len(self):
            raise IndexError(place)
        (row,) = rows_as(self.batch.slice(place % len(self), 1), StoredRow)
        return reference_row(row)

    def texts(self, name: str) -> list[str]:
        """Return one of `TEXTS` of all rows."""
        return texts_of(self.batch, name)

    def only(self, places: Sequence[int]) -> StoredReferences:
        """Return some rows."""
        return StoredReferences(self.batch.take(pa.array(places, pa.int64())))


def columns_of(rows: Sequence[ReferenceRow], vectors: npt.NDArray[np.float32]) -> pa.RecordBatch:
    """Return rows and vectors (r, d) as the file holds them."""
    return pa.record_batch({**_text_columns(rows), "vector": vector_column(vectors)})


def exchanged(
    batch: pa.RecordBatch,
    documents: Collection[str],
    rows: Sequence[ReferenceRow],
    vectors: npt.NDArray[np.float32],
) -> pa.RecordBatch:
    """Return what `columns_of` gives for all rows, with those of some documents exchanged.

    Args:
        batch: what the file holds, ascending by document id.
        documents: whose rows are left out.
        rows: the rows in their place, ascending by document id.
        vectors: (r, d) theirs; d is that of the file.

    Returns:
        All rows, ascending by document id.
    """
    import pyarrow.compute as pc

    left_out = pc.is_in(batch.column("document_id"), pa.array(sorted(documents), pa.string()))
    kept = np.flatnonzero(pc.invert(left_out))
    places = np.concatenate([kept, len(batch) + np.arange(len(rows))])
    new = columns_of(rows, vectors)
    ids = pa.concat_arrays([batch.column("document_id"), new.column("document_id")])
    order = places[pc.sort_indices(ids.take(pa.array(places))).to_numpy()]
    columns: dict[str, Column] = {
        name: pa.concat_arrays([batch.column(name), new.column(name)]).take(pa.array(order))
        for name in TEXTS
    }
    matrix = np.empty((len(order), vectors.shape[1]), np.float32)
    is_old = order < len(batch)
    matrix[is_old] = matrix_of(batch)[order[is_old]]
    matrix[~is_old] = vectors[order[~is_old] - len(batch)]
    return pa.record_batch({**columns, "vector": vector_column(matrix)})


def _text_columns(rows: Sequence[ReferenceRow]) -> dict[str, Column]:
    texts = {
        "document_id": [row["document_id"] for row in rows],
        "key": [row["key"] for row in rows],
        "content_hash": [row["content_hash"] for row in rows],
        "label": [row["label"] for row in rows],
        "label_source": [row["label_source"] for row in rows],
        "fields": [json.dumps(row["fields"], sort_keys=True) for row in rows],
        "metadata": [json.dumps(row["metadata"], sort_keys=True) for row in rows],
    }
    return {name: pa.array(values, pa.string()) for name, values in texts.items()}


def reference_row(row: StoredRow) -> ReferenceRow:
    """Return a row of the file with its JSON read."""
    return {
        "document_id": row["document_id"],
        "key": row["key"],
        "content_hash": row["content_hash"],
        "label": row["label"],
        "label_source": row["label_source"],
        "fields": json.loads(row["fields"]),
        "metadata": json.loads(row["metadata"]),
    }
