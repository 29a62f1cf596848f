"""Computes the stability of the current clusters, once for each run."""

from __future__ import annotations

import numpy as np

from autolabel_core.clusters.algorithms.result import NOISE, Clustering, Node
from autolabel_core.clusters.algorithms.stability import tree_stability
from autolabel_core.clusters.definition_state import DefinitionState
from autolabel_core.clusters.documents import Matrix
from autolabel_core.foundation.errors import NotFoundError
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.tables.cluster_files import RunFiles, texts


def stabilities(state: DefinitionState) -> dict[str, float]:
    """Return the stability of each cluster of the run in force; it is computed once and kept.

    Args:
        state: the definition, with a complete run in force.

    Returns:
        Mean Jaccard over resamples by cluster id, from 0 (never found again) to 1 (always).
    """
    run = run_in_force(state)
    known = run.stability
    if known is None:
        vectors, clustering = _as_it_was(state, run)
        rng = np.random.default_rng(int(fingerprint(run.run_id), 16))
        by_node = tree_stability(vectors, clustering, state.definition, rng)
        ids = [node.local_id for node in clustering.nodes]
        known = dict(zip(ids, by_node.tolist(), strict=True))
        run.write_stability(known)
    return known


def _as_it_was(state: DefinitionState, run: RunFiles) -> tuple[Matrix, Clustering]:
    """Return the run with the vectors of its documents; only sub-clusters need those."""
    leaf = np.array([run.place.get(c, NOISE) for c in texts(run.members, "cluster_id")], np.int32)
    reduced, vectors = run.reduced, run.reduced
    if state.definition.hierarchical:
        rows = state.documents.rows
        place = dict(zip(rows.document_ids, range(len(rows.document_ids)), strict=True))
        own = [place.get(document, -1) for document in texts(run.members, "document_id")]
        kept = np.flatnonzero(np.array(own) >= 0)
        leaf, reduced, vectors = leaf[kept], reduced[kept], rows.vectors[np.array(own)[kept]]
    nodes = []
    for row in run.clusters:
        below = [i for i, c in enumerate(run.place) if row["cluster_id"] in run.lineage[c]]
        members = np.flatnonzero(np.isin(leaf, below))
        above, children = row["parent_cluster_id"], tuple(row["child_cluster_ids"])
        nodes.append(Node(row["cluster_id"], above, children, row["hierarchy_level"], members))
    return vectors, Clustering(leaf, tuple(nodes), reduced, {})


def run_in_force(state: DefinitionState) -> RunFiles:
    """Return the files of the last successful run.

    Args:
        state: the definition.

    Returns:
        The run.

    Raises:
        NotFoundError: there is none, or its files are gone.
    """
    if state.last is None or not state.last.complete:
        raise NotFoundError(
            f"`{state.name}` has no run in force. "
            f"`autolabel clusters run {state.collection.name}` makes one."
        )
    return state.last
