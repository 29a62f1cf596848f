"""Proposes thresholds from leave-one-out results, because each encoder has its own scale.

The figures come from a self-test in which no reference may match itself: the score of the nearest
other reference, the label that it predicts, and whether that label is right. A score at or above
the threshold counts as matched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.statistics import exact_lower_bound

MISTAKEN = 0.05
"""How often a promised precision may be too high, over all thresholds that might be chosen."""
UNREACHABLE = 2.0
"""The threshold of labels that are not given at all: no cosine and no probability is so high."""


@dataclass(frozen=True)
class ThresholdProposal:
    """A threshold and what it gave in the self-test.

    Attributes:
        threshold: scores at or above it are matched.
        precision: share of the matched items whose label is right, from 0 (none) to 1 (all).
        precision_low: what the true precision is at least, with 95 % confidence, although the
            threshold was chosen by the same items: each threshold that might have been chosen is
            given its part of the error.
        coverage: share of all items that are matched, from 0 (none) to 1 (all).
        matched: how many items are matched: what the precision rests on.
        support: how many items there are, matched or not.
        reached: whether the asked precision was reached; if not, this is the most precise one.
        promised: whether `precision_low` reaches the asked precision too.
    """

    threshold: float
    precision: float
    precision_low: float
    coverage: float
    matched: int
    support: int
    reached: bool
    promised: bool


@dataclass(frozen=True)
class PerLabelProposal:
    """The overall proposal, and one for each predicted label with enough items.

    Attributes:
        overall: the proposal from all items.
        per_label: the labels' own proposals.
        fallback: labels with too few items of their own, which use the overall threshold.
    """

    overall: ThresholdProposal
    per_label: Mapping[str, ThresholdProposal]
    fallback: tuple[str, ...]

    def thresholds(self) -> Thresholds:
        """The thresholds alone, to decide with.

        A label has one of its own where that is stricter than the one over all and reached the
        asked precision, or where its precision is promised. A laxer one that only looks precise
        would label most where the references say least.
        """
        per_label = {
            label: proposal.threshold
            for label, proposal in self.per_label.items()
            if proposal.promised
            or (proposal.reached and proposal.threshold > self.overall.threshold)
        }
        return Thresholds(self.overall.threshold, per_label)

    @property
    def missed(self) -> tuple[str, ...]:
        """Labels that no threshold of their own makes as precise as asked."""
        return tuple(label for label, proposal in self.per_label.items() if not proposal.reached)


@dataclass(frozen=True)
class Thresholds:
    """A threshold for every label: the one of its own, else the default."""

    default: float
    per_label: Mapping[str, float] = field(default_factory=dict)

    def of(self, label: str) -> float:
        """The threshold that decides about a match with this label."""
        return self.per_label.get(label, self.default)

    @property
    def common(self) -> float | None:
        """The threshold of labels without their own; None where those are not given at all."""
        return None if self.default == UNREACHABLE else self.default

    @property
    def lowest(self) -> float:
        """The lowest cosine at which any label is given."""
        return min([self.default, *self.per_label.values()])

    def at_least(self, floor: float | None) -> Thresholds:
        """The stricter of each threshold and a floor; None is no floor."""
        if floor is None:
            return self
        per_label = {label: max(value, floor) for label, value in self.per_label.items()}
        return Thresholds(max(self.default, floor), per_label)


@dataclass(frozen=True)
class PrecisionCoverage:
    """What each distinct score would give as the threshold, highest first; arrays of shape (m,).

    Attributes:
        thresholds: the distinct scores.
        matched: how many items score at or above each one.
        precision: share of those that are right, 0 to 1.
        coverage: share of all items that are matched, 0 to 1.
        envelope: the best precision at this coverage or more, 0 to 1; never rises with coverage.
    """

    thresholds: npt.NDArray[np.float64]
    matched: npt.NDArray[np.int64]
    precision: npt.NDArray[np.float64]
    coverage: npt.NDArray[np.float64]
    envelope: npt.NDArray[np.float64]


def precision_coverage_curve(scores: npt.ArrayLike, correct: npt.ArrayLike) -> PrecisionCoverage:
    """Precision against coverage for every threshold that makes a difference.

    Args:
        scores: (n,) scores; one that is not finite has no match, and counts as never covered.
        correct: (n,) whether the predicted label is right.

    Returns:
        The curve, one point for each distinct score.

    Raises:
        ValueError: when the two differ in length.
    """
    score = np.asarray(scores, dtype=np.float64).ravel()
    right = np.asarray(correct, dtype=bool).ravel()
    if score.shape != right.shape:
        raise ValueError(
            f"Expected as many scores as answers, found {score.size} and {right.size}."
        )
    total = max(score.size, 1)
    right, score = right[np.isfinite(score)], score[np.isfinite(score)]
    order = np.argsort(-score, kind="stable")
    score, hits = score[order], np.cumsum(right[order])
    # The last of each run of equal scores: ties are matched together or not at all.
    last = np.flatnonzero(np.append(score[1:] != score[:-1], True)) if score.size else np.arange(0)
    matched = last + 1
    precision = hits[last] / matched
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return PrecisionCoverage(score[last], matched, precision, matched / total, envelope)


def propose_threshold(
    scores: npt.ArrayLike, correct: npt.ArrayLike, precision: float = 0.95
) -> ThresholdProposal:
    """The smallest threshold whose matched part has at least the asked precision.

    So it labels as much as the asked precision allows. Where no threshold reaches it, the most
    precise one is given, the widest of equals (the strictest when every label is wrong), with
    `reached` false.

    Args:
        scores: (n,) leave-one-out scores; one that is not finite has no match.
        correct: (n,) whether the predicted label is right.
        precision: share of right labels among the matched, above 0 and up to 1 (no error allowed).

    Returns:
        The proposal.

    Raises:
        ValueError: when the asked precision is no share.
        AutolabelError: when no item has a score.
    """
    if not 0.0 < precision <= 1.0:
        raise ValueError(f"Expected a precision above 0 and up to 1, found {precision}.")
    curve = precision_coverage_curve(scores, correct)
    if not curve.thresholds.size:
        raise AutolabelError(
            "Expected leave-one-out scores to propose a threshold from, found none. "
            "Label at least two references and compute the matches again."
        )
    good = np.flatnonzero(curve.precision >= precision)
    best = np.flatnonzero(curve.precision == curve.precision.max())
    all_wrong = curve.precision.max() == 0
    at = 0 if all_wrong else int((good if good.size else best)[-1])
    matched = int(curve.matched[at])
    hits = round(float(curve.precision[at]) * matched)
    low = exact_lower_bound(hits, matched, MISTAKEN / curve.thresholds.size)
    return ThresholdProposal(
        threshold=float(curve.thresholds[at]),
        precision=float(curve.precision[at]),
        precision_low=low,
        coverage=float(curve.coverage[at]),
        matched=matched,
        support=int(np.size(scores)),
        reached=bool(good.size),
        promised=low >= precision,
    )


def propose_per_label(
    scores: npt.ArrayLike,
    correct: npt.ArrayLike,
    labels: Sequence[str],
    precision: float = 0.95,
    min_support: int = 5,
) -> PerLabelProposal:
    """A threshold for each predicted label that has enough items, and the overall one for the rest.

    Args:
        scores: (n,) leave-one-out scores; one that is not finite has no match.
        correct: (n,) whether the predicted label is right.
        labels: (n,) the predicted label of each item.
        precision: share of right labels among the matched, above 0 and up to 1.
        min_support: scored items that a label needs for a threshold of its own.

    Returns:
        The proposals, labels in alphabetical order.

    Raises:
        ValueError: when the labels differ in number from the scores.
    """
    score = np.asarray(scores, dtype=np.float64).ravel()
    right = np.asarray(correct, dtype=bool).ravel()
    predicted = np.asarray(labels, dtype=object).ravel()
    if predicted.shape != score.shape:
        raise ValueError(f"Expected {score.size} labels, found {predicted.size}.")
    per_label: dict[str, ThresholdProposal] = {}
    fallback: list[str] = []
    for label in sorted({str(name) for name in predicted[np.isfinite(score)]}):
        mine = (predicted == label) & np.isfinite(score)
        if np.count_nonzero(mine) < min_support:
            fallback.append(label)
        else:
            per_label[label] = propose_threshold(score[mine], right[mine], precision)
    return PerLabelProposal(propose_threshold(score, right, precision), per_label, tuple(fallback))
