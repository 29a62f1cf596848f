"""Thresholds for score and margin below which a query is unknown, and how many unknowns pass."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autolabel_core.matching.decision_engine import Vectors
from autolabel_core.matching.reference_index import ReferenceIndex
from autolabel_core.matching.thresholds import ThresholdProposal, propose_threshold
from autolabel_core.models.evaluation.acceptance import Acceptance, UnknownRate
from autolabel_core.models.evaluation.verification_record import RejectionRecord

MARGINS = tuple(round(0.01 * step, 2) for step in range(16))
SPARED = 0.05
"""Share of the right answers that a stricter threshold may cost."""
MIN_ANSWERED = 0.05
"""Thresholds that answer less of what is known are of no use, however precise."""
FOLDS = 5
MIN_LABELS = 4
"""What is left out, and what it may be taken for with a margin to something else."""

Codes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Rejection:
    """Queries of labels that an index does not hold, against those that it does.

    Attributes:
        auroc_score: chance that a known query scores higher than an unknown one, 0.5 (no use) to 1.
        auroc_margin: the same for the margin that a user sees.
        acceptance: the thresholds proposed.
    """

    auroc_score: float
    auroc_margin: float
    acceptance: Acceptance

    def record(self) -> RejectionRecord:
        """Return the figures as JSON holds them."""
        return {
            "auroc_score": self.auroc_score,
            "auroc_margin": self.auroc_margin,
            "acceptance": self.acceptance.record(),
        }


@dataclass(frozen=True)
class LookedUp:
    """What n queries' regions were taken for, r regions in all.

    Attributes:
        ends: (n,) where each query's regions end among the r.
        score: (r,) cosine of the label found.
        gap: (r,) how far the second best label is behind.
        right: (r,) whether the label found is the true one.
    """

    ends: npt.NDArray[np.intp]
    score: Vectors
    gap: Vectors
    right: Flags

    def best(self, margin: float) -> npt.NDArray[np.intp]:
        """Return (n,) the region that decides: of those of such a margin the highest; -1: none."""
        scores = np.where(self.gap >= margin, self.score, -np.inf)
        parts = np.split(scores, self.ends[:-1])
        starts = self.ends - [len(part) for part in parts]
        best = np.array([part.argmax() for part in parts]) + starts
        found: npt.NDArray[np.intp] = np.where(np.isfinite(scores[best]), best, -1)
        return found

    def answers(self, margin: float) -> tuple[Vectors, Flags]:
        """Return (n,) score, -inf where no region has the margin, and whether it is right."""
        best = self.best(margin)
        score: Vectors = np.where(best < 0, -np.inf, self.score[best]).astype(np.float32)
        return score, self.right[best] & (best >= 0)


def look_up(
    index: ReferenceIndex, queries: Sequence[Vectors], truth: Codes, left_out: bool
) -> LookedUp:
    """Look up the regions of queries of known labels, perhaps as if those were in no index.

    Args:
        index: of three labels at least.
        queries: n arrays (r, d) of the regions of each query, at least one.
        truth: (n,) positions of the true labels in the index's `labels`.
        left_out: whether each query's own label is left out of the index.

    Returns:
        What was found.
    """
    counts = [len(regions) for regions in queries]
    own = np.repeat(truth, counts)
    scores = index.label_scores(np.concatenate(queries))
    if left_out:
        scores[np.arange(len(own)), own] = -np.inf
    predicted = scores.argmax(axis=1)
    best_two = np.partition(scores, -2, axis=1)[:, -2:]
    return LookedUp(
        np.cumsum(counts), best_two[:, 1], best_two[:, 1] - best_two[:, 0], predicted == own
    )


def reject_unknown(
    index: ReferenceIndex,
    known: Sequence[Vectors],
    unknown: Sequence[Vectors],
    truth: Codes,
    precision: float,
    rng: np.random.Generator,
    max_regions: int = 0,
) -> Rejection | None:
    """Choose thresholds with each fifth of the labels left out, and measure them on that fifth.

    Of the choices the strictest score and margin are taken, so that what each choice names of the
    labels that it has not seen is an upper bound of what all name together: no label takes part in
    the choice of the thresholds that it is counted under.

    Args:
        index: the whole index; what is unknown is looked up without its own label.
        known: n queries, each an array (r, d) of its regions, of known labels.
        unknown: the same n things as they are shown when they are to be unknown.
        truth: (n,) positions of their labels in the index's `labels`.
        precision: wanted share of right answers among those given, above 0 and up to 1.
        rng: decides the fifths.
        max_regions: highest number of regions of a picture; 0: it is the whole picture.

    Returns:
        What was found; None where there are fewer than four labels.
    """
    labels = np.unique(truth)
    if len(labels) < MIN_LABELS:
        return None
    shown, strange = look_up(index, known, truth, False), look_up(index, unknown, truth, True)
    apart = [np.isin(truth, part) for part in np.array_split(rng.permutation(labels), FOLDS)]
    apart = [part for part in apart if part.any()]
    choices = [_choice(shown, strange, ~part, precision) for part in apart]
    named = sum(_named(strange, *pair) for pair in zip(choices, apart, strict=True))
    rate = UnknownRate(named, len(truth), len(labels))
    acceptance = _together(shown, choices, rate, precision, max_regions)
    return Rejection(*_aurocs(shown, strange), acceptance)


def auroc(positive: npt.ArrayLike, negative: npt.ArrayLike) -> float:
    """Return the chance that a positive value is above a negative one; ties count half.

    Source:
        The statistic of Mann and Whitney, 1947.
    """
    from scipy.stats import rankdata

    above, below = np.ravel(positive), np.ravel(negative)
    ranks = rankdata(np.concatenate([above, below]))
    wins = ranks[: above.size].sum() - above.size * (above.size + 1) / 2
    return float(wins / (above.size * below.size))


def _aurocs(known: LookedUp, unknown: LookedUp) -> tuple[float, float]:
    best, strange = known.best(0.0), unknown.best(0.0)
    by_score = auroc(known.score[best], unknown.score[strange])
    return by_score, auroc(known.gap[best], unknown.gap[strange])


@dataclass(frozen=True)
class _Choice:
    """Thresholds, and what they gave on the labels that chose them."""

    min_score: float
    min_margin: float
    precision: float
    answered: float
    reached: bool


NOTHING = _Choice(1.0, 0.0, 0.0, 0.0, False)


def _choice(known: LookedUp, unknown: LookedUp, rows: Flags, precision: float) -> _Choice:
    """The pair that answers most known queries rightly among those of the wanted precision."""
    choices = []
    for margin in MARGINS:
        score, right = known.answers(margin)
        score, right = score[rows], right[rows]
        strange = unknown.answers(margin)[0][rows]
        scores = np.minimum(np.concatenate([score, strange]), _highest(score[right], len(score)))
        correct = np.concatenate([right, np.zeros(len(strange), bool)])
        if not correct.any():
            continue
        proposal = propose_threshold(scores, correct, precision)
        threshold = _stricter(scores, correct, proposal)
        answered = correct[scores >= threshold]
        share = float(answered.sum() / len(score))
        choices.append(_Choice(threshold, margin, float(answered.mean()), share, proposal.reached))
    return max(choices, key=_value, default=NOTHING)


def _value(choice: _Choice) -> tuple[bool, bool, float]:
    useful = choice.answered >= MIN_ANSWERED
    return useful, choice.reached, choice.answered if choice.reached else choice.precision


def _highest(right: Vectors, asked: int) -> float:
    """The highest threshold that still answers `MIN_ANSWERED` of so many queries rightly."""
    wanted = min(math.ceil(MIN_ANSWERED * asked), len(right))
    return float(np.sort(right)[-wanted]) if wanted else 1.0


def _stricter(scores: Vectors, right: Flags, proposal: ThresholdProposal) -> float:
    """Return the threshold that spares `SPARED` of the right answers, if it is as precise.

    Where known and unknown lie far apart, the smallest that is precise lies where the unknown end.
    A head was trained on those very unknowns; what it never saw, clutter first of all, lies higher.
    """
    kept = np.sort(scores[right & (scores >= proposal.threshold)])
    threshold = float(kept[int(SPARED * len(kept))])
    is_precise = right[scores >= threshold].mean() >= proposal.precision
    return threshold if is_precise else proposal.threshold


def _named(unknown: LookedUp, chosen: _Choice, rows: Flags) -> int:
    """How many of these unknown things thresholds name that others chose."""
    score, _ = unknown.answers(chosen.min_margin)
    return int((score[rows] >= chosen.min_score).sum())


def _together(
    known: LookedUp,
    choices: Sequence[_Choice],
    rate: UnknownRate,
    wanted: float,
    max_regions: int,
) -> Acceptance:
    min_score = max(choice.min_score for choice in choices)
    min_margin = max(choice.min_margin for choice in choices)
    score, right = known.answers(min_margin)
    given = score >= min_score
    answered, answers = int(right[given].sum()), int(given.sum()) + rate.named
    precision = answered / answers if answers else 0.0
    return Acceptance(
        min_score,
        min_margin,
        precision,
        answered / len(right),
        precision >= wanted,
        rate,
        max_regions,
    )
