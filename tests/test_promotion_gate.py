"""A cluster of two things is refused, however stable it is; one of a single thing is not."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from conftest import sweep_quietly
from support.angle_samples import NAME, label
from support.grouped_angles import ask, clusters_by_key, declared, definition, groups

from autolabel_core.clusters.algorithms.bimodality import two_groups
from autolabel_core.clusters.promotion import confirm_promotion, propose_promotion
from autolabel_core.clusters.promotion_gate import disagreement
from autolabel_core.foundation.errors import AutolabelError

WIDE = {"algorithm": "kmeans", "algorithm_params": {"n_clusters": 2}}


def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def digits():
    from sklearn.datasets import load_digits

    bunch = load_digits()
    rows = bunch.data / np.linalg.norm(bunch.data, axis=1, keepdims=True)
    return {digit: rows[bunch.target == digit].astype(np.float32) for digit in range(10)}


def test_thirteen_sevens_and_ten_nines_lie_apart(digits):
    both = np.vstack([digits[7][:13], digits[9][:10]])
    found = two_groups(both, rng())
    agree = np.mean(found.second == (np.arange(23) >= 13))
    assert found.lie_apart and max(agree, 1 - agree) > 0.9


@pytest.mark.parametrize(
    "rows",
    [
        np.random.default_rng(1).standard_normal((30, 8)),
        np.random.default_rng(2).standard_normal((200, 3)) * [5, 1, 1],
        np.linspace(0, 1, 200)[:, None],
        np.ones((20, 3)),
        np.zeros((0, 3)),
        np.vstack([np.random.default_rng(3).standard_normal((60, 4)), [[9] * 4] * 2]),
    ],
    ids=["round", "long", "an even line", "all the same", "none", "two outliers"],
)
def test_one_group_is_one(rows):
    assert not two_groups(rows.astype(np.float32), rng()).lie_apart


def test_two_groups_are_two_whatever_the_seed():
    rows = np.random.default_rng(4).standard_normal((40, 6)).astype(np.float32)
    rows[:15] += 6
    for seed in range(3):
        found = two_groups(rows, np.random.default_rng(seed))
        assert found.lie_apart and found.sizes == (25, 15)


def test_labels_that_do_not_agree_are_told():
    assert disagreement(Counter({"7": 13, "9": 10}), "its members") == [
        "the labels of its members do not agree: 7 (13), 9 (10)"
    ]
    assert disagreement(Counter({"7": 8, "9": 2}), "its members") == []
    assert disagreement(Counter({"7": 1, "9": 1}), "its members") == []
    assert disagreement(Counter(), "its members") == []


def proposed(workspace, key, name):
    found = propose_promotion(workspace.open(NAME), clusters_by_key(workspace)[key], name)
    return found, " ".join(found.reasons)


def test_a_cluster_of_two_groups_is_refused_until_labels_say_that_they_are_one(angles):
    ws = angles(groups(0, 20, 180, 200, size=10), declared=declared(definition(**WIDE)))
    ask(ws)
    sweep_quietly(ws, NAME)
    found, reasons = proposed(ws, "000-0", "right")
    assert "two groups of 10 and 10 that lie apart" in reasons
    with pytest.raises(AutolabelError, match=r"lie apart.*--force"):
        confirm_promotion(ws, found, "me")
    label(ws, {f"{centre}-{i}": "right" for centre in ("000", "020") for i in range(3)})
    sweep_quietly(ws, NAME)
    assert "lie apart" not in proposed(ws, "000-0", "right")[1]


def test_a_cluster_whose_labels_do_not_agree_is_refused(angles):
    ws = angles(groups(0, 180, size=12), declared=declared())
    ask(ws)
    sweep_quietly(ws, NAME)
    label(ws, {f"000-{i}": "seven" if i < 4 else "nine" for i in range(7)})
    sweep_quietly(ws, NAME)
    _, reasons = proposed(ws, "000-9", "seven")
    assert "the labels of its members do not agree" in reasons


def test_asking_twice_takes_the_same_members(angles):
    ws = angles(groups(0, 180, size=40), declared=declared())
    ask(ws)
    sweep_quietly(ws, NAME)
    found, _ = proposed(ws, "180-0", "down")
    assert confirm_promotion(ws, found, "me") == 20
    for _ in range(2):
        again, _ = proposed(ws, "180-0", "down")
        assert again.chosen == {NAME: []} and again.promoted == 20
        sweep_quietly(ws, NAME)
    more = propose_promotion(ws.open(NAME), found.cluster_id, "down", core=25)
    assert len(more.chosen[NAME]) == 5
    other = propose_promotion(ws.open(NAME), found.cluster_id, "south")
    first = {p.key for p in found.chosen[NAME]}
    assert {p.key for p in other.chosen[NAME]} == first, "another label for the same members"
