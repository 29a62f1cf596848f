"""Encodes items batch by batch, several batches side by side."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

import numpy as np

from autolabel_core.foundation.parallel import USABLE_CORES
from autolabel_core.models.onnx_runtime.network import Vectors

Item = TypeVar("Item")


def encode_batches(
    encode: Callable[[Sequence[Item]], Vectors],
    items: Sequence[Item],
    batch_size: int,
    threads: int = USABLE_CORES,
) -> Vectors:
    """Return the vectors of items in their order.

    What prepares an item, such as resizing a picture, belongs into `encode`: one thread then
    prepares while another one computes.

    Args:
        encode: returns the vectors `(b, d)` of a batch of b items; called from several threads.
        items: n of them, at least one.
        batch_size: the most items in one call, at least 1.
        threads: calls at the same time, at least 1; 1 calls in this thread.

    Returns:
        Vectors `(n, d)`. The first exception of a batch is raised here.
    """
    batches = [items[start : start + batch_size] for start in range(0, len(items), batch_size)]
    if threads == 1 or len(batches) == 1:
        return np.concatenate([encode(batch) for batch in batches])
    return np.concatenate(list(_pool(threads, os.getpid()).map(encode, batches)))


@cache
def _pool(threads: int, process: int) -> ThreadPoolExecutor:
    """Threads of this process; those of the process that it was forked from are gone."""
    return ThreadPoolExecutor(threads, thread_name_prefix=f"encoding-{process}")
