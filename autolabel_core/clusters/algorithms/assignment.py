"""Assigns documents to known clusters: to the nearest centroid by cosine, or to none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autolabel_core.matching.nearest import nearest

FEW = 0.01
"""The share of members that is left out: the least alike of a large cluster."""
ROUNDING = 1e-6


@dataclass(frozen=True)
class Assigned:
    """Where n documents belong.

    Attributes:
        index: (n,) position of the nearest centroid, -1 where none is near enough.
        cosine: (n,) cosine to the nearest centroid in [-1, 1], 1 is the same direction, also where
            it is not near enough; `-inf` without centroids.
    """

    index: NDArray[np.int32]
    cosine: NDArray[np.float32]


def assign(
    vectors: NDArray[np.float32],
    centroids: NDArray[np.float32],
    threshold: float | NDArray[np.float32],
) -> Assigned:
    """Put each document to the nearest centroid that is near enough; ties to the first.

    Args:
        vectors: (n, d) rows of unit length.
        centroids: (k, d) rows of unit length.
        threshold: the lowest cosine at which a document is assigned: -1 assigns all, 1 only what
            points the same way; one number, or (k,) one for each centroid.

    Returns:
        Positions and cosines.
    """
    found = nearest(vectors, centroids, 1)
    position, cosine = found.position[:, 0], found.score[:, 0]
    if not len(centroids):
        return Assigned(np.full(len(vectors), -1, np.int32), cosine)
    limits = np.broadcast_to(np.asarray(threshold, np.float32), len(centroids))
    return Assigned(np.where(cosine >= limits[position], position, np.int32(-1)), cosine)


def own_thresholds(
    cosine: NDArray[np.float32], assigned: NDArray[np.int32], count: int
) -> NDArray[np.float32]:
    """Return the cosine that nearly all members of each cluster reach: like them is near enough.

    What a cosine means depends on the encoder and on the cluster, so that no number fits all.

    Args:
        cosine: (n,) cosine of each row to the centroid of its cluster.
        assigned: (n,) the cluster of each row, below 0 is noise.
        count: how many clusters there are, k.

    Returns:
        (k,) the cosine that 99 % of the members reach, all of fewer than a hundred; infinite for a
        cluster without members.
    """
    thresholds = np.full(count, np.inf, np.float32)
    for cluster in np.unique(assigned[assigned >= 0]).tolist():
        own = np.sort(cosine[assigned == cluster])
        thresholds[cluster] = own[int(len(own) * FEW)] - ROUNDING
    return thresholds
