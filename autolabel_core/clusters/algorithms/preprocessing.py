"""Transforms vectors before clustering: whitening, UMAP, PCA, in the declared order."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from autolabel_core.clusters.algorithms.single_thread import one_thread
from autolabel_core.declarations.cluster import PreprocessingStep
from autolabel_core.matching.nearest import nearest_among_themselves

Floats = NDArray[np.float32]
FEWEST_ROWS = 4
"""Below this UMAP has no neighbourhoods to keep."""
EPOCHS = 200
"""As many as UMAP gives large sets; its 500 for small ones pull clusters apart into pieces."""
EXACT_ROWS = 100_000
"""Up to here neighbours are found exactly, by one matmul; beyond it UMAP approximates them."""


def preprocess(
    vectors: Floats, steps: Sequence[PreprocessingStep], seed: int
) -> tuple[Floats, list[dict[str, object]]]:
    """Apply the steps in order; the same rows in the same order give the same bytes.

    Args:
        vectors: (n, d), finite.
        steps: what to do.
        seed: of everything random.

    Returns:
        The rows (n, r) and, for each step, what it was done with.
    """
    done = []
    for step in steps:
        with one_thread():
            vectors, used = _METHODS[step.method](vectors, step, seed)
        done.append({"method": step.method, **used})
    return np.ascontiguousarray(vectors, np.float32), done


def join_blocks(blocks: Sequence[Floats]) -> Floats:
    """Join the vectors of one document in several feature spaces, each of equal weight.

    Args:
        blocks: (n, d_i) each, rows of unit length.

    Returns:
        (n, sum of d_i), rows of unit length; the cosine of two rows is the mean of their cosines in
        the single spaces.
    """
    joined = blocks[0] if len(blocks) == 1 else np.hstack(blocks) / np.sqrt(len(blocks))
    return np.ascontiguousarray(joined, np.float32)


def whiten(vectors: Floats, regularization: float | None) -> tuple[Floats, float, float]:
    """Take away what the directions share, and keep the axes: soft-ZCA whitening.

    With the covariance E diag(l) E', the centred rows are multiplied by
    E diag(1 / sqrt(l + ridge)) E'.

    Args:
        vectors: (n, d).
        regularization: the ridge; 0 is full whitening, far above the largest eigenvalue is none.
            None is the mean eigenvalue of the directions that can vary over the mean cosine of two
            rows: the more all rows point the same way, the more is evened out, at most what is
            above the average variance; of rows that share nothing, all stays as it is.

    Returns:
        The rows (n, d), the ridge, and the one that None stands for.

    Source: J. Diera et al., Isotropy Matters: Soft-ZCA Whitening of Embeddings, 2024; of the
        automatic ridge, `docs/decisions/010`.
    """
    n, d = vectors.shape
    if not n:
        return vectors, regularization or 0.0, 0.0
    centred = vectors.astype(np.float64)
    mean = centred.mean(axis=0)
    centred -= mean
    # The smaller of covariance and Gram matrix: they have the same eigenvalues above zero.
    narrow = d <= n
    product = centred.T @ centred if narrow else centred @ centred.T
    values, axes = np.linalg.eigh(product / n)
    values = values.clip(min=0.0)
    automatic = _automatic_ridge(mean, float(values.sum()), n)
    ridge = automatic if regularization is None else float(regularization)
    scale = _inverse_roots(values, ridge)
    rows = centred @ ((axes * scale) @ axes.T) if narrow else ((axes * scale) @ axes.T) @ centred
    return rows.astype(np.float32), ridge, automatic


def _automatic_ridge(mean: NDArray[np.float64], variance: float, n: int) -> float:
    """Return the mean eigenvalue over the mean cosine; below 1 / n that is told by chance alone."""
    shared = float(mean @ mean)
    cosine = max(shared / (shared + variance), 1.0 / n) if variance else 1.0
    # Few rows vary in few directions; the others would make their mean as small as they are many.
    directions = max(min(len(mean), n - 1), 1)
    return variance / directions / cosine


def _inverse_roots(values: NDArray[np.float64], ridge: float) -> NDArray[np.float64]:
    """Return 1 / sqrt(values + ridge); a direction without any variance stays empty."""
    lifted = values + ridge
    smallest = np.finfo(np.float64).eps * values.max(initial=0.0) * len(values)
    usable = (values > smallest) & (lifted > 0.0)
    return np.where(usable, 1.0 / np.sqrt(np.where(usable, lifted, 1.0)), 0.0)


def _whitening(
    vectors: Floats, step: PreprocessingStep, _seed: int
) -> tuple[Floats, dict[str, object]]:
    given = None if step.regularization == "auto" else float(step.regularization)
    rows, ridge, automatic = whiten(vectors, given)
    return rows, {"regularization": ridge, "automatic_regularization": automatic}


def _umap(vectors: Floats, step: PreprocessingStep, seed: int) -> tuple[Floats, dict[str, object]]:
    n = len(vectors)
    neighbours = min(step.n_neighbors, n - 1)
    components = min(step.n_components, n - 2)
    used: dict[str, object] = {
        # The spectral start needs two rows more than components.
        "n_components": components,
        "n_neighbors": neighbours,
        "min_dist": step.min_dist,
        "metric": step.metric,
    }
    if n < FEWEST_ROWS or not np.ptp(vectors, axis=0).any():
        return vectors, {"skipped": "too few different rows"}
    import umap

    # From the principal components all seeds find nearly the same groups; from the spectral start
    # the number of groups moves with the seed (`docs/decisions/010`).
    start = "pca" if components <= vectors.shape[1] else "spectral"
    with warnings.catch_warnings():
        # That a seed means one thread, that isolated rows are far from all, and graphs in parts.
        warnings.simplefilter("ignore")
        reducer = umap.UMAP(
            random_state=seed,
            n_jobs=1,
            n_epochs=EPOCHS,
            init=start,
            precomputed_knn=exact_neighbours(vectors, neighbours, step.metric),
            **used,
        )
        return np.nan_to_num(reducer.fit_transform(vectors)), used


def exact_neighbours(vectors: Floats, count: int, metric: str) -> tuple[object, object, None]:
    """Return the nearest rows of each row for UMAP, which alone is slower or searches by chance.

    Args:
        vectors: (n, d).
        count: how many, the row itself included.
        metric: only `cosine` is answered.

    Returns:
        (n, count) positions, the row itself first, and cosine distances, with no search index;
        three times None where UMAP is to search.
    """
    if metric != "cosine" or len(vectors) > EXACT_ROWS:
        return (None, None, None)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    neighbours = nearest_among_themselves(vectors / np.maximum(lengths, 1e-12), count - 1)
    own = np.arange(len(vectors), dtype=np.int32)[:, None]
    index = np.hstack([own, neighbours.position])
    distance = np.hstack([np.zeros_like(own, np.float32), 1.0 - neighbours.score]).clip(min=0.0)
    return (index, distance, None)


def _pca(vectors: Floats, step: PreprocessingStep, seed: int) -> tuple[Floats, dict[str, object]]:
    from sklearn.decomposition import PCA

    count = min(step.n_components, *vectors.shape)
    if len(vectors) < 2:
        return vectors, {"skipped": "too few rows"}
    rows = PCA(count, svd_solver="full", random_state=seed).fit_transform(vectors)
    return rows, {"n_components": count}


_METHODS = {"whitening": _whitening, "umap": _umap, "pca": _pca}
