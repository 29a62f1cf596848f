"""Makes names of similar clusters equal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from autolabel_core.clusters.naming.samples import ClusterName

Embed = Callable[[Sequence[str]], npt.NDArray[np.float32]]
"""Vectors `(n, d)` of texts, rows of unit length."""


def merge_alike(
    names: Mapping[str, ClusterName],
    sizes: Mapping[str, int],
    embed: Embed,
    min_cosine: float,
) -> tuple[dict[str, ClusterName], dict[str, str]]:
    """Give clusters whose labels mean the same the label of the largest of them.

    The labels' vectors are compared, not the clusters': centroids of different things lie close in
    many feature spaces, and what shall be one is the name. Each label joins the nearest label of a
    larger cluster, so that a chain of small steps does not merge what is far apart.

    Args:
        names: by cluster id.
        sizes: number of members by cluster id.
        embed: makes vectors of labels.
        min_cosine: labels at least so similar are one.

    Returns:
        The names, summaries, keywords and confidences as they were; and which cluster took the
        label of which.
    """
    order = sorted(names, key=lambda cluster_id: (-sizes[cluster_id], cluster_id))
    vectors = embed([names[cluster_id].label.casefold() for cluster_id in order])
    leaders: list[int] = []
    merged: dict[str, str] = {}
    for row, cluster_id in enumerate(order):
        cosines = vectors[leaders] @ vectors[row]
        if leaders and cosines.max() >= min_cosine:
            merged[cluster_id] = order[leaders[int(np.argmax(cosines))]]
        else:
            leaders.append(row)
    return {
        cluster_id: replace(name, label=names[merged.get(cluster_id, cluster_id)].label)
        for cluster_id, name in names.items()
    }, merged
