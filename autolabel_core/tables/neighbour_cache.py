"""A cache of each batch's nearest references between relabellings; exact, rebuilt when lost."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from autolabel_core.matching.neighbour_lists import CACHED_NEIGHBOURS, NeighbourTable, update
from autolabel_core.storage.typed_rows import texts_of
from autolabel_core.storage.warehouse import VectorTable, Warehouse, matrix_of
from autolabel_core.tables.references import ReferenceVectors


@dataclass(frozen=True)
class NeighbourState:
    """Neighbours of a batch under the references of `keys`.

    Attributes:
        documents: (n,) `id:content` of each document.
        keys: (r,) `id:content` of each reference.
        table: the neighbours.
    """

    documents: list[str]
    keys: list[str]
    table: NeighbourTable

    @classmethod
    def load(cls, warehouse: Warehouse, path: PurePath) -> NeighbourState:
        """Read a state; an absent or unreadable one is empty, which means: compute in full."""
        try:
            batch = warehouse.read_batch(path)
        except (OSError, pa.ArrowInvalid):
            return cls([], [], _empty())
        position = matrix_of(batch, "position").astype(np.int32, copy=False)
        score = matrix_of(batch, "score")
        table = NeighbourTable(position, score, batch.column("length").to_numpy())
        keys = json.loads(batch.schema.metadata[b"autolabel.references"])
        return cls(texts_of(batch, "document"), keys, table)

    def updated(
        self, vectors: VectorTable, readable: npt.NDArray[np.int64], references: ReferenceVectors
    ) -> NeighbourState:
        """Bring the state up to date with the batch's readable documents and the references."""
        ids, contents = vectors.document_ids, vectors.content_hashes
        documents = [f"{ids[i]}:{contents[i]}" for i in readable.tolist()]
        if not references.keys:
            return NeighbourState(documents, [], _empty(len(documents)))
        if not self.keys:
            rows = np.full(len(documents), -1, np.int32)
        else:
            place = {document: row for row, document in enumerate(self.documents)}
            rows = np.array([place.get(document, -1) for document in documents], np.int32)
        whole = len(readable) == len(ids)
        matrix = vectors.vectors if whole else vectors.vectors[readable]
        table = update(self.table, matrix, self.keys, references.keys, references.vectors, rows)
        return NeighbourState(documents, references.keys, table)

    def save(self, warehouse: Warehouse, path: PurePath) -> None:
        """Write the state in one step."""
        position = pa.array(np.ascontiguousarray(self.table.position).ravel())
        score = pa.array(np.ascontiguousarray(self.table.score).ravel())
        batch = pa.record_batch(
            {
                "document": pa.array(self.documents, pa.string()),
                "position": pa.FixedSizeListArray.from_arrays(position, CACHED_NEIGHBOURS),
                "score": pa.FixedSizeListArray.from_arrays(score, CACHED_NEIGHBOURS),
                "length": pa.array(self.table.length),
            }
        )
        metadata = {"autolabel.references": json.dumps(self.keys)}
        warehouse.write_batch(path, batch.replace_schema_metadata(metadata))


def _empty(n: int = 0) -> NeighbourTable:
    return NeighbourTable(
        np.full((n, CACHED_NEIGHBOURS), -1, np.int32),
        np.full((n, CACHED_NEIGHBOURS), -np.inf, np.float32),
        np.zeros(n, np.int32),
    )
