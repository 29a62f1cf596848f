"""Estimates the memory of an algorithm before it starts, and refuses what would not fit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autolabel_core.foundation.errors import AutolabelError

MEMORY_SHARE = 0.5
"""The share of the memory that is free which distances between pairs may take."""
MOST_WORK = 4e12
"""Pairs × dimensions × visits: about an hour on one core."""
CURE = (
    "Set `sample_size` to {rows} or less (the others are then assigned), use `hdbscan` after a "
    "`umap` step, or `kmeans`."
)
MEMINFO = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Cost:
    """What an algorithm needs at its worst.

    Attributes:
        bytes_of_a_pair: memory for each pair of rows; 0 where memory grows with the rows alone.
        visits_of_a_pair: how often each pair is compared; 0 where time grows with the rows alone.
    """

    bytes_of_a_pair: float = 0
    visits_of_a_pair: int = 0


def check_cost(
    name: str, cost: Cost, shape: tuple[int, ...], free_bytes: int | None = None
) -> None:
    """Refuse what would not fit into memory or an hour.

    Args:
        name: the algorithm.
        cost: what it needs.
        shape: rows and dimensions.
        free_bytes: memory that is free; None asks the machine.

    Raises:
        AutolabelError: it needs too much; the message says how many rows are possible.
    """
    n, d = shape
    needed = cost.bytes_of_a_pair * n * n
    free = MEMORY_SHARE * (available_bytes() if free_bytes is None else free_bytes)
    if needed > free:
        possible = int((free / cost.bytes_of_a_pair) ** 0.5)
        raise AutolabelError(
            f"`{name}` compares {n} rows pair by pair and would need {needed / 2**30:.1f} GiB; "
            f"{free / 2**30:.1f} GiB may be used. {CURE.format(rows=possible)}"
        )
    work = float(cost.visits_of_a_pair) * n * n * d
    if work > MOST_WORK:
        possible = int((MOST_WORK / cost.visits_of_a_pair / max(d, 1)) ** 0.5)
        raise AutolabelError(
            f"`{name}` compares {n} rows of {d} dimensions pair by pair and would run for more "
            f"than an hour. {CURE.format(rows=possible)}"
        )


def available_bytes() -> int:
    """Return the memory that this process may still take, by machine and container."""
    free = [_meminfo(), _container()]
    known = [value for value in free if value is not None]
    return min(known) if known else 2**33


def _meminfo() -> int | None:
    try:
        lines = MEMINFO.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    kibibytes = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(kibibytes[0]) * 1024 if kibibytes else None


def _container() -> int | None:
    try:
        limit = (CGROUP / "memory.max").read_text(encoding="ascii").strip()
        used = (CGROUP / "memory.current").read_text(encoding="ascii").strip()
    except OSError:
        return None
    return None if limit == "max" else max(int(limit) - int(used), 0)
