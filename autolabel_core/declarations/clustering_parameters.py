"""The parameters of the eight clustering algorithms: their names, ranges and our defaults.

What is left out (None) is left to the library that has the algorithm.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from autolabel_core.declarations.model import Count, Declaration, KeyedError
from autolabel_core.foundation.suggestions import did_you_mean

Positive = Annotated[float, Field(strict=True, gt=0.0)]
NotNegative = Annotated[float, Field(strict=True, ge=0.0)]
AtLeastTwo = Annotated[int, Field(strict=True, ge=2)]
Flag = Annotated[bool, Field(strict=True)]
TreeMetric = Literal["euclidean", "manhattan", "chebyshev"]
Metric = Literal["euclidean", "manhattan", "chebyshev", "cosine"]
Search = Literal["auto", "ball_tree", "kd_tree", "brute"]


class AlgorithmParams(Declaration):
    """Parameters of one algorithm."""

    aliases: ClassVar[Mapping[str, str]] = {"num_clusters": "n_clusters"}


class KMeans(AlgorithmParams):
    """scikit-learn's KMeans; ten starts, because one may end badly."""

    n_clusters: Count = 8
    init: Literal["k-means++", "random"] | None = None
    n_init: Count | Literal["auto"] = 10
    max_iter: Count | None = None
    tol: NotNegative | None = None
    algorithm: Literal["lloyd", "elkan"] | None = None


class Dbscan(AlgorithmParams):
    """scikit-learn's DBSCAN."""

    eps: Positive = 0.5
    min_samples: Count = 5
    metric: Metric | None = None
    algorithm: Search | None = None
    leaf_size: Count | None = None


class Hdbscan(AlgorithmParams):
    """The package hdbscan; on rows of unit length `euclidean` orders pairs as cosine does."""

    min_cluster_size: AtLeastTwo = 10
    min_samples: Count | None = 5
    cluster_selection_method: Literal["eom", "leaf"] | None = None
    cluster_selection_epsilon: NotNegative | None = None
    cluster_selection_persistence: NotNegative | None = None
    max_cluster_size: Count | None = None
    allow_single_cluster: Flag | None = None
    metric: TreeMetric | None = None
    alpha: Positive | None = None
    leaf_size: Count | None = None
    approx_min_span_tree: Flag | None = None


class Agglomerative(AlgorithmParams):
    """scikit-learn's AgglomerativeClustering; a distance threshold stands for n_clusters."""

    n_clusters: Count | None = None
    distance_threshold: Positive | None = None
    linkage: Literal["ward", "complete", "average", "single"] | None = None
    metric: Metric | None = None


class Spectral(AlgorithmParams):
    """scikit-learn's SpectralClustering; neighbours, because the width of `rbf` has no default."""

    n_clusters: Count = 8
    affinity: Literal["nearest_neighbors", "rbf"] = "nearest_neighbors"
    n_neighbors: Count | None = None
    gamma: Positive | None = None
    n_components: Count | None = None
    n_init: Count | None = None
    eigen_solver: Literal["arpack", "lobpcg"] | None = None
    assign_labels: Literal["kmeans", "discretize", "cluster_qr"] | None = None


class GaussianMixture(AlgorithmParams):
    """scikit-learn's GaussianMixture; diagonal, because full covariances need n far above d²."""

    aliases: ClassVar[Mapping[str, str]] = {
        **AlgorithmParams.aliases,
        "n_components": "n_clusters",
    }

    n_clusters: Count = 8
    covariance_type: Literal["full", "tied", "diag", "spherical"] = "diag"
    tol: Positive | None = None
    reg_covar: NotNegative | None = None
    max_iter: Count | None = None
    n_init: Count | None = None
    init_params: Literal["kmeans", "k-means++", "random", "random_from_data"] | None = None


class MeanShift(AlgorithmParams):
    """scikit-learn's MeanShift; without a bandwidth it is estimated."""

    bandwidth: Positive | None = None
    bin_seeding: Flag | None = None
    min_bin_freq: Count | None = None
    cluster_all: Flag | None = None
    max_iter: Count | None = None


class Optics(AlgorithmParams):
    """scikit-learn's OPTICS."""

    min_samples: AtLeastTwo = 5
    min_cluster_size: AtLeastTwo = 10
    max_eps: Positive | None = None
    metric: Metric = "euclidean"
    cluster_method: Literal["xi", "dbscan"] | None = None
    eps: NotNegative | None = None
    xi: Annotated[float, Field(strict=True, gt=0.0, lt=1.0)] | None = None
    predecessor_correction: Flag | None = None
    algorithm: Search | None = None
    leaf_size: Count | None = None


PARAMETERS: Mapping[str, type[AlgorithmParams]] = {
    "kmeans": KMeans,
    "dbscan": Dbscan,
    "hdbscan": Hdbscan,
    "agglomerative": Agglomerative,
    "spectral": Spectral,
    "gaussian_mixture": GaussianMixture,
    "mean_shift": MeanShift,
    "optics": Optics,
}


def checked_parameters(algorithm: str, given: Mapping[str, object]) -> dict[str, object]:
    """Return the parameters to run an algorithm with, defaults filled in.

    Args:
        algorithm: a name of `PARAMETERS`.
        given: parameters as declared.

    Returns:
        Names and values; what is left to the library is left out.

    Raises:
        KeyedError: the algorithm has no parameter of that name, or two that exclude each other.
    """
    model = PARAMETERS[algorithm]
    known = (*model.model_fields, *model.aliases)
    for name in given:
        if name not in known:
            near = did_you_mean(str(name), known) or f" Parameters: {', '.join(sorted(known))}."
            raise KeyedError((str(name),), f"`{algorithm}` has no such parameter.{near}")
    parameters = model.model_validate(given).model_dump(exclude_none=True)
    if algorithm == "agglomerative":
        if {"n_clusters", "distance_threshold"} <= set(parameters):
            raise KeyedError(
                ("distance_threshold",), "stands for `n_clusters`; keep one of the two"
            )
        if "distance_threshold" not in parameters:
            parameters.setdefault("n_clusters", KMeans().n_clusters)
    return parameters
