"""Turns products into probabilities: one temperature, chosen where the answers were not seen."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from autolabel_core.matching.scores.ranking import LABELS_COMPARED, RankedLabels

Floats = npt.NDArray[np.float64]

TEMPERATURES = tuple(float(t) for t in np.round(np.geomspace(0.005, 2.0, 22), 6))
DEFAULT_TEMPERATURE = 0.05
"""Where no reference can be held out; near what cross-validation takes on photographs and texts."""


def probabilities(products: Floats, temperature: float) -> Floats:
    """Return softmax of products (n, labels) over the likeliest LABELS_COMPARED labels.

    Labels beyond them have a probability of 0, as when documents are ranked.
    """
    share = np.exp((products - products.max(axis=1, keepdims=True)) / temperature)
    if share.shape[1] > LABELS_COMPARED:
        least = np.partition(share, -LABELS_COMPARED, axis=1)[:, -LABELS_COMPARED]
        share = np.where(share >= least[:, None], share, 0.0)
    return np.asarray(share / share.sum(axis=1, keepdims=True))


def ranked(probability: Floats) -> RankedLabels:
    """Return the likeliest labels of items whose probabilities (n, labels) are known."""
    rows = np.arange(len(probability))
    code = probability.argmax(axis=1)
    others = probability.copy()
    others[rows, code] = 0.0
    return RankedLabels(
        code.astype(np.int32),
        probability[rows, code].astype(np.float32),
        others.max(axis=1, initial=0.0).astype(np.float32),
    )
