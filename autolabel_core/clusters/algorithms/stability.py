"""Stability of clusters: how often each is found again in samples of the documents."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autolabel_core.clusters.algorithms.algorithms import fit
from autolabel_core.clusters.algorithms.hierarchy import sub_params
from autolabel_core.clusters.algorithms.preprocessing import preprocess
from autolabel_core.clusters.algorithms.result import Clustering
from autolabel_core.declarations.cluster import Cluster

RESAMPLES = 20
MOST_ROWS = 10_000
"""Of more rows so many are drawn: the cost is that of 20 runs of the algorithm."""
SCALED = ("min_cluster_size", "min_samples")
STABLE = 0.75
"""Hennig: at 0.75 and above a cluster is valid and stable, below 0.6 it is not to be trusted."""
ENOUGH_MEMBERS = 10
LEAST_COHESION = 0.5
"""Where the definition declares no threshold of its own."""


@dataclass(frozen=True)
class PromotionVerdict:
    """Whether a cluster may become a label, and why not."""

    promotable: bool
    reasons: tuple[str, ...]


def stability(
    reduced: NDArray[np.float32],
    leaf: NDArray[np.int32],
    definition: Cluster,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
) -> NDArray[np.float64]:
    """Return how surely each cluster comes back when rows are drawn with replacement.

    Each draw is grouped anew; a cluster's part of it is compared with the group that is most like
    it, by shared over all members (Jaccard). Repeated rows count once, and sizes that the algorithm
    asks for shrink with the rows that are left. The rows are reduced once, so that the chance in
    UMAP itself is left out: with another seed of it the clusters that are stable here came back
    with a mean Jaccard of .94 on digits, .82 on photographs and .77 on news texts, where this
    figure is .95, .84 and .90.

    Args:
        reduced: (n, r) the vectors that were grouped; rows of nan are left out.
        leaf: (n,) cluster of each row, -1 is noise.
        definition: says how they were grouped.
        rng: draws the rows.
        resamples: how many draws.

    Returns:
        (k,) mean Jaccard from 0 (never comes back) to 1 (always, whole and alone); nan for a
        cluster of which no draw held a member.

    Raises:
        ValueError: there are no draws.

    Source: C. Hennig, Cluster-wise assessment of cluster stability, 2007.
    """
    if resamples < 1:
        raise ValueError(f"expected at least 1 resample, found {resamples}")
    usable = np.flatnonzero(np.isfinite(reduced).all(axis=1))
    count = int(leaf.max(initial=-1)) + 1
    best = np.full((resamples, count), np.nan)
    drawn = min(len(usable), MOST_ROWS)
    for turn in range(resamples if drawn else 0):
        rows = np.unique(rng.choice(usable, drawn, replace=True))
        params = _scaled(definition.algorithm_params, len(rows) / len(usable))
        fitted = fit(definition.algorithm, reduced[rows], params, definition.seed)
        best[turn] = best_jaccard(leaf[rows], count, fitted.labels, fitted.count)
    met = np.isfinite(best).sum(axis=0)
    return np.where(met > 0, np.nansum(best, axis=0) / np.maximum(met, 1), np.nan)


def best_jaccard(
    known: NDArray[np.int32], count: int, found: NDArray[np.int32], groups: int
) -> NDArray[np.float64]:
    """Return, for each known cluster, the Jaccard similarity with the group most like it.

    Args:
        known: (m,) known cluster of each row, below 0 is none.
        count: how many known clusters there are.
        found: (m,) group of each row, below 0 is none.
        groups: how many groups there are.

    Returns:
        (count,) from 0 to 1; nan for clusters without a row.
    """
    both = (known >= 0) & (found >= 0)
    pairs = known[both].astype(np.int64) * max(groups, 1) + found[both]
    shared = np.bincount(pairs, minlength=count * max(groups, 1)).reshape(count, max(groups, 1))
    size = np.bincount(known[known >= 0], minlength=count)
    group_size = np.bincount(found[found >= 0], minlength=max(groups, 1))
    union = size[:, None] + group_size[None, :] - shared
    jaccard = np.where(union > 0, shared / np.maximum(union, 1), 0.0).max(axis=1)
    return np.where(size > 0, jaccard, np.nan)


def tree_stability(
    vectors: NDArray[np.float32],
    clustering: Clustering,
    definition: Cluster,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
) -> NDArray[np.float64]:
    """Return the stability of each node; sub-clusters within the rows of their parent.

    Args:
        vectors: (n, d) the vectors of the run.
        clustering: the run.
        definition: the declaration that it was made by.
        rng: draws the rows.
        resamples: how many draws for each set of siblings.

    Returns:
        (nodes,) mean Jaccard from 0 to 1; nan where a cluster was met by no draw.
    """
    index = {node.local_id: i for i, node in enumerate(clustering.nodes)}
    stabilities = np.full(len(clustering.nodes), np.nan)
    top = clustering.at_level(0)
    count = int(top.max(initial=-1)) + 1
    stabilities[:count] = stability(clustering.reduced, top, definition, rng, resamples)
    inner = definition.model_copy(
        update={"algorithm": "hdbscan", "algorithm_params": sub_params(definition)}
    )
    sampled = np.flatnonzero(np.isfinite(clustering.reduced).all(axis=1))
    for node in clustering.nodes:
        if node.children:
            rows = np.intersect1d(node.members, sampled, assume_unique=True)
            below = [index[child] for child in node.children]
            siblings = np.full(len(vectors), -1, np.int32)
            for place, child in enumerate(below):
                siblings[clustering.nodes[child].members] = place
            reduced, _ = preprocess(vectors[rows], inner.preprocessing_steps, inner.seed)
            stabilities[below] = stability(reduced, siblings[rows], inner, rng, resamples)
    return stabilities


def promotable(
    stability: float,
    size: int,
    cohesion: float,
    least_cohesion: float = LEAST_COHESION,
) -> PromotionVerdict:
    """Say whether a cluster may become a label.

    Args:
        stability: mean Jaccard from 0 to 1; nan is unknown.
        size: members.
        cohesion: mean cosine of its members to its centroid, from 0 to 1.
        least_cohesion: what the average member must reach.

    Returns:
        The verdict; each reason names a figure and its threshold.
    """
    checks = [
        (stability >= STABLE, f"stability is {stability:.2f}, below {STABLE:g}"),
        (size >= ENOUGH_MEMBERS, f"it has {size} members, fewer than {ENOUGH_MEMBERS}"),
        (
            cohesion >= least_cohesion,
            f"cohesion is {cohesion:.2f}, below {least_cohesion:g}",
        ),
    ]
    reasons = tuple(text for good, text in checks if not good)
    return PromotionVerdict(not reasons, reasons)


def _scaled(params: dict[str, object], share: float) -> dict[str, object]:
    """Return the parameters for a share of the rows: clusters have that share of members."""
    return {
        name: max(2, round(value * share)) if name in SCALED and isinstance(value, int) else value
        for name, value in params.items()
    }
