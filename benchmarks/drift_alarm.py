"""How often `confidence_drift` alarms without drift, and how often it sees one."""

from __future__ import annotations

import argparse

import numpy as np
import numpy.typing as npt

from autolabel_core.notifications.alerts.drift import FIRST_LOOK, drift
from benchmarks.matching import say

RATE = 0.01
EARLIER = 2_000
SIZES = (300, 1_000)
SHIFTS = (0.02, 0.05, 0.10)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=2_000)
    trials = parser.parse_args().trials
    rng = np.random.default_rng(0)
    for groups in (1, 5):
        for by_looks in (True, False):
            alarms = sum(alarmed(rng, 1_000, 0.0, groups, by_looks) for _ in range(trials))
            how = "every look at a growing batch" if by_looks else "a full window"
            name = f"drift, none, {groups} groups, {how}, stated {RATE:.0%}"
            say(name, alarms / trials, "alarms")
    for size in SIZES:
        for shift in SHIFTS:
            seen = sum(alarmed(rng, size, shift, 1, True) for _ in range(trials // 4))
            name = f"drift, cosines {shift} lower, batch of {size:,}"
            say(name, seen / (trials // 4), "seen")


def alarmed(rng: np.random.Generator, size: int, shift: float, groups: int, by_looks: bool) -> bool:
    """Whether any look at any group of one batch alarms.

    Args:
        rng: draws the confidences.
        size: documents in the batch, of each group.
        shift: how much lower its cosines are.
        groups: how many groups.
        by_looks: whether it is looked at while it grows.

    Returns:
        True where at least one p-value is below RATE.
    """
    sizes = [FIRST_LOOK * 2**k for k in range(20) if FIRST_LOOK * 2**k <= size]
    for _ in range(groups):
        earlier, later = confidences(rng, EARLIER), confidences(rng, size) - shift
        for n in sizes if by_looks else [size]:
            p = drift(earlier, later[:n], groups, by_looks)
            if p is not None and p < RATE:
                return True
    return False


def confidences(rng: np.random.Generator, n: int) -> npt.NDArray[np.float64]:
    """Return cosines as an encoder gives them: most near the top, a tail of unknowns."""
    known, unknown = rng.beta(12, 3, n), rng.beta(4, 4, n)
    return np.where(rng.random(n) < 0.8, known, unknown)


if __name__ == "__main__":
    main()
