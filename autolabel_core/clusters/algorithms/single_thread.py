"""Restricts numeric libraries to one thread, so that sums do not depend on the number of cores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep BLAS and OpenMP to one thread, so that the same rows give the same bytes anywhere."""
    import sklearn.cluster  # noqa: F401  (what is not loaded yet would not be limited)
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        yield
