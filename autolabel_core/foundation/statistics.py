"""Small statistics that thresholds, charts and reports share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import lgamma, log, log1p, sqrt
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


def wilson_interval(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Where the true rate probably lies; wide when there were few trials, unlike a bare share.

    No trials say nothing: (0, 1).

    Args:
        successes: how many came out right, from 0 to `trials`.
        trials: how many were tried.
        confidence: share of such intervals that hold the true rate, above 0 (narrow) and
            below 1 (wide).

    Returns:
        The lower and the upper end, each from 0 (never) to 1 (always).

    Raises:
        ValueError: when the counts or the confidence are impossible.

    Source: E. B. Wilson (1927), Probable inference, the law of succession, and statistical
        inference, JASA 22.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"Expected 0 <= successes <= trials, found {successes} of {trials}.")
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"Expected a confidence between 0 and 1, found {confidence}.")
    if trials == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    rate = successes / trials
    centre = rate + z * z / (2 * trials)
    spread = z * sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    low = 0.0 if successes == 0 else (centre - spread) / scale
    high = 1.0 if successes == trials else (centre + spread) / scale
    return low, high


def exact_lower_bound(successes: int, trials: int, error: float) -> float:
    """What the true rate is at least, but for a given error; no trials say nothing: 0.

    Args:
        successes: how many came out right, from 0 to `trials`.
        trials: how many were tried.
        error: how often such a bound may lie above the true rate, above 0 (a low bound) and below
            1 (a high one).

    Returns:
        The bound, from 0 (never) to 1 (always; unreachable by finite trials).

    Raises:
        ValueError: when the counts or the error are impossible.

    Source: C. J. Clopper, E. S. Pearson (1934), The use of confidence or fiducial limits
        illustrated in the case of the binomial, Biometrika 26; one-sided.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"Expected 0 <= successes <= trials, found {successes} of {trials}.")
    if not 0.0 < error < 1.0:
        raise ValueError(f"Expected an error between 0 and 1, found {error}.")
    low, high = 0.0, successes / trials if trials else 0.0
    # Halved until the two are neighbouring numbers; importing scipy costs a command .2 s.
    while low < (middle := (low + high) / 2) < high:
        is_rare = _at_least(successes, trials, middle) < error
        low, high = (middle, high) if is_rare else (low, middle)
    return low


def _at_least(successes: int, trials: int, rate: float) -> float:
    """Return the chance of so many successes or more, at a rate between 0 and 1."""
    k = np.arange(successes, trials + 1)
    ways = lgamma(trials + 1) - np.array([lgamma(i + 1) + lgamma(trials - i + 1) for i in k])
    return float(np.exp(ways + k * log(rate) + (trials - k) * log1p(-rate)).sum())


def quantiles(
    values: npt.ArrayLike, probabilities: Sequence[float] = QUANTILES
) -> dict[float, float]:
    """The values below which the given shares of all values lie; what is not a number is left out.

    Args:
        values: numbers of any shape; NaN and infinities count as missing.
        probabilities: shares from 0 (the smallest value) to 1 (the largest).

    Returns:
        The value for each share; empty when there is no value.
    """
    numbers = np.asarray(values, dtype=np.float64).ravel()
    numbers = numbers[np.isfinite(numbers)]
    if not numbers.size:
        return {}
    return dict(zip(probabilities, np.quantile(numbers, probabilities).tolist(), strict=True))


def field_distribution(values: Iterable[str | None]) -> dict[str | None, int]:
    """How many items hold each value, compared by exact text: most frequent first, then by text.

    Args:
        values: one entry an item; None where the item has no value, counted under None.

    Returns:
        The count of each value; a tie puts None last.
    """
    counts = Counter(values)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0] is None, item[0] or "")))


def coverage(covered: int, total: int) -> float:
    """The share that got an answer, from 0 (none, or nothing to answer) to 1 (all)."""
    return covered / total if total else 0.0
