"""Full runs: the eight algorithms, bad input, samples, hierarchy, and the same output twice."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.cluster_samples import blobs, definition, unit

from autolabel_core.clusters.algorithms.algorithms import ALGORITHMS, numbered
from autolabel_core.clusters.algorithms.assignment import assign, own_thresholds
from autolabel_core.clusters.algorithms.memory_limit import Cost, available_bytes, check_cost
from autolabel_core.clusters.algorithms.pipeline import cluster_vectors
from autolabel_core.clusters.algorithms.projection import project
from autolabel_core.clusters.algorithms.result import Draft, deepest, grown
from autolabel_core.declarations.clustering_parameters import PARAMETERS
from autolabel_core.foundation.errors import AutolabelError

THREE = {
    "kmeans": {"n_clusters": 3},
    "dbscan": {"eps": 0.5},
    "hdbscan": {},
    "agglomerative": {"n_clusters": 3},
    "spectral": {"n_clusters": 3},
    "gaussian_mixture": {"n_clusters": 3},
    "mean_shift": {"bandwidth": 0.8},
    "optics": {"cluster_method": "dbscan", "eps": 0.5},
}


def run(vectors, **keys):
    return cluster_vectors(vectors, definition(**keys))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_finds_what_is_plain(algorithm):
    from sklearn.metrics import adjusted_rand_score

    assert list(ALGORITHMS) == list(PARAMETERS)
    vectors, truth = blobs([50, 40, 30])
    found = run(vectors, algorithm=algorithm, algorithm_params=THREE[algorithm])
    assert adjusted_rand_score(truth, found.leaf) > 0.95
    assert [len(node.members) for node in found.nodes] == pytest.approx([50, 40, 30], abs=3)
    assert found.chosen["reason"] is None


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_same_rows_give_the_same_bytes_in_any_order_of_arrival(algorithm):
    vectors, _ = blobs([30, 30, 20], spread=0.25, noise=20)
    ids = np.array([f"doc_{(i * 7919) % 100:03}" for i in range(100)])
    keys = {"algorithm": algorithm, "algorithm_params": THREE[algorithm]}
    found = []
    for seed in range(2):
        order = np.random.default_rng(seed).permutation(100)
        arrived_ids, arrived = ids[order], vectors[order]
        by_id = np.argsort(arrived_ids)
        found.append(run(arrived[by_id], preprocessing_steps=["whitening", "pca"], **keys))
    assert found[0].leaf.tobytes() == found[1].leaf.tobytes()
    assert found[0].reduced.tobytes() == found[1].reduced.tobytes()


@given(st.lists(st.integers(-1, 6), max_size=40), st.integers(0, 1000))
def test_numbers_follow_size_then_first_row_under_any_names(labels, seed):
    labels = np.array(labels, np.int64)
    names = np.random.default_rng(seed).permutation(7) * 3
    found, count = numbered(labels)
    renamed, _ = numbered(np.where(labels >= 0, names[labels], -1))
    assert found.tolist() == renamed.tolist()
    sizes = [int((found == c).sum()) for c in range(count)]
    firsts = [int(np.argmax(found == c)) for c in range(count)]
    assert sorted(zip([-s for s in sizes], firsts, strict=True)) == list(
        zip([-s for s in sizes], firsts, strict=True)
    )
    assert ((found < 0) == (labels < 0)).all()


# Rows, keys of the definition, how many clusters and what is said.
OUTCOMES = {
    "no rows": (np.empty((0, 4)), {}, 0, "fewer than min_cluster_size"),
    "fewer rows than a cluster": (np.eye(4), {}, 0, "4 rows are fewer than min_cluster_size (10)"),
    "one row": (np.eye(4)[:1], {"algorithm": "dbscan"}, 0, "no group among 1 rows"),
    "identical": (np.ones((30, 4)), {}, 1, "all 30 vectors are the same"),
    "two identical": (np.ones((2, 4)), {"algorithm": "kmeans"}, 1, "are the same"),
    "all noise": (
        np.random.default_rng(0).standard_normal((40, 8)),
        {"algorithm": "dbscan", "algorithm_params": {"eps": 0.01}},
        0,
        "`dbscan` found no group among 40 rows: all are noise",
    ),
}


@pytest.mark.parametrize(("rows", "keys", "count", "said"), OUTCOMES.values(), ids=OUTCOMES)
def test_odd_input_has_a_clear_outcome(rows, keys, count, said):
    found = run(unit(rows) if len(rows) else rows.astype(np.float32), **keys)
    assert len(found.nodes) == count
    assert said in found.chosen["reason"]
    assert (found.leaf >= 0).all() == (count > 0) or not len(rows)


def test_one_cluster_and_noise_is_a_result():
    vectors, truth = blobs([60], noise=20)
    found = run(vectors, algorithm_params={"allow_single_cluster": True})
    assert len(found.nodes) == 1
    assert (truth[found.nodes[0].members] == 0).mean() > 0.95


def test_documents_outside_the_sample_are_assigned_whatever_a_cosine_means():
    """Vectors that share nothing: a member's cosine to its centroid is about .3."""
    vectors, truth = blobs([120, 100, 80], spread=0.45, dimensions=64)
    keys = {"algorithm": "kmeans", "algorithm_params": {"n_clusters": 3}, "sample_size": 100}
    found = run(vectors, **keys)
    cosines = vectors @ vectors.T
    assert cosines[truth == 0][:, truth == 0].mean() < 0.2
    assert (found.leaf < 0).mean() < 0.15
    assert (run(vectors, **keys, assignment_threshold=0.5).leaf < 0).mean() > 0.5


