"""Bootstrap stability beside loops over sets, and what may become a label."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cluster_samples import blobs, definition, unit

from autolabel_core.clusters.algorithms.pipeline import cluster_vectors
from autolabel_core.clusters.algorithms.stability import (
    best_jaccard,
    promotable,
    stability,
    tree_stability,
)

GROUPS = st.lists(st.tuples(st.integers(-1, 3), st.integers(-1, 4)), max_size=30)


@given(GROUPS)
def test_the_best_jaccard_is_that_of_the_sets(pairs):
    known = np.array([a for a, _ in pairs], np.int32)
    found = np.array([b for _, b in pairs], np.int32)
    for cluster, value in enumerate(best_jaccard(known, 4, found, 5)):
        members = set(np.flatnonzero(known == cluster))
        groups = [set(np.flatnonzero(found == g)) for g in range(5)]
        if members:
            assert value == pytest.approx(max(len(members & g) / len(members | g) for g in groups))
        else:
            assert np.isnan(value)


def test_what_is_plain_comes_back_and_what_was_drawn_by_chance_does_not():
    vectors, _ = blobs([60, 50, 40], noise=30)
    by = definition()
    clustering = cluster_vectors(vectors, by)
    found = stability(clustering.reduced, clustering.leaf, by, np.random.default_rng(0))
    assert len(found) == 3
    assert (found > 0.85).all()
    chance = np.random.default_rng(1).integers(0, 3, len(vectors)).astype(np.int32)
    assert (stability(clustering.reduced, chance, by, np.random.default_rng(0)) < 0.5).all()


def test_halves_of_one_group_are_not_stable():
    vectors = unit(np.random.default_rng(0).standard_normal((200, 6)) * 0.1 + np.eye(6)[0])
    by = definition(algorithm="kmeans", algorithm_params={"n_clusters": 5})
    clustering = cluster_vectors(vectors, by)
    found = stability(clustering.reduced, clustering.leaf, by, np.random.default_rng(0), 10)
    assert found.mean() < 0.75


def test_the_same_draws_give_the_same_figures():
    vectors, _ = blobs([40, 40], spread=0.3, noise=20)
    by = definition()
    clustering = cluster_vectors(vectors, by)
    both = [
        stability(clustering.reduced, clustering.leaf, by, np.random.default_rng(5), 5)
        for _ in range(2)
    ]
    assert both[0].tobytes() == both[1].tobytes()


def test_rows_outside_the_sample_are_left_out():
    vectors, _ = blobs([80, 80])
    by = definition(sample_size=80)
    clustering = cluster_vectors(vectors, by)
    found = stability(clustering.reduced, clustering.leaf, by, np.random.default_rng(0), 5)
    assert (found > 0.9).all()


def test_sub_clusters_are_drawn_from_their_parent():
    rng = np.random.default_rng(0)
    centres = unit(rng.standard_normal((2, 24)))
    parts = unit(centres[[0, 0, 1]] + 0.35 * unit(rng.standard_normal((3, 24))))
    vectors = unit(np.repeat(parts, 60, axis=0) + 0.03 * rng.standard_normal((180, 24)))
    params = {"algorithm": "kmeans", "algorithm_params": {"n_clusters": 2}}
    by = definition(hierarchical=True, **params)
    clustering = cluster_vectors(vectors, by)
    assert [node.level for node in clustering.nodes] == [0, 0, 1, 1]
    found = tree_stability(vectors, clustering, by, np.random.default_rng(0), 5)
    assert (found > 0.9).all()


def test_without_clusters_there_is_nothing_to_come_back():
    rows = np.random.default_rng(0).standard_normal((20, 3)).astype(np.float32)
    nobody = np.full(20, -1, np.int32)
    assert stability(rows, nobody, definition(), np.random.default_rng(0), 2).tolist() == []
    assert stability(rows[:0], nobody[:0], definition(), np.random.default_rng(0)).tolist() == []
    with pytest.raises(ValueError, match="at least 1 resample"):
        stability(rows, nobody, definition(), np.random.default_rng(0), 0)


@pytest.mark.parametrize(
    ("figures", "reasons"),
    [
        ((0.75, 10, 0.5), []),
        ((0.74, 10, 0.5), ["stability is 0.74, below 0.75"]),
        ((0.9, 9, 0.5), ["it has 9 members, fewer than 10"]),
        ((0.9, 10, 0.49), ["cohesion is 0.49, below 0.5"]),
        ((0.9, 10, 0.3, 0.25), []),
        ((float("nan"), 2, 0.1), ["stability is nan", "it has 2", "cohesion is 0.10"]),
    ],
)
def test_a_verdict_names_what_is_lacking(figures, reasons):
    verdict = promotable(*figures)
    assert verdict.promotable == (not reasons)
    assert len(verdict.reasons) == len(reasons)
    for said, reason in zip(verdict.reasons, reasons, strict=True):
        assert said.startswith(reason)
