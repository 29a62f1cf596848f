"""The state of one cluster definition: its history, whether a run is due, and current members."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from autolabel_core.clusters.algorithms.assignment import assign, own_thresholds
from autolabel_core.clusters.documents import ClusterDocuments
from autolabel_core.clusters.history import History, read_history
from autolabel_core.declarations import Cluster
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.tables.cluster_files import (
    COORDINATES,
    CURRENT,
    NOISE_ID,
    DefinitionFiles,
    NameColumns,
    RunFiles,
    name_columns,
    texts,
)
from autolabel_core.tables.workspace import OpenCollection

NAMES = tuple(NameColumns.__annotations__)
FIRST_DOCUMENTS = 100
"""So many documents make the first run happen by itself; fewer make poor clusters."""
GROWTH_TO_TRY_AGAIN = 2
"""After a run that came to nothing so many times its documents make the next."""

BESIDE_A_RUN = frozenset(
    (
        *("description", "schedule", "triggers", "mode", "assignment_threshold", "enrich"),
        "llm_labeling",
    )
)
"""Keys of a definition that a full run does not depend on."""


class DefinitionState:
    """A definition with its history, its files and its documents; what was read is kept.

    Args:
        owner: the collection that declares it.
        definition: the declaration.
        documents: what it groups, where that has been read already.
    """

    def __init__(
        self,
        owner: OpenCollection,
        definition: Cluster,
        documents: ClusterDocuments | None = None,
    ) -> None:
        self.collection = owner
        self.definition = definition
        self.documents = documents or ClusterDocuments(owner, definition)
        self.files = DefinitionFiles(owner.warehouse, owner.name, definition.cluster_name)

    def read_again(self) -> DefinitionState:
        """Return the definition with the history as it is now, and the documents as they were."""
        return DefinitionState(self.collection, self.definition, self.documents)

    @property
    def name(self) -> str:
        """The definition's name."""
        return self.definition.cluster_name

    @cached_property
    def history(self) -> History:
        """What the ledger knows."""
        return read_history(self.collection.ledger, self.collection.name, self.name)

    @cached_property
    def declaration(self) -> str:
        """Fingerprint of what a full run depends on."""
        return self.declaration_under(self.collection.name)

    def declaration_under(self, name: str) -> str:
        """Return that fingerprint as it was, or would be, under another name of the collection."""
        declared = self.definition.model_dump(mode="json", exclude=set(BESIDE_A_RUN))
        own = self.collection.name
        declared["collection_identifiers"] = [
            name if known == own else known for known in declared["collection_identifiers"]
        ]
        return fingerprint(declared, self.documents.feature_uris)

    @cached_property
    def last(self) -> RunFiles | None:
        """The files of the run in force."""
        run = self.history.last
        return None if run is None else self.files.run(run.run_id)

    @cached_property
    def due(self) -> str:
        """Why a full run is due, in a word for people; empty where none is."""
        if self.documents.fingerprint is None:
            return ""
        if self.history.waiting:
            return f"asked for ({self.history.waiting[-1].payload.get('by')})"
        if self.last is not None and not self.last.complete and self.history.failure is None:
            return "the artifacts of the last run are gone"
        if self.definition.mode == "assign" or self.history.is_answered(self.declaration):
            return ""
        least = FIRST_DOCUMENTS if self.last is None else 1
        in_vain = self.history.in_vain(self.declaration)
        if in_vain is not None:
            least = max(FIRST_DOCUMENTS, GROWTH_TO_TRY_AGAIN * in_vain)
        enough = self.documents.objects >= least and self.documents.count >= least
        return "no run by this declaration yet" if enough else ""

    @cached_property
    def thresholds(self) -> npt.NDArray[np.float32]:
        """(k,) the lowest cosine at which a document is assigned to each cluster in force."""
        assert self.last is not None
        run, declared = self.last, self.definition.assignment_threshold
        if declared != "auto":
            return np.full(len(run.clusters), declared, np.float32)
        leaf = [run.place.get(cluster, -1) for cluster in texts(run.members, "cluster_id")]
        cosine = run.members["cosine_similarity_to_centroid"].to_numpy()
        own = own_thresholds(cosine, np.array(leaf, np.int32), len(run.clusters))
        # A cluster whose members all went into sub-clusters takes what the loosest of them takes.
        for i in np.flatnonzero(~np.isfinite(own)).tolist():
            cluster = run.clusters[i]["cluster_id"]
            below = [run.place[c] for c, line in run.lineage.items() if cluster in line]
            own[i] = own[below].min()
        return own

    @property
    def state(self) -> list[object]:
        """What the current members are made from."""
        run = self.history.last
        return [
            self.name,
            CURRENT.names,
            run.run_id if run else None,
            [request.id for request in self.history.waiting] if self.due else [],
            self.due,
            self.documents.problem,
            self.documents.fingerprint,
            self.definition.assignment_threshold,
            sorted((i, dict(name)) for i, name in self.history.names.items()),
        ]

    def write_current(self) -> bool:
        """Write which cluster every document has now: that of the last run, or the nearest.

        Returns:
            Whether anything had to be written.
        """
        made_from = fingerprint(self.state)
        if self.collection.warehouse.fingerprint(self.files.current) == made_from:
            return False
        self.collection.warehouse.write_table(self.files.current, self._current(), made_from)
        return True

    def _current(self) -> pa.Table:
        if self.last is None or not self.last.complete:
            return CURRENT.empty_table()
        rows = self.documents.rows
        members = self.last.members
        pairs = zip(
            members["document_id"].to_pylist(), members["content_hash"].to_pylist(), strict=True
        )
        place = {pair: i for i, pair in enumerate(pairs)}
        known = zip(rows.document_ids, rows.content_hashes, strict=True)
        run_rows = np.array([place.get(pair, -1) for pair in known], np.int64)
        wanted = np.flatnonzero((run_rows >= 0) | self.documents.passes)
        return self._table(wanted, run_rows[wanted])

    def _table(self, wanted: npt.NDArray[np.int64], run_rows: npt.NDArray[np.int64]) -> pa.Table:
        """Return the rows wanted: with a place in the run they are as it left them."""
        assert self.last is not None
        run, rows = self.last, self.documents.rows.take(wanted)
        fresh = np.flatnonzero(run_rows < 0)
        ids = np.array([row["cluster_id"] for row in run.clusters] + [NOISE_ID], dtype=object)
        nearest = np.full(len(wanted), -1, np.int64)
        cosine = np.full(len(wanted), None, dtype=object)
        if len(fresh) and len(run.clusters):
            assigned = assign(rows.vectors[fresh], run.centroids, self.thresholds)
            nearest[fresh] = assigned.index
            given = assigned.index >= 0
            cosine[fresh[given]] = assigned.cosine[given].astype(object)
        clusters, old = ids[nearest], np.flatnonzero(run_rows >= 0)
        columns: dict[str, npt.NDArray[np.object_]] = {
            axis: np.full(len(wanted), None, object) for axis in COORDINATES
        }
        columns["cosine_similarity_to_centroid"] = cosine
        for name, column in columns.items():
            column[old] = _values(run.members, name)[run_rows[old]]
        clusters[old] = _values(run.members, "cluster_id")[run_rows[old]]
        known = self.history.names
        named = {cluster: name_columns(known.get(cluster, {})) for cluster in set(clusters)}
        names = [named[cluster] for cluster in clusters.tolist()]
        return pa.table(
            {
                "document_id": rows.document_ids,
                "collection": rows.collections,
                "key": rows.keys,
                "content_hash": rows.content_hashes,
                "cluster_id": clusters.tolist(),
                **{name: column.tolist() for name, column in columns.items()},
                **{column: [dict(name)[column] for name in names] for column in NAMES},
                "mode": np.where(run_rows < 0, "assign", "full").tolist(),
                "run_id": [run.run_id] * len(wanted),
            },
            schema=CURRENT,
        )


def _values(table: pa.Table, name: str) -> npt.NDArray[np.object_]:
    values = np.empty(len(table), dtype=object)
    values[:] = table[name].to_pylist()
    return values
