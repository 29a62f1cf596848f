"""Groups documents, matches the clusters to those of the last run, and writes the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from autolabel_core.clusters.algorithms.id_matching import Identities, match_identities
from autolabel_core.clusters.algorithms.metrics import Quality, measure
from autolabel_core.clusters.algorithms.pipeline import Clustering, cluster_vectors
from autolabel_core.clusters.algorithms.projection import project
from autolabel_core.clusters.documents import VectorRows
from autolabel_core.declarations import Cluster
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.progress import Progress
from autolabel_core.tables.cluster_files import (
    NOISE_ID,
    MemberColumns,
    RunFiles,
    StoredCluster,
)

CENTRAL_MEMBERS = 50
"""So many of the most central documents of a cluster are in the ledger: they tell which it was."""


class NothingFoundError(AutolabelError):
    """There is no cluster: too few documents, or all of them are noise."""


@dataclass(frozen=True)
class RunResult:
    """What a run found, before it is written.

    Attributes:
        rows: the n documents.
        clustering: their clusters, by local ids.
        identities: the ids that the clusters have outside of this run.
        coordinates: (n, 2 or 3) float32 of the map; no columns where none is wanted.
        assignment_threshold: the definition's; None where it is taken from the run.
    """

    rows: VectorRows
    clustering: Clustering
    identities: Identities
    coordinates: npt.NDArray[np.float32]
    assignment_threshold: float | None

    @cached_property
    def ids(self) -> list[str]:
        """(k,) identity of each node."""
        return [self.identities.ids[node.local_id] for node in self.clustering.nodes]

    @cached_property
    def levels(self) -> list[list[int]]:
        """Nodes of each level of the hierarchy."""
        nodes = list(enumerate(self.clustering.nodes))
        levels = range(self.clustering.depth)
        return [[i for i, node in nodes if node.level == level] for level in levels]

    @cached_property
    def qualities(self) -> list[Quality]:
        """How good each level is, in the space of the vectors; the first speaks for the run."""
        qualities = []
        for nodes in self.levels:
            assigned = np.full(len(self.rows.document_ids), -1, np.int32)
            for place, node in enumerate(nodes):
                assigned[self.clustering.nodes[node].members] = place
            qualities.append(
                measure(
                    self.rows.vectors,
                    assigned,
                    len(nodes),
                    assignment_threshold=self.assignment_threshold,
                )
            )
        return qualities

    @cached_property
    def places(self) -> list[tuple[int, int]]:
        """(k,) level of each node and its place there."""
        place = {n: (lv, i) for lv, nodes in enumerate(self.levels) for i, n in enumerate(nodes)}
        return [place[node] for node in range(len(self.clustering.nodes))]

    @property
    def centroids(self) -> npt.NDArray[np.float32]:
        """(k, d) centroids of unit length."""
        return np.stack([self.qualities[level].centroids[i] for level, i in self.places])

    @cached_property
    def cosines(self) -> npt.NDArray[np.float32]:
        """(n,) cosine to the centroid of the deepest cluster; NaN for noise."""
        leaf = self.clustering.leaf
        cosines = np.full(len(leaf), np.nan, np.float32)
        for node, (level, _) in enumerate(self.places):
            own = leaf == node
            cosines[own] = self.qualities[level].cosine_similarity_to_centroid[own]
        return cosines

    def members(self) -> MemberColumns:
        """Return the columns of the members."""
        ids = np.array([*self.ids, NOISE_ID], dtype=object)
        return {
            "document_id": self.rows.document_ids,
            "collection": self.rows.collections,
            "key": self.rows.keys,
            "content_hash": self.rows.content_hashes,
            "cluster_id": ids[self.clustering.leaf].tolist(),
            "cosine_similarity_to_centroid": _nullable(self.cosines),
            "x": self._axis(0),
            "y": self._axis(1),
            "z": self._axis(2),
        }

    def _axis(self, i: int) -> list[float | None]:
        if i < self.coordinates.shape[1]:
            return _nullable(self.coordinates[:, i])
        return [None] * len(self.rows.document_ids)

    def clusters(self) -> list[StoredCluster]:
        """Return one row for each cluster."""
        return [self._cluster(i) for i in range(len(self.clustering.nodes))]

    def _cluster(self, i: int) -> StoredCluster:
        node, (level, place) = self.clustering.nodes[i], self.places[i]
        quality, ids = self.qualities[level], self.identities.ids
        placed = self.coordinates[node.members]
        middle = placed[np.isfinite(placed).all(axis=1)].mean(axis=0)
        x, y, z = (*_nullable(middle), None, None, None)[:3]
        return {
            "cluster_id": self.ids[i],
            "parent_cluster_id": ids[node.parent] if node.parent is not None else None,
            "child_cluster_ids": [ids[child] for child in node.children],
            "hierarchy_level": level,
            "size": len(node.members),
            "mean_cosine_similarity": float(quality.mean_cosine_similarity[place]),
            "min_cosine_similarity": float(quality.min_cosine_similarity[place]),
            "silhouette": _nullable(quality.silhouette[[place]])[0],
            "x": x,
            "y": y,
            "z": z,
        }

    def central_members(self, i: int) -> list[int]:
        """Return the most central rows of a cluster, the nearest to its centroid first."""
        members = self.clustering.nodes[i].members
        level, place = self.places[i]
        cosines = self.rows.vectors[members] @ self.qualities[level].centroids[place]
        order = np.lexsort((members, -cosines))[:CENTRAL_MEMBERS]
        return [int(row) for row in members[order]]


def group(
    rows: VectorRows,
    definition: Cluster,
    previous: Mapping[str, Sequence[str]],
    used: frozenset[str],
    whole: bool,
    progress: Progress,
) -> RunResult:
    """Group documents, and give each cluster the id that it had before.

    Args:
        rows: the documents.
        definition: how.
        previous: documents of each cluster of the last run.
        used: every id that was ever given.
        whole: whether `previous` names all documents of those clusters; else some of them, and
            only those are compared.
        progress: told how far the work is.

    Returns:
        What was found.

    Raises:
        NothingFoundError: no cluster was found; those of the last run are kept.
    """
    clustering = cluster_vectors(rows.vectors, definition, progress)
    if not clustering.nodes:
        raise NothingFoundError(
            f"no cluster among {len(rows.document_ids)} documents: "
            f"{clustering.chosen.get('reason') or 'all of them are noise'}"
        )
    known = (
        None if whole else {document for documents in previous.values() for document in documents}
    )
    current = {
        node.local_id: [
            rows.document_ids[i]
            for i in node.members.tolist()
            if known is None or rows.document_ids[i] in known
        ]
        for node in clustering.nodes
    }
    identities = match_identities(previous, current, used)
    drawn = definition.dimension_reduction
    if drawn is None:
        coordinates = np.zeros((len(rows.document_ids), 0), np.float32)
    else:
        coordinates = project(clustering.reduced, drawn.method, drawn.components, definition.seed)
    threshold = definition.assignment_threshold
    declared = None if threshold == "auto" else threshold
    return RunResult(rows, clustering, identities, coordinates, declared)


def keep(grouped: RunResult, files: RunFiles) -> None:
    """Write what a run found; the same run writes the same bytes."""
    files.write(
        grouped.members(), grouped.clusters(), grouped.centroids, grouped.clustering.reduced
    )


def _nullable(values: npt.NDArray[np.float32]) -> list[float | None]:
    return [None if value != value else value for value in values.tolist()]
