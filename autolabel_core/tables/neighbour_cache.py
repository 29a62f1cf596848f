"""A cache of each batch's nearest references between relabellings; exact, rebuilt when lost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from autolabel_core.matching.decision_engine import KEPT_NEIGHBOURS
from autolabel_core.matching.nearest import ABSENT, Nearest
from autolabel_core.matching.neighbour_lists import (
    CACHED_NEIGHBOURS,
    NeighbourTable,
    follow,
    published,
)
from autolabel_core.storage.typed_rows import texts_of
from autolabel_core.storage.warehouse import VectorTable, Warehouse, matrix_of
from autolabel_core.tables.known_references import NONE, ReferenceEdits, references_of


@dataclass(frozen=True)
class NeighbourState:
    """Neighbours of a batch under some references.

    Attributes:
        documents: (n,) `id:content` of each document.
        references: name of the references; see `KnownReferences`.
        table: the neighbours.
        note: what else was true when it was written.
    """

    documents: list[str]
    references: str
    table: NeighbourTable
    note: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, warehouse: Warehouse, path: PurePath) -> NeighbourState:
        """Read a state; an absent or unreadable one is empty, which means: compute in full."""
        try:
            batch = warehouse.read_batch(path)
        except (OSError, pa.ArrowInvalid):
            return cls([], NONE, _empty())
        references = references_of(warehouse, path)
        if references == NONE:  # Earlier versions kept the references in the file itself.
            return cls([], NONE, _empty())
        position = matrix_of(batch, "position").astype(np.int32, copy=False)
        score = matrix_of(batch, "score")
        table = NeighbourTable(position, score, batch.column("length").to_numpy())
        note = json.loads((batch.schema.metadata or {}).get(b"autolabel.note", b"{}"))
        return cls(texts_of(batch, "document"), references, table, note)

    def updated(
        self, vectors: VectorTable, readable: npt.NDArray[np.int64], edits: ReferenceEdits
    ) -> NeighbourState:
        """Bring the state up to date with the batch's readable documents and the references."""
        ids, contents = vectors.document_ids, vectors.content_hashes
        documents = [f"{ids[i]}:{contents[i]}" for i in readable.tolist()]
        if not edits.now.keys:
            return NeighbourState(documents, edits.now.name, _empty(len(documents)))
        known, edit = self, edits.since(self.references)
        if edit is None:
            known, edit = NeighbourState([], NONE, _empty()), edits.since(NONE)
        assert edit is not None
        place = {document: row for row, document in enumerate(known.documents)}
        rows = np.array([place.get(document, -1) for document in documents], np.int32)
        if not len(edit.references.moved):
            rows = np.full(len(documents), -1, np.int32)
        whole = len(readable) == len(ids)
        matrix = vectors.vectors if whole else vectors.vectors[readable]
        table = follow(known.table, matrix, edit.references, edits.vectors, rows)
        return NeighbourState(documents, edits.now.name, table)

    def published_at(
        self,
        readable: npt.NDArray[np.int64],
        places: npt.NDArray[np.int64],
        own_position: npt.NDArray[np.int32],
    ) -> Nearest:
        """Show the nearest other references of some documents of the batch.

        Args:
            readable: (n,) where the documents of this state are in the batch, rising.
            places: (m,) where the wanted documents are in the batch.
            own_position: (m,) where each is itself among the references, -1 where it is none.

        Returns:
            Positions and scores, both (m, KEPT_NEIGHBOURS); -1 for the unreadable.
        """
        position = np.full((len(places), KEPT_NEIGHBOURS), -1, np.int32)
        score = np.full((len(places), KEPT_NEIGHBOURS), ABSENT, np.float32)
        is_readable = np.isin(places, readable)
        rows = np.searchsorted(readable, places[is_readable])
        table = self.table
        some = NeighbourTable(table.position[rows], table.score[rows], table.length[rows])
        near = published(some, own_position[is_readable], KEPT_NEIGHBOURS)
        position[is_readable], score[is_readable] = near.position, near.score
        return Nearest(position, score)

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
        metadata = {
            "autolabel.references_name": self.references,
            "autolabel.note": json.dumps(dict(self.note)),
        }
        warehouse.write_batch(path, batch.replace_schema_metadata(metadata))


def _empty(n: int = 0) -> NeighbourTable:
    return NeighbourTable(
        np.full((n, CACHED_NEIGHBOURS), -1, np.int32),
        np.full((n, CACHED_NEIGHBOURS), -np.inf, np.float32),
        np.zeros(n, np.int32),
    )
