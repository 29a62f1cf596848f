"""How well the similarity tells strangers: each label is hidden in turn, and its references ask."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from autolabel_core.matching.scores.similarity import LEAST, mean_of_greatest

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]


def auroc_of_strangers(
    vectors: npt.NDArray[np.float32],
    centre: npt.NDArray[np.float32],
    codes: Codes,
    groups: Codes,
) -> float | None:
    """Return how often a reference is more similar to the others with its label than without them.

    Args:
        vectors: (r, d) references of unit length.
        centre: (d,) middle of the documents.
        codes: (r,) label of each.
        groups: (r,) near-duplicates share a group, and know nothing of each other here.

    Returns:
        Area under the ROC curve, from 0.5 (as by a coin) to 1 (always), each label counting alike;
        None where fewer than two labels have two references that are no near-duplicates.
    """
    rows = vectors.astype(np.float64) - centre
    rows /= np.sqrt(np.maximum((rows**2).sum(axis=1, keepdims=True), LEAST))
    cosine = rows @ rows.T
    cosine[groups[:, None] == groups] = -np.inf
    same_label = codes[:, None] == codes
    judged = np.isfinite(np.where(same_label, cosine, -np.inf)).any(axis=1)
    if len(np.unique(codes[judged])) < 2:
        return None
    known = mean_of_greatest(cosine[judged])
    strange = mean_of_greatest(np.where(same_label, -np.inf, cosine)[judged])
    weights = 1.0 / np.bincount(codes[judged])[codes[judged]]
    return weighted_auroc(known, strange, weights)


def weighted_auroc(high: npt.ArrayLike, low: npt.ArrayLike, weights: npt.ArrayLike) -> float:
    """Return how often one of `high` (n,) is greater than one of `low` (n,); equals count half."""
    first, second = np.asarray(high, np.float64), np.asarray(low, np.float64)
    mass = np.asarray(weights, np.float64)
    order = np.argsort(second, kind="stable")
    below = np.concatenate([[0.0], np.cumsum(mass[order])])
    left = below[np.searchsorted(second[order], first, "left")]
    right = below[np.searchsorted(second[order], first, "right")]
    return float(np.sum(mass * (left + right) / 2) / mass.sum() ** 2)
