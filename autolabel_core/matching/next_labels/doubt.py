"""How doubtful the label of each candidate is: what labels of people are to answer.

While the references say little, everything is doubtful, and the documents that most others are like
are asked about first. As their probabilities grow surer, what is left in doubt lies between labels,
or is like none of them. How sure the probabilities are is measured on the references themselves, by
cross-validation: nothing has to be switched over.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autolabel_core.matching.nearest import nearest
from autolabel_core.matching.next_labels.candidates import Candidates
from autolabel_core.matching.scores.fitted import FittedScore

NEIGHBOURS = 10


@dataclass(frozen=True)
class Doubt:
    """What the references say of m candidates.

    Attributes:
        doubt: (m,) float32 from 0 (sure) to 1: how little the likeliest label leads the next one in
            probability; 1 where it is unknown, or there is no second label.
        is_unknown: (m,) less similar to the references than these are to each other.
        label: (m,) object, the likeliest label; None where there is none.
        covered: (m,) float32 similarity to the most similar reference, from 0 to 1.
        has_labels: whether there are two labels, so that one can be doubted.
    """

    doubt: npt.NDArray[np.float32]
    is_unknown: npt.NDArray[np.bool_]
    label: npt.NDArray[np.object_]
    covered: npt.NDArray[np.float32]
    has_labels: bool


def doubt_of(
    candidates: Candidates, references: npt.NDArray[np.float32], score: FittedScore | None
) -> Doubt:
    """Ask the references about candidates.

    Args:
        candidates: m of them.
        references: (r, d) rows of unit length; r may be 0.
        score: fitted to them; None without references.

    Returns:
        The doubts.
    """
    m = len(candidates.vectors)
    covered = candidates.greatest_similarity(references)
    every = np.ones(m, np.float32)
    if score is None or not m:
        return Doubt(every, np.zeros(m, bool), np.full(m, None, object), covered, False)
    neighbours = nearest(candidates.vectors, references, NEIGHBOURS)
    similarity = score.pool.similarity(candidates.vectors, neighbours)
    is_unknown = similarity < score.similarity_threshold
    if len(score.labels) < 2:
        return Doubt(every, is_unknown, np.full(m, score.labels[0], object), covered, False)
    ranked = score.rank(candidates.vectors, neighbours)
    lead = np.nan_to_num(ranked.probability - ranked.runner_up, nan=0.0)
    doubt = np.where(is_unknown, 1.0, np.clip(1.0 - lead, 0.0, 1.0)).astype(np.float32)
    return Doubt(doubt, is_unknown, score.label_array[ranked.code], covered, True)
