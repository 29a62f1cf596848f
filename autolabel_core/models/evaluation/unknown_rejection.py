"""Thresholds for score and margin below which a query is unknown, and how well they reject."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from autolabel_core.matching.decision_engine import Vectors
from autolabel_core.matching.reference_index import ReferenceIndex
from autolabel_core.matching.thresholds import ThresholdProposal, propose_threshold
from autolabel_core.models.evaluation.retrieval_metrics import RetrievalResult, judge_scores

MARGINS = tuple(round(0.01 * step, 2) for step in range(16))
SPARED = 0.05
"""Share of the right answers that a stricter threshold may cost."""


@dataclass(frozen=True)
class Acceptance:
    """An answer is given where score and margin reach these; below, the name is in doubt.

    Attributes:
        min_score: lowest cosine.
        min_margin: lowest distance to the best other label.
        precision: share of right answers among those given, half of the queries being unknown.
        answered: share of queries of known labels that are answered rightly.
        reached: whether the wanted precision was reached; if not, this is the most precise.
    """

    min_score: float
    min_margin: float
    precision: float
    answered: float
    reached: bool


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


def reject_unknown(
    index: ReferenceIndex,
    known: RetrievalResult,
    queries: Vectors,
    precision: float,
    rng: np.random.Generator,
) -> Rejection | None:
    """Leave out half of the labels, then the other half, and ask for what was left out.

    Args:
        index: the whole index.
        known: what it answers to the queries.
        queries: (q, d) vectors of known labels.
        precision: wanted share of right answers among those given, above 0 and up to 1.
        rng: decides the halves.

    Returns:
        What was found; None where there are fewer than four labels.
    """
    if len(index.labels) < 4:
        return None
    half = rng.permutation(len(index.labels)) < len(index.labels) // 2
    score, gap = (np.empty(len(queries), np.float32) for _ in range(2))
    for left_out in (half, ~half):
        asked = left_out[known.truth]
        answers = _answers(_without(index, left_out), queries[asked])
        score[asked], gap[asked] = answers.score, answers.gap
    return Rejection(
        auroc(known.score, score),
        auroc(known.gap, gap),
        _acceptance(known, score, gap, precision),
    )


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


def _without(index: ReferenceIndex, left_out: npt.NDArray[np.bool_]) -> ReferenceIndex:
    kept = np.flatnonzero(~left_out[index.codes])

    def of(values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(values[i] for i in kept.tolist())

    return replace(
        index,
        embeddings=index.embeddings[kept],
        names=of(index.names),
        filenames=of(index.filenames),
        checksums=of(index.checksums),
        fields=tuple(index.fields[i] for i in kept.tolist()),
    )


def _answers(index: ReferenceIndex, queries: Vectors) -> RetrievalResult:
    """What is found for queries that have no right answer."""
    return judge_scores(index.label_scores(queries), np.zeros(len(queries), np.int64))


def _acceptance(
    known: RetrievalResult, score: Vectors, gap: Vectors, precision: float
) -> Acceptance:
    """The pair that answers most known queries rightly among those of the wanted precision."""
    scores, gaps = np.concatenate([known.score, score]), np.concatenate([known.gap, gap])
    right = np.concatenate([known.correct, np.zeros(len(score), bool)])
    found = []
    for margin in MARGINS:
        given = gaps >= margin
        if not right[given].any():
            continue
        proposal = propose_threshold(scores[given], right[given], precision)
        threshold = _stricter(scores[given], right[given], proposal)
        answered = right[given & (scores >= threshold)]
        share = float(answered.sum() / len(known.score))
        found.append(Acceptance(threshold, margin, float(answered.mean()), share, proposal.reached))
    if not found:
        return Acceptance(1.0, 0.0, 0.0, 0.0, False)
    return max(found, key=lambda a: (a.reached, a.answered if a.reached else a.precision))


def _stricter(scores: Vectors, right: npt.NDArray[np.bool_], proposal: ThresholdProposal) -> float:
    """Return the threshold that spares `SPARED` of the right answers, if it is as precise.

    Where known and unknown lie far apart, the smallest that is precise lies where the unknown end.
    A head was trained on those very unknowns; what it never saw, clutter first of all, lies higher.
    """
    kept = np.sort(scores[right & (scores >= proposal.threshold)])
    threshold = float(kept[int(SPARED * len(kept))])
    is_precise = right[scores >= threshold].mean() >= proposal.precision
    return threshold if is_precise else proposal.threshold
