"""How the inner loops are compiled: the types of their arrays, and where compiled code is kept.

What a compiled function calls has to lie in its own module: the code on disk is thrown away when
that module changes, and no other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import numpy as np
from numba import njit, types  # noqa: TID253
from numpy.typing import NDArray

P = ParamSpec("P")
T = TypeVar("T")
Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Sums = NDArray[np.float64]

# Vectors may be memory-mapped and read-only. Writable arrays are accepted for these types as well.
ROWS_IN = types.Array(types.float32, 2, "C", readonly=True)
ROW_IN = types.Array(types.float32, 1, "C", readonly=True)
INTS_IN = types.Array(types.int32, 2, "C", readonly=True)
INT_IN = types.Array(types.int32, 1, "C", readonly=True)
MASK_IN = types.Array(types.boolean, 1, "C", readonly=True)
ROWS = types.float32[:, ::1]
ROW = types.float32[::1]
INTS = types.int32[:, ::1]
INT = types.int32[::1]
SUMS = types.float64[:, ::1]


def compiled(*signature: object, **options: object) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Compile for one signature; keep it on disk where a cache folder can be written."""

    def compile_it(function: Callable[P, T]) -> Callable[P, T]:
        try:
            kernel: Callable[P, T] = njit(signature, nogil=True, cache=True, **options)(function)
        except (RuntimeError, OSError):
            kernel = njit(signature, nogil=True, **options)(function)
        return kernel

    return compile_it
