"""Figures of clusters beside plain loops over pairs, and beside scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.cluster_samples import blobs, unit

from autolabel_core.clusters.algorithms.metrics import (
    measure,
    noise_recall,
    silhouettes,
    size_entropy,
)
from autolabel_core.clusters.algorithms.recluster_advice import quality_remarks, recluster_reasons

GOOD = {
    "silhouette_score": 0.6,
    "mean_cosine_to_centroid": 0.9,
    "noise_ratio": 0.1,
    "cluster_size_entropy": 0.9,
}


def silhouettes_by_loops(vectors, assigned):
    """Rousseeuw's definition, pair by pair."""
    distance = 1.0 - vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    clusters = sorted(set(assigned.tolist()) - {-1})
    found = np.full(len(vectors), np.nan)
    for i in np.flatnonzero(assigned >= 0):
        mates = [j for j in np.flatnonzero(assigned == assigned[i]) if j != i]
        others = [distance[i, assigned == c].mean() for c in clusters if c != assigned[i]]
        if not others:
            continue
        if not mates:
            found[i] = 0.0
            continue
        a, b = distance[i, mates].mean(), min(others)
        found[i] = (b - a) / max(a, b) if max(a, b) > 0 else 0.0
    return found


@st.composite
def assignments(draw):
    n = draw(st.integers(1, 40))
    seed = draw(st.integers(0, 2**16))
    k = draw(st.integers(1, 5))
    assigned = draw(st.lists(st.integers(-1, k - 1), min_size=n, max_size=n))
    vectors = unit(np.random.default_rng(seed).standard_normal((n, 6)) + 0.3)
    return vectors, np.array(assigned, np.int32), k


@settings(max_examples=80, deadline=None)
@given(assignments())
def test_the_silhouette_is_that_of_all_pairs(sample):
    vectors, assigned, k = sample
    np.testing.assert_allclose(
        silhouettes(vectors, assigned, k), silhouettes_by_loops(vectors, assigned), atol=1e-5
    )


def test_the_silhouette_is_that_of_scikit_learn():
    from sklearn.metrics import silhouette_score

    vectors, truth = blobs([60, 50, 40], spread=0.3, noise=20)
    inside = truth >= 0
    theirs = silhouette_score(vectors[inside], truth[inside], metric="cosine")
    assert measure(vectors, truth.astype(np.int32), 3).silhouette_score == pytest.approx(
        theirs, abs=1e-5
    )


@settings(max_examples=60, deadline=None)
@given(assignments(), st.integers(0, 2**16))
def test_figures_do_not_depend_on_order_or_names(sample, seed):
    vectors, assigned, k = sample
    rng = np.random.default_rng(seed)
    order, names = rng.permutation(len(vectors)), rng.permutation(k).astype(np.int32)
    renamed = np.where(assigned >= 0, names[assigned], -1).astype(np.int32)
    ours, theirs = measure(vectors, assigned, k), measure(vectors[order], renamed[order], k)
    for name, value in ours.figures.items():
        assert theirs.figures[name] == (value if value is None else pytest.approx(value, abs=1e-5))
    np.testing.assert_array_equal(ours.size, theirs.size[names])
    np.testing.assert_allclose(ours.centroids, theirs.centroids[names], atol=1e-5)
    np.testing.assert_allclose(
        ours.cosine_similarity_to_centroid[order], theirs.cosine_similarity_to_centroid, atol=1e-5
    )


def test_cosines_are_to_the_mean_direction():
    vectors = unit([[1, 0], [0, 1], [1, 1], [-1, 0]])
    quality = measure(vectors, np.array([0, 0, 0, 1], np.int32), 2)
    half = np.sqrt(0.5)
    np.testing.assert_allclose(quality.centroids, [[half, half], [-1, 0]], atol=1e-6)
    np.testing.assert_allclose(quality.cosine_similarity_to_centroid, [half, half, 1, 1], atol=1e-6)
    np.testing.assert_allclose(quality.mean_cosine_similarity, [(2 * half + 1) / 3, 1], atol=1e-6)
    np.testing.assert_allclose(quality.min_cosine_similarity, [half, 1], atol=1e-6)
    assert quality.size.tolist() == [3, 1]
    assert quality.noise_ratio == 0.0


