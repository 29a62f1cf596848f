"""Reads many objects in parallel threads where that pays."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, cast

USABLE_CORES = (
    len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
)
"""Cores that this process may use."""
READERS = 8
CHUNK = 16
WORTH_A_THREAD_SECONDS = 0.001

T = TypeVar("T")
R = TypeVar("R")


def read_in_order(read: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
    """Apply `read` to every item, in several threads where that pays.

    The first chunk is timed: small local files are read one after the other, because threads
    would only take turns at the interpreter; what is remote or large is read side by side.

    Args:
        read: reads one item; its exceptions are raised here.
        items: what to read.

    Yields:
        R: the results in the order of the items, as they are ready.
    """
    started = time.perf_counter()
    for item in items[:CHUNK]:
        yield read(item)
    rest = items[CHUNK:]
    if time.perf_counter() - started < CHUNK * WORTH_A_THREAD_SECONDS:
        yield from map(read, rest)
    else:
        chunks = [rest[start : start + CHUNK] for start in range(0, len(rest), CHUNK)]
        with ThreadPoolExecutor(READERS) as pool:
            for results in pool.map(lambda chunk: [read(item) for item in chunk], chunks):
                yield from results


def read_ahead(results: Iterator[R]) -> Iterator[R]:
    """Make the next result in another thread while the caller works with this one.

    At most one result waits, so that no more than two are in memory.

    Args:
        results: made one after the other, each in the other thread; exceptions are raised here.

    Yields:
        R: the results in their order.
    """
    done = object()
    with ThreadPoolExecutor(1, thread_name_prefix="reading-ahead") as pool:
        coming = pool.submit(next, results, done)
        while (result := coming.result()) is not done:
            coming = pool.submit(next, results, done)
            yield cast("R", result)
