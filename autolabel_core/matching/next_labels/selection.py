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
        open_doubt: that doubt, before any of the choices, as a number of candidates wholly in
            doubt.
        alike: how many candidates are like it, itself among them.
    """

    position: int
    reason: Reason
    gain: float
    open_doubt: float
    alike: int


def choose(
    candidates: Candidates,
    doubt: Doubt,
    answered: npt.NDArray[np.bool_],
    most: int,
    beside: npt.NDArray[np.float32] | None = None,
    judging: npt.NDArray[np.bool_] | None = None,
) -> list[Choice]:
    """Choose candidates, the one that answers the most doubt first.

    Args:
        candidates: m of them.
        doubt: what the references say of them.
        answered: (m,) those that a person has labelled, whether as references already or not.
        most: at most so many.
        beside: (r, d) further documents that are about to be labelled.
        judging: (m,) those that judge the rule: their labels teach nothing, and they are never
            chosen. Nor are near-duplicates of them: as references they would end their judging.

    Returns:
        The choices; fewer where the others are near-duplicates of them, or of what is labelled.
    """
    covered = doubt.covered
    judging = np.zeros(len(answered), bool) if judging is None else judging
    teaching = answered & ~judging
    if teaching.any():
        covered = np.maximum(covered, candidates.similarity[teaching].max(axis=0))
    if beside is not None and len(beside):
        covered = np.maximum(covered, candidates.greatest_similarity(beside))
    allowed = ~(answered | judging)
    if judging.any():
        allowed &= candidates.similarity[judging].max(axis=0) < 1.0
    open_doubt = float((doubt.doubt * (1.0 - covered)).sum(dtype=np.float64))
    picks = pick_by_coverage(candidates.similarity, doubt.doubt, covered, allowed, most)
    return [
        Choice(
            pick.position,
            _reason(doubt, pick.position),
            pick.gain,
            open_doubt,
            int((candidates.similarity[pick.position] >= ALIKE).sum()),
        )
        for pick in picks
    ]


def _reason(doubt: Doubt, position: int) -> Reason:
    if doubt.is_unknown[position]:
        return "unknown"
    is_told = doubt.has_labels and doubt.doubt[position] >= UNSURE
    return "unsure" if is_told else "typical"
