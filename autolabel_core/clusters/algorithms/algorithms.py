"""The eight clustering algorithms in one table: their class, their cost, and how to run them."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autolabel_core.clusters.algorithms.memory_limit import Cost, check_cost
from autolabel_core.clusters.algorithms.result import NOISE
from autolabel_core.clusters.algorithms.single_thread import one_thread
from autolabel_core.foundation.errors import AutolabelError

PROBES = 200
Params = Mapping[str, Any]
Rows = NDArray[np.float32]


def _dbscan_cost(params: Params, rows: Rows) -> Cost:
    """Estimate the neighbours within `eps`, which are all held, from a few rows."""
    from sklearn.metrics import pairwise_distances

    probes = rows[:: max(1, len(rows) // PROBES)]
    metric = params.get("metric", "euclidean")
    share = np.mean(pairwise_distances(probes, probes, metric=metric) <= params["eps"])
    return Cost(28.0 * float(share), 1)


def _spectral_cost(params: Params, _rows: Rows) -> Cost:
    return Cost(34, 5) if params["affinity"] == "rbf" else Cost(0, 1)


@dataclass(frozen=True)
class Algorithm:
    """One algorithm.

    Attributes:
        module: where the estimator is found.
        estimator: its class.
        cost: what it needs, by its parameters and rows.
        fixed: keywords that are always given.
        renamed: our parameter to the library's.
        seeded: whether it takes a seed.
        fewest: the parameter that says how many rows make a cluster, for those that know noise.
    """

    module: str
    estimator: str
    cost: Callable[[Params, Rows], Cost] = lambda *_: Cost()
    fixed: Params = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    seeded: bool = False
    fewest: str | None = None


ALGORITHMS: Mapping[str, Algorithm] = {
    "kmeans": Algorithm("sklearn.cluster", "KMeans", seeded=True),
    "dbscan": Algorithm("sklearn.cluster", "DBSCAN", _dbscan_cost),
    "hdbscan": Algorithm(
        "hdbscan",
        "HDBSCAN",
        lambda *_: Cost(0, 1),
        fixed={"core_dist_n_jobs": 1},
        fewest="min_cluster_size",
    ),
    "agglomerative": Algorithm("sklearn.cluster", "AgglomerativeClustering", lambda *_: Cost(9, 1)),
    "spectral": Algorithm("sklearn.cluster", "SpectralClustering", _spectral_cost, seeded=True),
    "gaussian_mixture": Algorithm(
        "sklearn.mixture", "GaussianMixture", renamed={"n_clusters": "n_components"}, seeded=True
    ),
    "mean_shift": Algorithm("sklearn.cluster", "MeanShift", lambda *_: Cost(0, 50)),
    "optics": Algorithm(
        "sklearn.cluster", "OPTICS", lambda *_: Cost(0, 6), fewest="min_cluster_size"
    ),
}
"""Bytes and visits of a pair of rows were measured at 1,500 to 8,000 rows of 50 dimensions."""


@dataclass(frozen=True)
class Fitted:
    """What an algorithm found.

    Attributes:
        labels: (n,) the cluster of each row, numbered by falling size, then by first row; -1 is
            noise.
        count: how many clusters there are.
        reason: why there is none; None where there are some.
    """

    labels: NDArray[np.int32]
    count: int
    reason: str | None


def fit(name: str, rows: Rows, params: Params, seed: int) -> Fitted:
    """Group rows.

    Args:
        name: a name of `ALGORITHMS`.
        rows: (n, r), finite.
        params: its parameters, checked.
        seed: of everything random.

    Returns:
        The cluster of each row. Too few rows for one cluster, and nothing but noise, are results.

    Raises:
        AutolabelError: there are fewer rows than clusters asked for, more than fit into memory or
            a day, or the library refuses the parameters.
    """
    algorithm = ALGORITHMS[name]
    n = len(rows)
    wanted = params.get("n_clusters", 1)
    needed = params.get(algorithm.fewest, 1) if algorithm.fewest else 1
    if n < max(needed, 1):
        return _nothing(n, f"{n} rows are fewer than {algorithm.fewest or 'one'} ({needed})")
    if wanted > n:
        raise AutolabelError(
            f"`{name}` is to find {wanted} clusters in {n} rows. Lower n_clusters to at most {n}, "
            "or run again when there are more documents."
        )
    check_cost(name, algorithm.cost(params, rows), rows.shape)
    labels, count = numbered(_fitted(name, algorithm, rows, params, seed))
    reason = None if count else f"`{name}` found no group among {n} rows: all are noise"
    return Fitted(labels, count, reason)


def numbered(labels: NDArray[Any]) -> tuple[NDArray[np.int32], int]:
    """Number clusters by falling size, then by first row, whatever numbers they had.

    Args:
        labels: (n,) whole numbers; below 0 is noise.

    Returns:
        (n,) the new numbers, -1 for noise, and how many clusters there are.
    """
    numbers, first, inverse, size = np.unique(
        labels, return_index=True, return_inverse=True, return_counts=True
    )
    real = np.flatnonzero(numbers >= 0)
    order = real[np.lexsort((first[real], -size[real]))]
    place = np.full(len(numbers), NOISE, np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    return place[inverse].reshape(labels.shape), len(order)


def _nothing(n: int, reason: str) -> Fitted:
    return Fitted(np.full(n, NOISE, np.int32), 0, reason)


def _fitted(name: str, algorithm: Algorithm, rows: Rows, params: Params, seed: int) -> NDArray[Any]:
    estimator = getattr(importlib.import_module(algorithm.module), algorithm.estimator)
    keywords = {algorithm.renamed.get(key, key): value for key, value in params.items()}
    keywords |= {**algorithm.fixed, **({"random_state": seed} if algorithm.seeded else {})}
    with warnings.catch_warnings(), one_thread():
        # That fewer distinct rows than clusters were found, or a mixture did not converge, shows
        # in the figures of the run.
        warnings.simplefilter("ignore")
        try:
            return np.asarray(estimator(**keywords).fit_predict(rows.astype(np.float64)))
        except ValueError as error:
            given = ", ".join(f"{key}={value}" for key, value in sorted(params.items()))
            raise AutolabelError(
                f"`{name}` ({given or 'its defaults'}) refuses {len(rows)} rows: {error}. "
                "Correct `algorithm_params`, or choose another algorithm."
            ) from error
