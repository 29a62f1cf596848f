"""Whitening beside its definition, joined blocks, PCA, and the few runs of UMAP itself."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import inv, sqrtm
from support.cluster_samples import blobs, definition, unit

from autolabel_core.clusters.algorithms.pipeline import cluster_vectors
from autolabel_core.clusters.algorithms.preprocessing import (
    exact_neighbours,
    join_blocks,
    preprocess,
    whiten,
)
from autolabel_core.clusters.algorithms.projection import project
from autolabel_core.declarations.cluster import PreprocessingStep


def step(method, **keys):
    return PreprocessingStep(method=method, **keys)


@pytest.mark.parametrize("shape", [(60, 8), (6, 20), (12, 12)])
@pytest.mark.parametrize("ridge", [1e-5, 0.1, 3.0])
def test_whitening_is_its_formula(shape, ridge):
    rows = np.random.default_rng(0).standard_normal(shape)
    centred = rows - rows.mean(axis=0)
    covariance = centred.T @ centred / len(rows)
    expected = centred @ inv(sqrtm(covariance + ridge * np.eye(shape[1]))).real
    found, used, automatic = whiten(rows.astype(np.float32), ridge)
    np.testing.assert_allclose(found, expected, atol=2e-3)
    assert used == ridge
    assert automatic >= np.trace(covariance) / shape[1]


def test_without_a_ridge_the_covariance_becomes_the_identity():
    rows = np.random.default_rng(0).standard_normal((500, 5)) @ np.diag([9, 3, 1, 0.3, 0.1])
    found, _, _ = whiten(rows.astype(np.float32), 0.0)
    np.testing.assert_allclose(np.cov(found.T, bias=True), np.eye(5), atol=1e-3)


@pytest.mark.parametrize("shape", [(400, 7), (20, 60)])
@pytest.mark.parametrize("shift", [0.7, 3.0])
def test_the_ridge_is_the_mean_eigenvalue_over_the_mean_cosine(shape, shift):
    rows = unit(np.random.default_rng(0).standard_normal(shape) + shift)
    _, ridge, _ = whiten(rows, None)
    cosine = (rows @ rows.T).mean()
    directions = min(shape[1], shape[0] - 1)
    assert ridge == pytest.approx(rows.var(axis=0).sum() / directions / cosine, rel=1e-4)
    _, told = preprocess(rows, [step("whitening", regularization=1e-5)], 0)
    automatic = pytest.approx(ridge, rel=1e-6)
    assert told == [
        {"method": "whitening", "regularization": 1e-5, "automatic_regularization": automatic}
    ]


def test_rows_that_share_nothing_are_left_as_they_are():
    rows = unit(np.random.default_rng(0).standard_normal((500, 40)) * np.linspace(1, 3, 40))
    rows -= rows.mean(axis=0)
    found, ridge, _ = whiten(rows, None)
    assert ridge == pytest.approx(500 * rows.var(axis=0).mean(), rel=1e-4)
    np.testing.assert_allclose(found * np.sqrt(ridge), rows, atol=0.01)


def test_directions_without_variance_stay_empty():
    rows = np.zeros((20, 4), np.float32)
    rows[:, 0] = np.arange(20)
    for ridge in (0.0, 1e-5, None):
        found, _, _ = whiten(rows, ridge)
        assert np.isfinite(found).all()
        np.testing.assert_allclose(found[:, 1:], 0.0, atol=1e-5)
    assert not whiten(np.ones((5, 3), np.float32), 0.0)[0].any()
    assert whiten(np.empty((0, 3), np.float32), None)[0].shape == (0, 3)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 3))
def test_the_cosine_of_joined_blocks_is_the_mean_of_their_cosines(seed, count):
    rng = np.random.default_rng(seed)
    blocks = [unit(rng.standard_normal((5, 3 + i))) for i in range(count)]
    joined = join_blocks(blocks)
    assert joined.dtype == np.float32
    mean = np.mean([b @ b.T for b in blocks], axis=0)
    np.testing.assert_allclose(joined @ joined.T, mean, atol=1e-5)


def test_pca_keeps_no_more_than_there_is():
    vectors, _ = blobs([10, 10], dimensions=8)
    rows, told = preprocess(vectors, [step("pca", n_components=50)], 0)
    assert rows.shape == (20, 8)
    assert told == [{"method": "pca", "n_components": 8}]
    rows, told = preprocess(vectors[:1], [step("pca")], 0)
    assert told == [{"method": "pca", "skipped": "too few rows"}]


def test_steps_are_done_in_order():
    vectors, _ = blobs([30, 30], dimensions=8)
    white = step("whitening", regularization=0.0)
    one, _ = preprocess(vectors, [step("pca", n_components=2), white], 0)
    np.testing.assert_allclose(one.var(axis=0), 1.0, atol=1e-3)
    other, _ = preprocess(vectors, [white, step("pca", n_components=2)], 0)
    assert one.shape == other.shape == (60, 2)
    assert not np.allclose(np.abs(one), np.abs(other), atol=0.1)


def test_umap_is_given_exact_neighbours():
    vectors, _ = blobs([20, 20], spread=0.4)
    vectors[7] = vectors[3]
    stretched = vectors * np.linspace(0.1, 9.0, 40, dtype=np.float32)[:, None]
    index, distance, _ = exact_neighbours(stretched, 10, "cosine")
    assert index[:, 0].tolist() == list(range(40))
    cosines = vectors.astype(np.float64) @ vectors.T
    np.fill_diagonal(cosines, -np.inf)
    np.testing.assert_allclose(distance[:, 1:], 1 - np.sort(cosines)[:, :-10:-1], atol=1e-5)
    assert {3, 7} == {index[3, 1], index[7, 1]}
    assert exact_neighbours(vectors, 10, "euclidean") == (None, None, None)


@pytest.mark.parametrize("n", [1, 3])
def test_too_few_rows_are_left_as_they_are(n):
    vectors = unit(np.eye(5)[:n])
    rows, told = preprocess(vectors, [step("umap")], 0)
    assert rows.tolist() == vectors.tolist()
    assert told == [{"method": "umap", "skipped": "too few different rows"}]


@pytest.mark.slow
def test_the_default_steps_find_groups_and_leave_noise():
    from sklearn.metrics import adjusted_rand_score

    vectors, truth = blobs([80, 60, 50, 40], spread=0.12, dimensions=32)
    by = definition(preprocessing_steps=["whitening", "umap"])
    found = cluster_vectors(vectors, by)
    assert adjusted_rand_score(truth, found.leaf) > 0.95
    assert found.reduced.shape == (230, 50)
    assert found.chosen["preprocessing_steps"][1]["n_neighbors"] == 30
    again = cluster_vectors(vectors, by)
    assert found.leaf.tobytes() == again.leaf.tobytes()
    assert found.reduced.tobytes() == again.reduced.tobytes()
    placed = project(found.reduced, "umap", 2, seed=0)
    assert placed.shape == (230, 2)
    assert placed.tobytes() == project(found.reduced, "umap", 2, seed=0).tobytes()


@pytest.mark.slow
def test_the_number_of_groups_hardly_moves_with_the_seed():
    """From UMAP's own spectral start these seeds find 17, 21 and 21 groups."""
    from sklearn.datasets import load_digits

    pixels = unit(load_digits().data.astype(np.float32))
    by = [definition(preprocessing_steps=["whitening", "umap"], seed=seed) for seed in range(3)]
    counts = [len(cluster_vectors(pixels, one).nodes) for one in by]
    assert max(counts) - min(counts) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("n", [4, 5, 12, 40])
def test_umap_takes_few_rows(n):
    vectors, _ = blobs([n])
    rows, _ = preprocess(vectors, [step("whitening"), step("umap")], 0)
    assert rows.shape == (n, min(50, n - 2))
    assert np.isfinite(rows).all()


@pytest.mark.slow
def test_many_copies_of_few_vectors_are_grouped():
    vectors = np.repeat(unit(np.random.default_rng(0).standard_normal((4, 8))), 30, axis=0)
    found = cluster_vectors(vectors, definition(preprocessing_steps=["whitening", "umap"]))
    assert len(found.nodes) == 4
    assert {len(node.members) for node in found.nodes} == {30}
