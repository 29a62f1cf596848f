"""The order of tests in which each worker begins with its share of the slow ones."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import pytest


def stretches(tests: Sequence[pytest.Item], workers: int) -> list[pytest.Item]:
    """Return all tests as stretches, one for each worker: slow ones first, then quick ones.

    xdist gives each worker an equal stretch of the list, and one that is done steals from the end
    of another's. Slow ones at the head of the list would all be the first worker's.

    Args:
        tests: all of them, module after module; slow ones of a module stay together.
        workers: how many there are, at least 1.

    Returns:
        Every test once.
    """
    slow = [test for test in tests if test.get_closest_marker("slow")]
    quick = [test for test in tests if not test.get_closest_marker("slow")]
    modules = [list(of_module) for _, of_module in groupby(slow, key=lambda test: test.path)]
    order: list[pytest.Item] = []
    taken, left = 0, len(tests)
    for worker in range(workers):
        share = [test for tests in modules[worker::workers] for test in tests]
        filled = max(0, left // (workers - worker) - len(share))
        order += [*share, *quick[taken : taken + filled]]
        taken += filled
        left = len(tests) - len(order)
    return [*order, *quick[taken:]]