@given(st.lists(st.tuples(st.integers(-1, 3), st.floats(-1, 1, width=32)), max_size=300))
def test_nearly_all_members_reach_the_threshold_of_their_cluster(members):
    assigned = np.array([cluster for cluster, _ in members], np.int32)
    cosine = np.array([value for _, value in members], np.float32)
    found = own_thresholds(cosine, assigned, 4)
    for cluster in range(4):
        own = cosine[assigned == cluster]
        assert np.isinf(found[cluster]) if not len(own) else (own < found[cluster]).mean() <= 0.01


REFUSED = {
    "k above n": (
        np.eye(4),
        {"algorithm": "kmeans", "algorithm_params": {"n_clusters": 5}},
        "5 clusters in 4 rows. Lower n_clusters to at most 4",
    ),
    "not finite": (
        np.array([[1, 0], [np.nan, 0], [0, np.inf]]),
        {},
        "2 of 3 vectors hold values that are not finite, the first is row 1",
    ),
    "the library refuses": (
        np.eye(8),
        {
            "algorithm": "agglomerative",
            "algorithm_params": {"n_clusters": 2, "linkage": "ward", "metric": "cosine"},
        },
        "`agglomerative` (linkage=ward, metric=cosine, n_clusters=2) refuses 8 rows: ",
    ),
}


