"""Put documents to known clusters: the nearest centroid by cosine, or none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autolabel_core.matching.nearest import nearest


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
    vectors: NDArray[np.float32], centroids: NDArray[np.float32], threshold: float
) -> Assigned:
    """Put each document to the nearest centroid that is near enough; ties to the first.

    Args:
        vectors: (n, d) rows of unit length.
        centroids: (k, d) rows of unit length.
        threshold: the lowest cosine at which a document is assigned: -1 assigns all, 1 only what
            points the same way.

    Returns:
        Positions and cosines.
    """
    found = nearest(vectors, centroids, 1)
    position, cosine = found.position[:, 0], found.score[:, 0]
    return Assigned(np.where(cosine >= threshold, position, np.int32(-1)), cosine)
