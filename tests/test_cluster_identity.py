"""Identities from run to run, beside a search through all assignments."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autolabel_core.clusters.algorithms.id_matching import LEAST_OVERLAP, match_identities


def kinds(found, kind):
    return {c.cluster_id: c for c in found.changes if c.kind == kind}


def most_shared(previous, current):
    """The largest sum of shared documents over all assignments of eligible pairs."""

    def worth(old, new):
        shared = len(previous[old] & current[new])
        small = min(len(previous[old]), len(current[new]))
        return shared if shared >= LEAST_OVERLAP * small else 0

    few, many = sorted((list(previous), list(current)), key=len)
    swap = few == list(current) and few != list(previous)
    return max(
        sum(worth(b, a) if swap else worth(a, b) for a, b in zip(few, chosen, strict=True))
        for chosen in itertools.permutations(many, len(few))
    )


@st.composite
def partitions(draw):
    """Two groupings of the same documents, some of them in none."""
    n = draw(st.integers(0, 30))
    both = []
    for _ in range(2):
        k = draw(st.integers(0, 4))
        groups = draw(st.lists(st.integers(-1, k - 1), min_size=n, max_size=n))
        both.append(
            {f"cl_{c}": {f"d{i}" for i in range(n) if groups[i] == c} for c in set(groups) - {-1}}
        )
    return both


@settings(max_examples=150, deadline=None)
@given(partitions())
def test_no_other_assignment_shares_more(sample):
    previous, current = sample
    found = match_identities(previous, current, previous)
    kept = [local for local, name in found.ids.items() if name in previous]
    shared = sum(len(previous[found.ids[local]] & current[local]) for local in kept)
    assert shared == most_shared(previous, current)


@settings(max_examples=150, deadline=None)
@given(partitions())
def test_every_cluster_is_told_once(sample):
    previous, current = sample
    found = match_identities(previous, current, previous)
    told = [(c.kind, c.cluster_id) for c in found.changes if c.kind in ("kept", "birth", "death")]
    expected = [("kept" if i in previous else "birth", i) for i in found.ids.values()]
    expected += [("death", i) for i in previous if i not in found.ids.values()]
    assert sorted(told) == sorted(expected)
    assert len(set(found.ids.values())) == len(current)


@settings(max_examples=100, deadline=None)
@given(partitions())
def test_the_same_clusters_keep_their_ids_under_any_local_name(sample):
    _, current = sample
    renamed = {f"cl_{100 - int(name[3:])}": members for name, members in current.items()}
    found = match_identities(current, renamed, current)
    assert {found.ids[local]: members for local, members in renamed.items()} == current
    assert all(c.kind == "kept" and c.jaccard == 1.0 for c in found.changes)


def test_the_first_run_gives_ids_in_order():
    found = match_identities({}, {"cl_0": ["a"], "cl_1": ["b"], "cl_1_sub_0": ["b"]}, [])
    assert found.ids == {"cl_0": "cl_0", "cl_1": "cl_1", "cl_1_sub_0": "cl_1_sub_0"}
    assert [c.kind for c in found.changes] == ["birth"] * 3


def test_an_id_is_never_given_twice():
    found = match_identities({"cl_2": "ab"}, {"cl_0": "xy"}, {"cl_2", "cl_9", "cl_11_sub_40"})
    assert found.ids == {"cl_0": "cl_12"}
    assert set(kinds(found, "death")) == {"cl_2"}


def test_a_stray_document_is_no_heritage():
    found = match_identities({"cl_0": "abcdefghij"}, {"cl_0": "avwxyz"}, {"cl_0"})
    assert found.ids == {"cl_0": "cl_1"}


def test_a_split_is_told_and_the_larger_part_keeps_the_id():
    found = match_identities({"cl_0": "abcdefgh"}, {"cl_0": "abc", "cl_1": "defgh"}, {"cl_0"})
    assert found.ids == {"cl_0": "cl_1", "cl_1": "cl_0"}
    split = kinds(found, "split")["cl_0"]
    assert (split.others, split.shared) == (("cl_1", "cl_0"), 8)
    assert kinds(found, "kept")["cl_0"].jaccard == pytest.approx(5 / 8)


def test_a_merge_is_told_and_the_larger_part_gives_the_id():
    found = match_identities({"cl_0": "abc", "cl_1": "defgh"}, {"cl_0": "abcdefgh"}, {})
    assert found.ids == {"cl_0": "cl_1"}
    merge = kinds(found, "merge")["cl_1"]
    assert (merge.others, merge.shared) == (("cl_0", "cl_1"), 8)
    assert set(kinds(found, "death")) == {"cl_0"}


def test_sub_clusters_keep_their_place_below_their_parent():
    previous = {"cl_3": "abcdefgh", "cl_3_sub_0": "abcd", "cl_3_sub_1": "efgh"}
    current = {
        "cl_0": "xyz",
        "cl_1": "abcdefgh",
        "cl_1_sub_0": "efgh",
        "cl_1_sub_1": "abc",
        "cl_1_sub_2": "d",
        "cl_1_sub_1_sub_0": "ab",
    }
    found = match_identities(previous, current, {*previous, "cl_3_sub_6"})
    assert found.ids == {
        "cl_0": "cl_4",
        "cl_1": "cl_3",
        "cl_1_sub_0": "cl_3_sub_1",
        "cl_1_sub_1": "cl_3_sub_0",
        "cl_1_sub_2": "cl_3_sub_7",
        "cl_1_sub_1_sub_0": "cl_3_sub_0_sub_0",
    }


def test_what_hung_below_a_cluster_that_is_gone_goes_with_it():
    previous = {"cl_0": "ab", "cl_0_sub_0": "a", "cl_0_sub_1": "b"}
    found = match_identities(previous, {}, previous)
    assert [c.cluster_id for c in found.changes] == ["cl_0", "cl_0_sub_0", "cl_0_sub_1"]
    assert {c.kind for c in found.changes} == {"death"}


def test_new_documents_leave_identities_alone():
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 12, 600)
    previous = {f"cl_{c}": {f"d{i}" for i in np.flatnonzero(groups == c)} for c in range(12)}
    current = {
        f"cl_{11 - c}": {*previous[f"cl_{c}"], *(f"new{c}-{i}" for i in range(30))}
        for c in range(12)
    }
    found = match_identities(previous, current, previous)
    assert found.ids == {f"cl_{11 - c}": f"cl_{c}" for c in range(12)}
