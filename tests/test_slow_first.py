"""Every test runs once, and each worker begins with slow ones."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.slow_first import stretches


class Item(NamedTuple):
    path: str
    number: int
    slow: bool

    def get_closest_marker(self, name):
        return name if self.slow else None


def items(modules):
    """Tests of modules, each given by how many slow and how many quick ones it has."""
    return [
        Item(f"{i}", n, n < slow)
        for i, (slow, quick) in enumerate(modules)
        for n in range(slow + quick)
    ]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9)), max_size=9), st.integers(1, 6))
def test_every_test_runs_once(modules, workers):
    tests = items(modules)
    assert sorted(stretches(tests, workers)) == tests


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_each_worker_begins_with_whole_modules_of_slow_tests(workers):
    order = stretches(items([(2, 0)] * 6 + [(0, 40)] * 3), workers)
    size, share = len(order) // workers, 6 // workers
    for worker in range(workers):
        first = order[worker * size :][: 2 * share]
        assert all(item.slow for item in first)
        assert len({item.path for item in first}) == share
