"""Makes the clusters of a past run again around their central documents, which the ledger names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from autolabel_core.clusters.algorithms.assignment import assign
from autolabel_core.clusters.algorithms.id_matching import Identities
from autolabel_core.clusters.algorithms.result import Clustering, Node
from autolabel_core.clusters.documents import VectorRows
from autolabel_core.clusters.run_result import RunResult

BELOW = "_sub_"


def group_around(
    rows: VectorRows,
    central: Mapping[str, Sequence[str]],
    noise_ratio: float,
    assignment_threshold: float | None,
) -> RunResult | None:
    """Put each document to the cluster whose central documents are the nearest.

    It is no clustering: it keeps clusters that the ledger knows where the documents that they were
    found in are there no more.

    Args:
        rows: the documents, n of them.
        central: documents of each cluster, by id.
        noise_ratio: share of the rows that belong to no cluster, from 0 to 1: the farthest.
        assignment_threshold: the definition's; None where it is taken from the run.

    Returns:
        The clusters that have a central document left, under their ids and without a map; None
        where there is none.
    """
    place = {document: i for i, document in enumerate(rows.document_ids)}
    left = {
        cluster: [place[document] for document in documents if document in place]
        for cluster, documents in central.items()
    }
    leaves = [
        cluster
        for cluster, members in sorted(left.items())
        if members and not any(o.startswith(f"{cluster}{BELOW}") and left[o] for o in left)
    ]
    if not leaves:
        return None
    centroids = np.stack([_centroid(rows.vectors[left[cluster]]) for cluster in leaves])
    assigned = assign(rows.vectors, centroids, -1.0)
    limit = np.quantile(assigned.cosine, noise_ratio) if noise_ratio else -1.0
    nearest = np.where(assigned.cosine >= limit, assigned.index, -1)
    for i, cluster in enumerate(leaves):
        nearest[left[cluster]] = i
    nodes = _nodes(leaves, nearest)
    number = {node.local_id: i for i, node in enumerate(nodes)}
    leaf = np.array([number[leaves[i]] if i >= 0 else -1 for i in nearest.tolist()], np.int32)
    clustering = Clustering(leaf, nodes, rows.vectors, {})
    identities = Identities({node.local_id: node.local_id for node in nodes}, ())
    no_map = np.zeros((len(leaf), 0), np.float32)
    return RunResult(rows, clustering, identities, no_map, assignment_threshold)


def _centroid(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    mean = vectors.mean(axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), np.float32)


def _nodes(leaves: Sequence[str], nearest: npt.NDArray[np.int64]) -> tuple[Node, ...]:
    """Return the leaves and what is above them, each after its parent."""
    members: dict[str, list[int]] = {}
    for i, leaf in enumerate(leaves):
        parts = leaf.split(BELOW)
        for depth in range(1, len(parts) + 1):
            own = members.setdefault(BELOW.join(parts[:depth]), [])
            own.extend(np.flatnonzero(nearest == i).tolist())
    ordered = sorted(members, key=lambda cluster: (cluster.count(BELOW), cluster))
    return tuple(
        Node(
            cluster,
            cluster.rpartition(BELOW)[0] or None,
            tuple(c for c in ordered if c.rpartition(BELOW)[0] == cluster),
            cluster.count(BELOW),
            np.array(sorted(members[cluster]), np.int64),
        )
        for cluster in ordered
    )
