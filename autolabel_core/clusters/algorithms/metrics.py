"""Quality measures of clusters, computed on the original unit vectors.

A cosine is an inner product here, so mean distances are algebra: the mean cosine distance of a row
to a cluster is 1 - row · (mean of the cluster).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autolabel_core.clusters.algorithms.recluster_advice import RunFigures, quality_remarks

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
BLOCK_ROWS = 4096


@dataclass(frozen=True)
class Quality:
    """The figures of a run over n rows and k clusters.

    Attributes:
        size: (k,) members.
        centroids: (k, d) mean directions, unit length; zeros where the members cancel out.
        cosine_similarity_to_centroid: (n,) how well a row fits its cluster, from 0 (not at all;
            what points away is given as 0) to 1 (the same direction); nan for noise.
        mean_cosine_similarity: (k,) its mean in the cluster, cohesion; nan without members.
        min_cosine_similarity: (k,) its least, the weakest member.
        silhouette: (k,) mean over the members, from -1 (nearer to another cluster) to 1 (far from
            all others); nan where there are fewer than two clusters.
        silhouette_score: mean over all rows that are not noise; None with fewer than two clusters.
            Above 0.5 is good; many encoders keep all cosines high and stay far below it.
        mean_cosine_to_centroid: mean over the same rows, from 0 to 1; None without clusters.
        noise_ratio: the share of rows that belong to no cluster.
        cluster_size_entropy: from 0 (one cluster) to 1 (all of one size).
        remarks: what is odd about the run; empty where nothing is.
    """

    size: NDArray[np.int64]
    centroids: Floats
    cosine_similarity_to_centroid: Floats
    mean_cosine_similarity: Floats
    min_cosine_similarity: Floats
    silhouette: Floats
    silhouette_score: float | None
    mean_cosine_to_centroid: float | None
    noise_ratio: float
    cluster_size_entropy: float
    remarks: tuple[str, ...]

    @property
    def figures(self) -> RunFigures:
        """The figures of the run, by name."""
        return {
            "silhouette_score": self.silhouette_score,
            "mean_cosine_to_centroid": self.mean_cosine_to_centroid,
            "noise_ratio": self.noise_ratio,
            "cluster_size_entropy": self.cluster_size_entropy,
        }


def measure(
    vectors: Floats,
    assigned: Ints,
    count: int,
    assignment_threshold: float | None = None,
) -> Quality:
    """Measure clusters.

    Args:
        vectors: (n, d) rows of unit length.
        assigned: (n,) the cluster of each row, below 0 is noise.
        count: how many clusters there are, k; some may be without members.
        assignment_threshold: the definition's; None where it is taken from the run.

    Returns:
        The figures.
    """
    means, size = cluster_means(vectors, assigned, count)
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    centroids = (means / np.where(lengths > 1e-9, lengths, np.inf)).astype(np.float32)
    cosine = _to_own(vectors, assigned, centroids)
    silhouette = _silhouettes(vectors, assigned, means, size)
    inside = assigned >= 0
    figures: RunFigures = {
        "silhouette_score": _mean(silhouette[inside]),
        "mean_cosine_to_centroid": _mean(cosine[inside]),
        "noise_ratio": float(1.0 - inside.mean()) if len(inside) else 0.0,
        "cluster_size_entropy": size_entropy(size),
    }
    return Quality(
        size=size,
        centroids=centroids,
        cosine_similarity_to_centroid=cosine,
        mean_cosine_similarity=_mean_by_cluster(cosine, assigned, size),
        min_cosine_similarity=_least_by_cluster(cosine, assigned, size),
        silhouette=_mean_by_cluster(silhouette, assigned, size),
        remarks=quality_remarks(figures, assignment_threshold),
        **figures,
    )


def silhouettes(vectors: Floats, assigned: Ints, count: int) -> Floats:
    """Return the silhouette of each row by cosine distance, exactly, without any pair of rows.

    Args:
        vectors: (n, d) rows of unit length.
        assigned: (n,) the cluster of each row, below 0 is noise and no cluster.
        count: how many clusters there are.

    Returns:
        (n,) from -1 (nearer to another cluster) to 1; 0 in clusters of one row; nan for noise, and
        for all rows where there are fewer than two clusters.

    Source: P. Rousseeuw, Silhouettes, 1987.
    """
    return _silhouettes(vectors, assigned, *cluster_means(vectors, assigned, count))


def cluster_means(
    vectors: Floats, assigned: Ints, count: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the mean row of each cluster (k, d), zeros without members, and the sizes (k,)."""
    rows = np.flatnonzero(assigned >= 0)
    order = rows[np.argsort(assigned[rows], kind="stable")]
    size = np.bincount(assigned[rows], minlength=count)
    sums = np.zeros((count, vectors.shape[1]))
    ends = np.cumsum(size)
    for cluster in np.flatnonzero(size):
        members = order[ends[cluster] - size[cluster] : ends[cluster]]
        sums[cluster] = vectors[members].sum(axis=0, dtype=np.float64)
    return sums / np.maximum(size, 1)[:, None], size