def test_members_that_cancel_out_have_no_centroid():
    quality = measure(unit([[1, 0], [-1, 0]]), np.zeros(2, np.int32), 1)
    assert quality.centroids.tolist() == [[0, 0]]
    assert quality.cosine_similarity_to_centroid.tolist() == [0, 0]
    assert quality.silhouette_score is None


@pytest.mark.parametrize("n", [0, 3])
def test_without_clusters_there_are_no_figures(n):
    quality = measure(unit(np.eye(3)[:n].reshape(n, 3)), np.full(n, -1, np.int32), 0)
    assert quality.figures == {
        "silhouette_score": None,
        "mean_cosine_to_centroid": None,
        "noise_ratio": float(n > 0),
        "cluster_size_entropy": 0.0,
    }
    assert np.isnan(quality.cosine_similarity_to_centroid).all()


def test_a_cluster_without_members_has_no_figures():
    quality = measure(unit(np.eye(3)), np.array([0, 0, 2], np.int32), 3)
    assert quality.size.tolist() == [2, 0, 1]
    assert np.isnan(quality.min_cosine_similarity[1])
    assert np.isnan(quality.silhouette[1])


def test_entropy_is_one_when_sizes_are_equal():
    assert size_entropy(np.array([5, 5, 5])) == pytest.approx(1.0)
    assert size_entropy(np.array([7, 0])) == 0.0
    # By hand: shares 3/4 and 1/4.
    assert size_entropy(np.array([3, 1])) == pytest.approx(0.811278, abs=1e-6)


def test_noise_recall_counts_true_noise_alone():
    truth = np.array([True, True, False, False])
    assert noise_recall(np.array([-1, 0, -1, 1], np.int32), truth) == 0.5
    assert noise_recall(np.zeros(4, np.int32), np.zeros(4, bool)) is None


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("noise_ratio", 0.51, "noise_ratio is 0.510, above 0.5"),
        ("mean_cosine_to_centroid", 0.49, "mean_cosine_to_centroid is 0.490, below 0.5"),
        ("silhouette_score", -0.01, "silhouette_score is -0.010, below 0"),
        ("cluster_size_entropy", 0.29, "cluster_size_entropy is 0.290, below 0.3"),
    ],
)
def test_each_threshold_gives_its_remark(name, value, said):
    assert quality_remarks(GOOD, 0.5) == ()
    assert quality_remarks({**GOOD, name: value}, 0.5) == (said,)


def test_the_least_cosine_is_the_declared_threshold_of_assignment():
    assert quality_remarks({**GOOD, "mean_cosine_to_centroid": 0.3}) == ()
    vectors = unit([[1, 0], [0, 1]])
    measured = measure(vectors, np.zeros(2, np.int32), 1, assignment_threshold=0.8)
    assert measured.remarks == ("mean_cosine_to_centroid is 0.707, below 0.8",)


NONE_CAME = {"count": 0, "noise": 0, "mean_cosine_to_centroid": None}


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ({}, None),
        ({"count": 19, "noise": 19}, None),
        ({"count": 50, "noise": 8, "mean_cosine_to_centroid": 0.86}, None),
        ({"count": 50, "noise": 20}, "20 of 50 documents that came since belong to no cluster (40"),
        ({"count": 50, "mean_cosine_to_centroid": 0.84}, "fell from 0.900 in the run to 0.840"),
        ({"count": 501}, "501 documents came since, more than the 500 of the run"),
    ],
)
def test_a_full_run_is_recommended_by_the_documents_that_came_since(new, said):
    reasons = recluster_reasons(0.1, 0.9, 500, {**NONE_CAME, **new})
    assert [said in reason for reason in reasons] == ([] if said is None else [True])


def test_one_cluster_is_not_said_to_have_swallowed_others():
    alone = {**GOOD, "silhouette_score": None, "cluster_size_entropy": 0.0}
    assert quality_remarks(alone) == ()


def test_a_bad_run_is_remarked():
    vectors, truth = blobs([30, 30], noise=80)
    quality = measure(vectors, truth.astype(np.int32), 2)
    assert quality.remarks == ("noise_ratio is 0.571, above 0.5",)
