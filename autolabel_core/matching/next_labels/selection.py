"""Chooses which candidates to ask a person about, and says why each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from autolabel_core.matching.next_labels.candidates import Candidates
from autolabel_core.matching.next_labels.coverage import pick_by_coverage
from autolabel_core.matching.next_labels.doubt import Doubt

Reason = Literal["typical", "unsure", "unknown"]
"""`typical`: many documents are like it, and nothing labelled is. `unsure`: two labels are about
equally probable. `unknown`: it is less like the references than these are like each other, perhaps
something that has no label yet."""
UNSURE = 0.5
"""Doubt from which the reason is that two labels compete."""
ALIKE = 0.25
"""Similarity, the square of a cosine, from which a document is called like another one."""


@dataclass(frozen=True)
class Choice:
    """A candidate to ask about.

    Attributes:
        position: among the candidates.
        reason: why it.
        gain: share of the doubt about all candidates that it answers, from 0 to 1.
        alike: how many candidates are like it, itself among them.
    """

    position: int
    reason: Reason
    gain: float
    alike: int


def choose(
    candidates: Candidates,
    doubt: Doubt,
    answered: npt.NDArray[np.bool_],
    most: int,
    beside: npt.NDArray[np.float32] | None = None,
) -> list[Choice]:
    """Choose candidates, the one that answers the most doubt first.

    Args:
        candidates: m of them.
        doubt: what the references say of them.
        answered: (m,) those that a person has labelled, whether as references already or not.
        most: at most so many.
        beside: (r, d) further documents that are about to be labelled.

    Returns:
        The choices; fewer where the others are near-duplicates of them, or of what is labelled.
    """
    covered = doubt.covered
    if answered.any():
        covered = np.maximum(covered, candidates.similarity[answered].max(axis=0))
    if beside is not None and len(beside):
        covered = np.maximum(covered, candidates.greatest_similarity(beside))
    picks = pick_by_coverage(candidates.similarity, doubt.doubt, covered, ~answered, most)
    return [
        Choice(
            pick.position,
            _reason(doubt, pick.position),
            pick.gain,
            int((candidates.similarity[pick.position] >= ALIKE).sum()),
        )
        for pick in picks
    ]


def _reason(doubt: Doubt, position: int) -> Reason:
    if doubt.is_unknown[position]:
        return "unknown"
    is_told = doubt.has_labels and doubt.doubt[position] >= UNSURE
    return "unsure" if is_told else "typical"
