"""The files of a cluster definition: the result of each run, and each document's cluster now.

`<collection>/clusters/<name>/runs/<run_id>/` holds what a run found and never changes;
`<collection>/clusters/<name>/members.parquet` is what everybody reads.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePath
from typing import TypeAlias, TypedDict

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from autolabel_core.ledger.clusters import StoredName
from autolabel_core.storage.typed_rows import rows_as, texts_of
from autolabel_core.storage.warehouse import VectorTable, Warehouse, matrix_of, vector_column

CLUSTERS = "clusters"
NOISE_ID = "-1"
COORDINATES = ("x", "y", "z")
_MEMBERS: list[tuple[str, pa.DataType]] = [
    ("document_id", pa.string()),
    ("collection", pa.string()),
    ("key", pa.string()),
    ("content_hash", pa.string()),
    ("cluster_id", pa.string()),
    ("cosine_similarity_to_centroid", pa.float32()),
    *((axis, pa.float32()) for axis in COORDINATES),
]
_CENTROIDS: list[tuple[str, pa.DataType]] = [
    ("cluster_id", pa.string()),
    ("parent_cluster_id", pa.string()),
    ("child_cluster_ids", pa.list_(pa.string())),
    ("hierarchy_level", pa.int32()),
    ("size", pa.int64()),
    ("mean_cosine_similarity", pa.float32()),
    ("min_cosine_similarity", pa.float32()),
    ("silhouette", pa.float32()),
    *((axis, pa.float32()) for axis in COORDINATES),
]
NAME_COLUMNS: list[tuple[str, pa.DataType]] = [
    ("cluster_label", pa.string()),
    ("cluster_summary", pa.string()),
    ("cluster_keywords", pa.string()),
    ("cluster_confidence", pa.float64()),
    ("cluster_extra", pa.string()),
]
_CURRENT: list[tuple[str, pa.DataType]] = [
    *_MEMBERS,
    *NAME_COLUMNS,
    ("mode", pa.string()),
    ("run_id", pa.string()),
]
_STABILITY: list[tuple[str, pa.DataType]] = [
    ("cluster_id", pa.string()),
    ("stability", pa.float32()),
]
MEMBERS, CENTROIDS, CURRENT, STABILITY = map(
    pa.schema, (_MEMBERS, _CENTROIDS, _CURRENT, _STABILITY)
)


class StoredCluster(TypedDict):
    """A cluster of a run: CENTROIDS as a type."""

    cluster_id: str
    parent_cluster_id: str | None
    child_cluster_ids: list[str]
    hierarchy_level: int
    size: int
    mean_cosine_similarity: float
    min_cosine_similarity: float
    silhouette: float | None
    x: float | None
    y: float | None
    z: float | None


class StoredMember(TypedDict):
    """A document of a run, with its cluster: MEMBERS as a type."""

    document_id: str
    collection: str
    key: str
    content_hash: str
    cluster_id: str
    cosine_similarity_to_centroid: float | None
    x: float | None
    y: float | None
    z: float | None


class CurrentMember(StoredMember):
    """A document with its cluster now; `mode` says whether a run put it there or it came since."""

    mode: str
    run_id: str


MemberColumns: TypeAlias = Mapping[str, list[str] | list[float | None]]
"""The columns of MEMBERS, before they are a table."""


class NameColumns(TypedDict):
    """The name of a cluster as tables have it: keywords joined by commas, `extra` as JSON."""

    cluster_label: str | None
    cluster_summary: str | None
    cluster_keywords: str | None
    cluster_confidence: float | None
    cluster_extra: str | None


def name_columns(name: StoredName) -> NameColumns:
    """Return the name of a cluster as tables have it; null where there is none."""
    extra = name.get("extra")
    return {
        "cluster_label": name.get("label"),
        "cluster_summary": name.get("summary"),
        "cluster_keywords": ", ".join(name.get("keywords") or ()) or None,
        "cluster_confidence": name.get("confidence"),
        "cluster_extra": json.dumps(extra, ensure_ascii=False) if extra else None,
    }


@dataclass(frozen=True)
class RunFiles:
    """What one run found; `complete` once all of it is written."""

    warehouse: Warehouse
    folder: PurePath
    run_id: str

    @property
    def complete(self) -> bool:
        """Whether everything is there: the members are written last."""
        return self.warehouse.fingerprint(self.folder / "members.parquet") == self.run_id

    def write(
        self,
        members: MemberColumns,
        clusters: Sequence[StoredCluster],
        centroids: npt.NDArray[np.float32],
        reduced: npt.NDArray[np.float32],
    ) -> None:
        """Write centroids, the preprocessed vectors and the members.

        Args:
            members: (n,) columns of `MEMBERS`.
            clusters: k rows of `CENTROIDS`.
            centroids: (k, d) of unit length.
            reduced: (n, r) the vectors that were grouped.
        """
        table = pa.Table.from_pylist([dict(row) for row in clusters], schema=CENTROIDS)
        table = table.append_column("centroid", vector_column(centroids))
        self.warehouse.write_table(self.folder / "centroids.parquet", table, self.run_id)
        rows = pa.table(dict(members), schema=MEMBERS)
        ids, contents = texts_of(rows, "document_id"), texts_of(rows, "content_hash")
        kept = VectorTable(ids, contents, [None] * len(ids), reduced)
        self.warehouse.write_vectors(self.folder / "reduced.arrow", kept, self.run_id)
        self.warehouse.write_table(self.folder / "members.parquet", rows, self.run_id)

    @cached_property
    def members(self) -> pa.Table:
        """The members, ascending by document id; noise has the cluster `-1`."""
        return self.warehouse.read_table(self.folder / "members.parquet")

    @cached_property
    def clusters(self) -> list[StoredCluster]:
        """The clusters, without their centroids."""
        names = [field.name for field in CENTROIDS]
        table = self.warehouse.read_table(self.folder / "centroids.parquet", names)
        return rows_as(table, StoredCluster)

    @property
    def place(self) -> dict[str, int]:
        """The row of each cluster, by id."""
        return {row["cluster_id"]: i for i, row in enumerate(self.clusters)}

    @property
    def centroids(self) -> npt.NDArray[np.float32]:
        """(k, d) centroids of unit length, in the order of `clusters`."""
        column = self.warehouse.read_table(self.folder / "centroids.parquet", ["centroid"])
        batches = column.combine_chunks().to_batches()
        return matrix_of(batches[0], "centroid") if batches else np.zeros((0, 1), np.float32)

    @property
    def reduced(self) -> npt.NDArray[np.float32]:
        """(n, r) the vectors that were grouped, in the order of `members`."""
        return self.warehouse.read_vectors(self.folder / "reduced.arrow").vectors

    @property
    def stability(self) -> dict[str, float] | None:
        """The stability of each cluster; None before it was computed."""
        path = self.folder / "stability.parquet"
        if self.warehouse.fingerprint(path) != self.run_id:
            return None
        table = self.warehouse.read_table(path)
        return dict(zip(*(table[n].to_pylist() for n in STABILITY.names), strict=True))

    def write_stability(self, stability: Mapping[str, float]) -> None:
        """Keep the stability of each cluster."""
        rows = [{"cluster_id": c, "stability": value} for c, value in stability.items()]
        table = pa.Table.from_pylist(rows, schema=STABILITY)
        self.warehouse.write_table(self.folder / "stability.parquet", table, self.run_id)

    @cached_property
    def lineage(self) -> dict[str, tuple[str, ...]]:
        """Each cluster with its ancestors, itself first."""
        parents = {row["cluster_id"]: row["parent_cluster_id"] for row in self.clusters}
        lineages: dict[str, tuple[str, ...]] = {}
        for cluster in parents:
            line, above = [cluster], parents[cluster]
            while above is not None:
                line.append(above)
                above = parents[above]
            lineages[cluster] = tuple(line)
        return lineages

    @property
    def documents(self) -> dict[str, list[str]]:
        """Documents of each cluster, those of its sub-clusters among them."""
        documents_of: dict[str, list[str]] = {cluster: [] for cluster in self.lineage}
        rows = zip(
            texts(self.members, "document_id"),
            texts(self.members, "cluster_id"),
            strict=True,
        )
        for document, cluster in rows:
            for ancestor in self.lineage.get(cluster, ()):
                documents_of[ancestor].append(document)
        return documents_of


@dataclass(frozen=True)
class DefinitionFiles:
    """The folder of a definition."""

    warehouse: Warehouse
    collection: str
    cluster_name: str

    @property
    def folder(self) -> PurePath:
        """Where everything of the definition lies."""
        return self.warehouse.path(self.collection, CLUSTERS, self.cluster_name)

    @property
    def current(self) -> PurePath:
        """Which cluster every document has now."""
        return self.folder / "members.parquet"

    def current_table(self, columns: Sequence[str]) -> pa.Table | None:
        """Read some columns of the current members; None before there are any.

        Args:
            columns: names of `CURRENT`; one that a file of an older version lacks is null.

        Returns:
            The rows, ascending by document id.
        """
        if not self.warehouse.exists(self.current):
            return None
        table = self.warehouse.read_table(self.current)
        lacking = [name for name in columns if name not in table.column_names]
        for name in lacking:
            nothing = pa.nulls(len(table), CURRENT.field(name).type)
            table = table.append_column(name, nothing)
        return table.select(list(columns)).replace_schema_metadata()

    def run(self, run_id: str) -> RunFiles:
        """Return the files of a run."""
        return RunFiles(self.warehouse, self.folder / "runs" / run_id, run_id)

    def remove(self) -> None:
        """Remove the artifacts of all runs, and the current members."""
        self.warehouse.remove(self.folder)


def texts(table: pa.Table, name: str) -> list[str]:
    """Return a column that has a text in every row."""
    return texts_of(table, name)
