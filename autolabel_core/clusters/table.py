"""The table of clusters: groups of documents without a label, with ids that persist.

A full run happens when it was asked for, or when no run by the present declaration exists; between
full runs new documents take the nearest cluster.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import PurePath

import pyarrow as pa

from autolabel_core.clusters.charts import cluster_pictures
from autolabel_core.clusters.definition_state import DefinitionState
from autolabel_core.clusters.documents import ClusterDocuments
from autolabel_core.clusters.full_run import run_in_full
from autolabel_core.clusters.report import cluster_report
from autolabel_core.declarations import Cluster, Collection
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.foundation.json_types import Report
from autolabel_core.foundation.progress import Progress, no_progress
from autolabel_core.tables.cluster_files import (
    CENTROIDS,
    CLUSTERS,
    CURRENT,
    NAME_COLUMNS,
    name_columns,
    texts,
)
from autolabel_core.tables.fingerprints import UNFINISHED
from autolabel_core.tables.table import WHOLE, DerivedTable
from autolabel_core.tables.workspace import OpenCollection

_SUMMARY: list[tuple[str, pa.DataType]] = [
    ("cluster_name", pa.string()),
    *((field.name, field.type) for field in CENTROIDS),
    ("documents", pa.int64()),
    *NAME_COLUMNS,
    ("run_id", pa.string()),
]
SUMMARY = pa.schema(_SUMMARY)
MEMBERSHIP = CURRENT.append(pa.field("cluster_name", pa.string()))


class Clusters(DerivedTable):
    """One file that lists the clusters of all definitions; each has its own members beside it."""

    name = CLUSTERS
    partitioned = False
    is_begun_anew = False
    upstream = ("embeddings", "taxonomy_labels")

    @classmethod
    def upstream_of(cls, collection: Collection) -> tuple[str, ...]:
        """Return what makes clusters stale: labels only where a filter looks at them."""
        return cls.upstream if any(d.filter for d in collection.clusters) else cls.upstream[:1]

    @classmethod
    def edges(cls, collection: Collection) -> list[tuple[str, str]]:
        """Return what is grouped, of whatever collection; names are made from fields of labels."""
        grouped = {
            name for definition in collection.clusters for name in definition.collection_identifiers
        }
        owners = sorted({collection.collection_name, *grouped})
        return [(owner, name) for owner in owners for name in cls.upstream]

    @property
    def defined(self) -> list[DefinitionState]:
        """The definitions, each with the history as it is now; documents are read once for all."""
        return [DefinitionState(self.collection, c, self._documents_of(c)) for c in self._declared]

    def _documents_of(self, definition: Cluster) -> ClusterDocuments:
        key = (definition.collection_identifiers, definition.feature_uris, definition.filter)
        if key not in self._documents:
            self._documents[key] = ClusterDocuments(self.collection, definition)
        return self._documents[key]

    @cached_property
    def _documents(self) -> dict[tuple[object, ...], ClusterDocuments]:
        return {}

    changed: frozenset[str] | None = None
    """The definitions whose clusters the last `refresh` changed; None before it, which is all."""

    @cached_property
    def _declared(self) -> tuple[Cluster, ...]:
        return self.collection.declaration.clusters

    def path(self, batch: str = WHOLE) -> PurePath:
        """Return the list of all clusters."""
        return self.warehouse.path(self.collection_name, self.name, "clusters.parquet")

    def fingerprint(self, batch: str = WHOLE) -> str | None:
        """Cover runs, what was asked for, and the documents; None while vectors are missing."""
        return state_of(self.defined)

    def needs_own_run(self) -> bool:
        """Whether a full run is due; assigning goes with the uploads."""
        return any(state.due for state in self.defined)

    def refresh(self, batch: str, progress: Progress = no_progress) -> bool:
        """Bring all clusters up to date, and note which definitions changed."""
        self.changed = frozenset()
        return super().refresh(batch, progress)

    def build(self, batch: str, fingerprint: str, progress: Progress) -> None:
        """Do the full runs that are due, then say where everybody is.

        Where somebody asked for runs, those alone are made: what is due by itself is left to the
        next look, because the table is written as unfinished.

        Args:
            batch: the whole.
            fingerprint: what the list is to be made from; after a run it is another.
            progress: told how far the work is.

        Raises:
            AutolabelError: a definition failed; all others are up to date.
        """
        defined = self.defined
        due = [state for state in defined if state.due]
        wanted = [state for state in due if state.history.waiting] or due
        asked = any(state.history.waiting for state in due)
        problems = [
            state.documents.problem for state in defined if state.documents.problem and not asked
        ]
        done = []
        for state in defined:
            current, new_problems = self._brought_up_to_date(state, state in wanted, progress)
            problems += new_problems
            done.append(current)
        rows = [row for state in done for row in _summary(state)]
        table = pa.Table.from_pylist(rows, schema=SUMMARY)
        made_from = state_of(done) or fingerprint
        made_from += UNFINISHED if len(wanted) < len(due) else ""
        self.warehouse.write_table(self.path(), table, made_from)
        if problems:
            raise AutolabelError("\n".join(problems))

    def _brought_up_to_date(
        self, state: DefinitionState, is_wanted: bool, progress: Progress
    ) -> tuple[DefinitionState, list[str]]:
        """Return a definition as it is afterwards, and what went wrong with it alone."""
        problems: list[str] = []
        current = state
        try:
            if is_wanted:
                current = _after_run(state, progress, problems)
            if current.documents.fingerprint is not None and current.write_current():
                self.changed = (self.changed or frozenset()) | {state.name}
        except AutolabelError as error:
            problems.append(f"Clusters `{state.name}`: {error}")
        return current, problems

    def report(self, batch: str = WHOLE) -> Report:
        """Show the figures of the last runs, the clusters, and what became of each."""
        return cluster_report(self.collection, self.defined)

    def pictures(self, batch: str = WHOLE) -> dict[str, bytes]:
        """Draw the map of each definition that changed, and what is in its largest clusters."""
        drawn: dict[str, bytes] = {}
        for state in self.defined:
            if self.changed is not None and state.name not in self.changed:
                continue
            lead = f"{state.name}: " if len(self._declared) > 1 else ""
            drawn |= {f"{lead}{name}": png for name, png in cluster_pictures(state).items()}
        return drawn


def _after_run(state: DefinitionState, progress: Progress, problems: list[str]) -> DefinitionState:
    try:
        run_in_full(state, progress)
    except AutolabelError as error:
        problems.append(str(error))
    return state.read_again()


def state_of(defined: Sequence[DefinitionState]) -> str | None:
    """Return the fingerprint of what the list of all clusters is made from; None without vectors.

    Args:
        defined: all definitions of a collection.

    Returns:
        The fingerprint.
    """
    known = (state.documents.problem or state.documents.fingerprint for state in defined)
    if not any(known):
        return None
    return fingerprint([definition.state for definition in defined])


def _summary(state: DefinitionState) -> list[dict[str, object]]:
    """Return the clusters of the run in force, with the number of documents that each has now."""
    if state.last is None or not state.last.complete:
        return []
    counts: dict[str, int] = {}
    current = state.collection.workspace.warehouse.read_table(state.files.current, ["cluster_id"])
    for cluster in texts(current, "cluster_id"):
        for above in state.last.lineage.get(cluster, ()):
            counts[above] = counts.get(above, 0) + 1
    names = state.history.names
    return [
        {
            **row,
            "cluster_name": state.name,
            "documents": counts.get(row["cluster_id"], 0),
            **name_columns(names.get(row["cluster_id"], {})),
            "run_id": state.last.run_id,
        }
        for row in state.last.clusters
    ]


def cluster_tables(collection: OpenCollection) -> dict[str, pa.Table]:
    """Return the tables `clusters` and `cluster_members` over all definitions of a collection.

    Args:
        collection: opened with its stores.

    Returns:
        The tables by name, with the column `cluster_name`; none where no clusters are declared.
    """
    if not collection.declaration.clusters:
        return {}
    table, warehouse = Clusters(collection), collection.warehouse
    members = [MEMBERSHIP.empty_table()]
    for state in table.defined:
        rows = state.files.current_table(CURRENT.names)
        if rows is not None:
            names = pa.array([state.name] * len(rows), pa.string())
            members.append(rows.append_column("cluster_name", names))
    listed = warehouse.exists(table.path())
    clusters = warehouse.read_table(table.path()) if listed else SUMMARY.empty_table()
    return {"clusters": clusters, "cluster_members": pa.concat_tables(members)}
