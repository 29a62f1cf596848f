"""Computes two-dimensional coordinates for the map of a run."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from autolabel_core.clusters.algorithms.preprocessing import preprocess
from autolabel_core.declarations.cluster import PreprocessingStep

MAP_NEIGHBOURS = 15
MAP_MIN_DIST = 0.1


def project(
    vectors: NDArray[np.float32], method: Literal["umap", "pca"], components: int, seed: int
) -> NDArray[np.float32]:
    """Lay rows out on a map: near on the map is near among the vectors.

    Args:
        vectors: (n, d), best the reduced vectors of the run, so that the map shows what was
            grouped; rows that are not finite stay without a place.
        method: `umap` keeps neighbourhoods, `pca` large distances; pca is a hundred times faster.
        components: 2, or 3 where the third is drawn as the size of the dots.
        seed: of everything random.

    Returns:
        (n, components), each component of zero mean; nan for rows without a place.
    """
    coordinates = np.full((len(vectors), components), np.nan, np.float32)
    rows = np.flatnonzero(np.isfinite(vectors).all(axis=1))
    step = PreprocessingStep(method="pca", n_components=components)
    # UMAP needs two rows more than components; fewer are laid out by their variance.
    if method == "umap" and len(rows) > components + 2:
        step = PreprocessingStep(
            method="umap",
            n_components=components,
            n_neighbors=MAP_NEIGHBOURS,
            min_dist=MAP_MIN_DIST,
            metric="euclidean",
        )
    placed = preprocess(vectors[rows], [step], seed)[0][:, :components]
    coordinates[rows] = 0.0
    coordinates[rows, : placed.shape[1]] = placed - placed.mean(axis=0) if len(rows) else placed
    return coordinates
