"""Retrieval metrics of queries with known labels: top-1 accuracy, margin to the next label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.matching.decision_engine import Vectors
from autolabel_core.matching.reference_index import ReferenceIndex


@dataclass(frozen=True)
class RetrievalResult:
    """What an index answers to q queries whose labels are known.

    Attributes:
        truth: (q,) positions of the true labels in the index's `labels`.
        found: (q,) positions of the labels found.
        rival: (q,) positions of the best label that is not the true one.
        score: (q,) cosine of the label found.
        gap: (q,) how far the second best label is behind, at least 0: what a user sees.
        margin: (q,) cosine of the true label less that of the rival; below 0 is a wrong answer.
    """

    truth: npt.NDArray[np.int64]
    found: npt.NDArray[np.int64]
    rival: npt.NDArray[np.int64]
    score: Vectors
    gap: Vectors
    margin: Vectors

    @cached_property
    def correct(self) -> npt.NDArray[np.bool_]:
        """(q,) whether the label found is the true one."""
        right: npt.NDArray[np.bool_] = self.found == self.truth
        return right

    @property
    def top1(self) -> float:
        """Share of right answers, 0 to 1."""
        return float(self.correct.mean())

    @property
    def median_margin(self) -> float:
        """The margin that half of the queries reach."""
        return float(np.median(self.margin))

    @property
    def figures(self) -> dict[str, float | int]:
        """The numbers that the gate compares."""
        return {
            "queries": len(self.truth),
            "top1": self.top1,
            "median_margin": self.median_margin,
        }

    def median_margins(self, labels: Sequence[str]) -> dict[str, float]:
        """Return the median margin of each label that was asked for."""
        return {
            labels[code]: float(np.median(self.margin[self.truth == code]))
            for code in np.unique(self.truth).tolist()
        }


def evaluate(
    index: ReferenceIndex, vectors: Vectors, truth: npt.NDArray[np.int64]
) -> RetrievalResult:
    """Search queries of known labels.

    Args:
        index: of two labels at least.
        vectors: (q, d) float32 rows of unit length.
        truth: (q,) positions of their labels in `index.labels`.

    Returns:
        What was found.

    Raises:
        AutolabelError: there is one label, so that nothing can be mistaken for it.
    """
    if len(index.labels) < 2:
        raise AutolabelError(
            f'The index knows one label, "{index.labels[0]}": nothing can be mistaken for it. Add '
            "pictures of other things, and index again."
        )
    return judge_scores(index.label_scores(vectors), truth)


def judge_scores(scores: Vectors, truth: npt.NDArray[np.int64]) -> RetrievalResult:
    """Judge scores `(q, labels)` of queries whose labels `(q,)` are known."""
    rows = np.arange(len(scores))
    best = scores.argmax(axis=1)
    others = scores.copy()
    others[rows, truth] = -np.inf
    rival = others.argmax(axis=1)
    best_two = np.partition(scores, -2, axis=1)[:, -2:]
    return RetrievalResult(
        truth,
        best,
        rival,
        best_two[:, 1],
        best_two[:, 1] - best_two[:, 0],
        scores[rows, truth] - others[rows, rival],
    )
