"""Builds clusters within clusters: each large cluster is clustered again by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from autolabel_core.clusters.algorithms.algorithms import fit
from autolabel_core.clusters.algorithms.metrics import silhouettes
from autolabel_core.clusters.algorithms.preprocessing import preprocess
from autolabel_core.clusters.algorithms.result import Draft
from autolabel_core.declarations.cluster import Cluster
from autolabel_core.declarations.clustering_parameters import Hdbscan

ENOUGH_MEMBERS = 4
"""A cluster is divided again when it has so many times `min_cluster_size`."""
MOST_NOISE = 0.5
"""A division that leaves more of the members as noise is not kept."""
LEAST_SILHOUETTE = 0.1
"""Nor one whose parts are not further apart than this, from -1 to 1, in the original space."""


def top_level(labels: NDArray[np.int32], count: int) -> list[Draft]:
    """Return the clusters of the first level.

    Args:
        labels: (n,) cluster of each row, -1 is noise.
        count: how many there are.

    Returns:
        One for each, in order.
    """
    return [Draft(f"cl_{c}", -1, 0, np.flatnonzero(labels == c)) for c in range(count)]


def divide(vectors: NDArray[np.float32], drafts: list[Draft], definition: Cluster) -> list[Draft]:
    """Divide clusters until they are too small, too deep, or one thing.

    Args:
        vectors: (n, d) rows of unit length.
        drafts: the first level.
        definition: its steps are done for each cluster alone; another algorithm than hdbscan finds
            the first level only, below it is hdbscan with its defaults.

    Returns:
        The first level and all below, each after its parent.
    """
    params = sub_params(definition)
    nodes = list(drafts)
    for index, draft in enumerate(nodes):  # grows while it is walked
        if draft.level + 1 >= definition.max_hierarchy_depth:
            break
        if len(draft.rows) < ENOUGH_MEMBERS * params["min_cluster_size"]:
            continue
        for number, rows in enumerate(_parts(vectors, draft.rows, definition, params)):
            nodes.append(Draft(f"{draft.local_id}_sub_{number}", index, draft.level + 1, rows))
    return nodes


def sub_params(definition: Cluster) -> dict[str, Any]:
    """Return the parameters of hdbscan that sub-clusters are found with."""
    if definition.algorithm == "hdbscan":
        return definition.algorithm_params
    return Hdbscan().model_dump(exclude_none=True)


def _parts(
    vectors: NDArray[np.float32],
    rows: NDArray[np.int64],
    definition: Cluster,
    params: dict[str, Any],
) -> list[NDArray[np.int64]]:
    reduced, _ = preprocess(vectors[rows], definition.preprocessing_steps, definition.seed)
    fitted = fit("hdbscan", reduced, params, definition.seed)
    if fitted.count < 2 or np.mean(fitted.labels < 0) > MOST_NOISE:
        return []
    own = silhouettes(vectors[rows], fitted.labels, fitted.count)
    if np.nanmean(own) < LEAST_SILHOUETTE:
        return []
    return [rows[fitted.labels == part] for part in range(fitted.count)]