@pytest.mark.parametrize(("rows", "keys", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_done_names_its_cure(rows, keys, said):
    with pytest.raises(AutolabelError) as caught:
        run(rows.astype(np.float32), **keys)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("cost", "shape", "possible"),
    [(Cost(8, 0), (100_000, 50), 8192), (Cost(0, 1), (2_000_000, 50), 282_842)],
)
def test_a_quadratic_algorithm_is_refused_before_it_starts(cost, shape, possible):
    with pytest.raises(AutolabelError, match=f"`sample_size` to {possible} or less"):
        check_cost("dbscan", cost, shape, free_bytes=2**30)
    check_cost("dbscan", cost, (possible, shape[1]), free_bytes=2**30)
    check_cost("kmeans", Cost(), (10**9, 512), free_bytes=2**30)


def test_the_guard_reads_the_machine():
    assert 2**26 < available_bytes() < 2**50
    with pytest.raises(AutolabelError, match="pair by pair"):
        run(np.resize(np.eye(2, dtype=np.float32), (1_000_000, 2)), algorithm="dbscan")
    # The same rows with few neighbours each are no trouble.
    run(blobs([100] * 20, spread=0.3)[0], algorithm="dbscan", algorithm_params={"eps": 0.1})


def test_rows_outside_the_sample_are_assigned():
    vectors, truth = blobs([200, 150, 100], noise=30)
    found = run(vectors, sample_size=150, seed=3)
    assert (found.chosen["sampled_rows"], found.chosen["assigned_rows"]) == (150, 330)
    assert np.isfinite(found.reduced).all(axis=1).sum() == 150
    assert [len(node.members) for node in found.nodes] == pytest.approx([200, 150, 100], abs=8)
    assert (found.leaf[truth < 0] < 0).mean() > 0.8
    assert run(vectors, sample_size=1000).chosen["assigned_rows"] == 0


def nested(seed=0):
    """Two groups, the first of three parts."""
    rng = np.random.default_rng(seed)
    centres = unit(rng.standard_normal((2, 24)))
    parts = unit(centres[[0, 0, 0, 1]] + 0.35 * unit(rng.standard_normal((4, 24))))
    truth = np.repeat(np.arange(4), 60)
    return unit(parts[truth] + 0.03 * rng.standard_normal((240, 24))), truth


def test_a_hierarchy_divides_what_has_parts():
    vectors, truth = nested()
    keys = {"algorithm": "kmeans", "algorithm_params": {"n_clusters": 2}}
    found = run(vectors, hierarchical=True, **keys)
    shape = [(n.local_id, n.parent, n.children, n.level, len(n.members)) for n in found.nodes]
    subs = ("cl_0_sub_0", "cl_0_sub_1", "cl_0_sub_2")
    assert shape == [
        ("cl_0", None, subs, 0, 180),
        ("cl_1", None, (), 0, 60),
        *((sub, "cl_0", (), 1, 60) for sub in subs),
    ]
    assert found.depth == 2
    for node in found.nodes[2:]:
        assert len(set(truth[node.members])) == 1
    assert set(found.at_level(0)) == {0, 1}
    assert set(found.at_level(1)) == set(found.leaf) == {1, 2, 3, 4}
    flat = run(vectors, hierarchical=True, max_hierarchy_depth=1, **keys)
    assert len(flat.nodes) == 2


def test_members_are_those_of_a_cluster_and_below():
    drafts = [
        Draft("cl_0", -1, 0, np.array([0, 1, 2, 3])),
        Draft("cl_1", -1, 0, np.array([5])),
        Draft("cl_0_sub_0", 0, 1, np.array([1, 2])),
        Draft("cl_0_sub_0_sub_0", 2, 2, np.array([2])),
    ]
    leaf = deepest(drafts, 6)
    assert leaf.tolist() == [0, 2, 3, 0, -1, 1]
    members = {node.local_id: node.members.tolist() for node in grown(drafts, leaf)}
    assert members == {
        "cl_0": [0, 1, 2, 3],
        "cl_1": [5],
        "cl_0_sub_0": [1, 2],
        "cl_0_sub_0_sub_0": [2],
    }


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 30), st.integers(0, 6), st.integers(0, 1000), st.floats(-1, 1))
def test_assigning_takes_the_nearest_that_is_near_enough(n, k, seed, threshold):
    rng = np.random.default_rng(seed)
    vectors, centroids = (unit(rng.standard_normal((count, 5))) for count in (n, k))
    found = assign(vectors, centroids, threshold)
    for i in range(n):
        cosines = centroids.astype(np.float64) @ vectors[i]
        if k and cosines.max() >= threshold + 1e-6:
            assert found.index[i] == cosines.argmax()
        elif not k or cosines.max() < threshold - 1e-6:
            assert found.index[i] == -1


def test_a_map_has_a_place_for_every_finite_row():
    vectors, truth = blobs([20, 20])
    vectors[3] = np.nan
    placed = project(vectors, "pca", 3, seed=0)
    assert placed.shape == (40, 3)
    assert np.isnan(placed[3]).all()
    np.testing.assert_allclose(np.nanmean(placed, axis=0), 0.0, atol=1e-5)
    sides = placed[:, 0] > 0
    assert len({(t, s) for i, (t, s) in enumerate(zip(truth, sides, strict=True)) if i != 3}) == 2
    assert project(vectors[:1], "umap", 2, seed=0).tolist() == [[0.0, 0.0]]
    assert project(vectors[:0], "umap", 2, seed=0).shape == (0, 2)
