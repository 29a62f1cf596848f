"""Risk against coverage: how many labels are wrong, the surest given first."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def area_under_risk_coverage(
    confidence: npt.ArrayLike, correct: npt.ArrayLike, importance: npt.ArrayLike | None = None
) -> float:
    """Return the mean share of wrong labels over all coverages; smaller is better.

    Items are taken by falling confidence; equal ones share what their group gives on average, so
    that the order of the items decides nothing.

    Args:
        confidence: (n,) higher is surer.
        correct: (n,) whether the label is right.
        importance: (n,) what each item counts, above 0; by default all alike.

    Returns:
        From 0 (all right) to 1 (all wrong); nan without items.
    """
    score = np.asarray(confidence, np.float64)
    wrong = ~np.asarray(correct, bool)
    if not score.size:
        return float("nan")
    weight = np.ones(score.size) if importance is None else np.asarray(importance, np.float64)
    levels, level = np.unique(-score, return_inverse=True)
    mass = np.bincount(level, weight, len(levels))
    risk = np.bincount(level, weight * wrong, len(levels))
    before, wrong_before = np.cumsum(mass) - mass, np.cumsum(risk) - risk
    # Halfway through a group of equals, its share of the errors has been met.
    return float(np.average((wrong_before + risk / 2) / (before + mass / 2), weights=mass))
