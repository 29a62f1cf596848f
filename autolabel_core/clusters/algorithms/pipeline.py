"""A full clustering run: sample, preprocess, cluster, divide; deterministic for the same rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from autolabel_core.clusters.algorithms.algorithms import Fitted, fit
from autolabel_core.clusters.algorithms.assignment import assign, own_thresholds
from autolabel_core.clusters.algorithms.hierarchy import divide, top_level
from autolabel_core.clusters.algorithms.metrics import measure
from autolabel_core.clusters.algorithms.preprocessing import preprocess
from autolabel_core.clusters.algorithms.result import NOISE, Clustering, Draft, Node, deepest, grown
from autolabel_core.declarations.cluster import Cluster
from autolabel_core.foundation.errors import AutolabelError

__all__ = ["Clustering", "Node", "cluster_vectors", "sampled_rows"]

Floats = NDArray[np.float32]
Progress = Callable[[int, int], None]
STEPS = 4
IDENTICAL = 1e-6


def no_progress(_done: int, _total: int) -> None:
    """Report nothing."""


def cluster_vectors(
    vectors: Floats, definition: Cluster, progress: Progress = no_progress
) -> Clustering:
    """Group vectors as a definition says.

    Args:
        vectors: (n, d) rows of unit length, sorted by document id: then the order in which
            documents arrived changes nothing.
        definition: the declaration.
        progress: told how far the work is.

    Returns:
        The clusters. Too few rows, nothing but noise, and one thing many times are results, told in
        `chosen["reason"]`.

    Raises:
        AutolabelError: a value is not finite, or the algorithm refuses.
    """
    wrong = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(wrong):
        raise AutolabelError(
            f"{len(wrong)} of {len(vectors)} vectors hold values that are not finite, the first is "
            f"row {wrong[0]}. Embed these documents again, or leave them out by `filter`."
        )
    rows = sampled_rows(len(vectors), definition)
    reduced, steps, fitted = _grouped(vectors[rows], definition, progress)
    drafts = top_level(fitted.labels, fitted.count)
    if definition.hierarchical:
        drafts = divide(vectors[rows], drafts, definition)
    progress(STEPS - 1, STEPS)
    leaf = _everywhere(vectors, rows, deepest(drafts, len(rows)), drafts, definition)
    clustering = Clustering(
        leaf,
        grown(drafts, leaf),
        _spread(reduced, rows, len(vectors)),
        _chosen(definition, steps, fitted, len(rows), len(vectors)),
    )
    progress(STEPS, STEPS)
    return clustering


def sampled_rows(count: int, definition: Cluster) -> NDArray[np.int64]:
    """Return the rows that are grouped, ascending: all, or `sample_size` drawn by the seed."""
    if definition.sample_size is None or definition.sample_size >= count:
        return np.arange(count)
    rng = np.random.default_rng(definition.seed)
    return np.sort(rng.choice(count, definition.sample_size, replace=False))


def _grouped(
    vectors: Floats, definition: Cluster, progress: Progress
) -> tuple[Floats, list[dict[str, object]], Fitted]:
    """Preprocess and group; rows that are all the same are one cluster without further work."""
    n = len(vectors)
    if n > 1 and np.abs(vectors - vectors[0]).max() < IDENTICAL:
        reason = f"all {n} vectors are the same: they are one cluster"
        return vectors, [], Fitted(np.zeros(n, np.int32), 1, reason)
    reduced, steps = preprocess(vectors, definition.preprocessing_steps, definition.seed)
    progress(1, STEPS)
    fitted = fit(definition.algorithm, reduced, definition.algorithm_params, definition.seed)
    progress(2, STEPS)
    return reduced, steps, fitted


def _everywhere(
    vectors: Floats,
    rows: NDArray[np.int64],
    leaf: NDArray[np.int32],
    drafts: list[Draft],
    definition: Cluster,
) -> NDArray[np.int32]:
    """Assign the rows outside the sample to the nearest of the deepest clusters."""
    if len(rows) == len(vectors):
        return leaf
    everywhere = np.full(len(vectors), NOISE, np.int32)
    everywhere[rows] = leaf
    rest = np.setdiff1d(np.arange(len(vectors)), rows, assume_unique=True)
    quality = measure(vectors[rows], leaf, len(drafts))
    present = np.flatnonzero(quality.size).astype(np.int32)
    threshold = definition.assignment_threshold
    limits: Floats | float = (
        own_thresholds(quality.cosine_similarity_to_centroid, leaf, len(drafts))[present]
        if threshold == "auto"
        else threshold
    )
    assigned = assign(vectors[rest], quality.centroids[present], limits)
    everywhere[rest] = (
        np.where(assigned.index >= 0, present[assigned.index], NOISE) if len(present) else NOISE
    )
    return everywhere


def _spread(reduced: Floats, rows: NDArray[np.int64], count: int) -> Floats:
    if len(rows) == count:
        return reduced
    spread = np.full((count, reduced.shape[1]), np.nan, np.float32)
    spread[rows] = reduced
    return spread


def _chosen(
    definition: Cluster, steps: list[dict[str, object]], fitted: Fitted, sampled: int, count: int
) -> dict[str, object]:
    return {
        "algorithm": definition.algorithm,
        "algorithm_params": dict(definition.algorithm_params),
        "preprocessing_steps": steps,
        "seed": definition.seed,
        "sampled_rows": sampled,
        "assigned_rows": count - sampled,
        "reason": fitted.reason,
    }