def size_entropy(size: NDArray[np.int64]) -> float:
    """Return the entropy of cluster sizes over its maximum: 0 for one cluster, 1 when all equal."""
    shares = size[size > 0] / max(int(size.sum()), 1)
    if len(shares) < 2:
        return 0.0
    return float(-(shares * np.log(shares)).sum() / np.log(len(shares)))


def noise_recall(assigned: Ints, is_noise: NDArray[np.bool_]) -> float | None:
    """Return the share of true noise that was left out of all clusters; None without true noise."""
    return float(np.mean(assigned[is_noise] < 0)) if is_noise.any() else None


def _to_own(vectors: Floats, assigned: Ints, centroids: Floats) -> Floats:
    cosine = np.full(len(vectors), np.nan, np.float32)
    rows = np.flatnonzero(assigned >= 0)
    for start in range(0, len(rows), BLOCK_ROWS):
        block = rows[start : start + BLOCK_ROWS]
        cosine[block] = np.einsum("nd,nd->n", vectors[block], centroids[assigned[block]])
    return cosine.clip(0.0, 1.0)


def _silhouettes(
    vectors: Floats, assigned: Ints, means: NDArray[np.float64], size: NDArray[np.int64]
) -> Floats:
    silhouettes = np.full(len(vectors), np.nan, np.float32)
    if np.count_nonzero(size) < 2:
        return silhouettes
    present = np.flatnonzero(size)
    place = np.full(len(size), -1)
    place[present] = np.arange(len(present))
    columns, counted = means[present].astype(np.float32).T, size[present].astype(np.float64)
    rows = np.flatnonzero(assigned >= 0)
    for start in range(0, len(rows), BLOCK_ROWS):
        block = rows[start : start + BLOCK_ROWS]
        own = place[assigned[block]]
        silhouettes[block] = _of_block(1.0 - vectors[block] @ columns, own, counted[own])
    return silhouettes


def _of_block(distance: Floats, own: NDArray[np.int64], size: NDArray[np.float64]) -> Floats:
    """Return silhouettes from mean distances (m, k) to all clusters, the own one at `own`."""
    at = np.arange(len(own))
    within = distance[at, own].astype(np.float64)
    distance[at, own] = np.inf
    between = distance.min(axis=1).astype(np.float64)
    # A row's distance to itself is 0 and counts in the mean of its own cluster: take it out.
    within = within * size / np.maximum(size - 1.0, 1.0)
    larger = np.maximum(within, between)
    score = np.where(larger > 0.0, (between - within) / np.where(larger > 0.0, larger, 1.0), 0.0)
    return np.where(size > 1.0, score, 0.0).astype(np.float32)


def _mean_by_cluster(values: Floats, assigned: Ints, size: NDArray[np.int64]) -> Floats:
    inside = assigned >= 0
    sums = np.bincount(assigned[inside], weights=values[inside], minlength=len(size))
    return np.where(size > 0, sums / np.maximum(size, 1), np.nan).astype(np.float32)


def _least_by_cluster(values: Floats, assigned: Ints, size: NDArray[np.int64]) -> Floats:
    least = np.full(len(size), np.inf, np.float32)
    inside = assigned >= 0
    np.minimum.at(least, assigned[inside], values[inside])
    return np.where(size > 0, least, np.float32(np.nan))


def _mean(values: Floats) -> float | None:
    return float(values.mean(dtype=np.float64)) if len(values) and np.isfinite(values[0]) else None
