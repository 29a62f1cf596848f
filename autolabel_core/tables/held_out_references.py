"""What each reference would be labelled by the others, computed once for each set of them."""

from __future__ import annotations

from typing import TypedDict

import numpy as np

from autolabel_core.foundation.ids import fingerprint
from autolabel_core.matching.doubts.held_out import HeldOutLabels, held_out_labels
from autolabel_core.matching.nearest import Nearest
from autolabel_core.tables.references import ReferenceVectors
from autolabel_core.tables.remembered import remembered
from autolabel_core.tables.workspace import OpenCollection

FORMAT = 1
"""Another number has everything computed anew."""


class _Stored(TypedDict):
    """`HeldOutLabels` as JSON."""

    labels: list[str]
    own: list[int]
    code: list[list[int]]
    probability: list[list[float]]
    position: list[list[int]]
    score: list[list[float]]


def held_out_references(collection: OpenCollection, references: ReferenceVectors) -> HeldOutLabels:
    """Return the likeliest labels of each reference by the others.

    Args:
        collection: whose references they are.
        references: at least one.

    Returns:
        The labels; from a file where it was computed for the same references before.
    """

    def compute() -> _Stored:
        found = held_out_labels(references.vectors, references.labels)
        return {
            "labels": list(found.labels),
            "own": found.own.tolist(),
            "code": found.code.tolist(),
            "probability": found.probability.tolist(),
            "position": found.others.position.tolist(),
            "score": found.others.score.tolist(),
        }

    made_from = fingerprint(FORMAT, references.version)
    known = remembered(collection, "held_out_labels", lambda: made_from, compute)
    others = Nearest(np.array(known["position"], np.int32), np.array(known["score"], np.float32))
    return HeldOutLabels(
        tuple(known["labels"]),
        np.array(known["own"], np.int64),
        np.array(known["code"], np.int64),
        np.array(known["probability"], np.float64),
        others,
    )
