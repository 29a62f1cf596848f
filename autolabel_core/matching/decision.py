"""Decides the label of a document, and how sure that is: by its nearest references or a score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from autolabel_core.foundation.score_names import DeclaredScore
from autolabel_core.matching.nearest import Nearest
from autolabel_core.matching.scores.ranking import RankedLabels
from autolabel_core.matching.scores.similarity import mean_of_greatest
from autolabel_core.matching.thresholds import Thresholds


@dataclass(frozen=True)
class Rule:
    """When a match becomes a label.

    Attributes:
        threshold: lowest confidence that labels; equality labels. Under `nearest` a cosine, from
            -1 (always) to 1 (identical only); under other scores a probability, from 0 to 1.
        label_thresholds: thresholds of single labels, in place of `threshold`.
        min_score: floor from a retriever, a cosine with the nearest reference. Under `nearest` the
            stricter of it and the threshold decides.
        top_k: how many nearest references decide under `nearest`. 1 takes the nearest's label (the
            seeds' rule); more let each vote with its cosine, ties to the label of the nearer one.
        score: what the confidence is.
        similarity_threshold: documents less similar to the references are unknown, from -1 (none)
            to 1; None: none under `nearest`, what the references suggest under other scores.
    """

    threshold: float
    label_thresholds: Mapping[str, float] = field(default_factory=dict)
    min_score: float | None = None
    top_k: int = 1
    score: DeclaredScore = "nearest"
    similarity_threshold: float | None = None

    @property
    def thresholds(self) -> Thresholds:
        """The confidence at which each label is given; of cosines not below the floor."""
        floor = self.min_score if self.score == "nearest" else None
        return Thresholds(self.threshold, self.label_thresholds).at_least(floor)


@dataclass(frozen=True)
class Decisions:
    """One row for each document, in the order of the neighbours given.

    Attributes:
        label: (n,) the best label, matched or not; None without references.
        position: (n,) int32 position of the nearest reference with that label; -1 without
            references.
        confidence: (n,) float32; under `nearest` the cosine with that reference in [-1, 1], else
            the probability of the label in [0, 1]; nan without references.
        matched: (n,) whether the confidence reaches the label's threshold, and the similarity its.
        margin: (n,) float32 confidence minus that of the next label. Under `nearest` minus the best
            other label's cosine among the kept: may be negative after a vote; nan where no other
            label is among the kept.
        margin_lower_bound: (n,) float32 confidence minus the last kept cosine, where `margin` is
            nan: the margin is at least this; nan elsewhere.
        similarity: (n,) float32 in [-1, 1] mean of the three greatest cosines with references,
            under scores beside `nearest` seen from the middle of the pool; nan without references.
        probability: (n,) float32 in [0, 1] of the label; nan under `nearest`, which knows none.
    """

    label: npt.NDArray[np.object_]
    position: npt.NDArray[np.int32]
    confidence: npt.NDArray[np.float32]
    matched: npt.NDArray[np.bool_]
    margin: npt.NDArray[np.float32]
    margin_lower_bound: npt.NDArray[np.float32]
    similarity: npt.NDArray[np.float32]
    probability: npt.NDArray[np.float32]

    def spread(self, rows: npt.NDArray[np.intp], n: int) -> Decisions:
        """Return decisions for n documents, those decided at `rows`, nothing at the others."""
        position = np.full(n, -1, np.int32)
        matched = np.zeros(n, bool)
        label = np.full(n, None, dtype=object)
        position[rows], matched[rows], label[rows] = self.position, self.matched, self.label
        numbers = (
            *(self.confidence, self.margin, self.margin_lower_bound),
            *(self.similarity, self.probability),
        )
        confidence, margin, bound, similarity, probability = (
            _spread(values, rows, n) for values in numbers
        )
        return Decisions(
            label, position, confidence, matched, margin, bound, similarity, probability
        )


def _spread(
    values: npt.NDArray[np.float32], rows: npt.NDArray[np.intp], n: int
) -> npt.NDArray[np.float32]:
    spread = np.full(n, np.nan, np.float32)
    spread[rows] = values
    return spread


def decide(neighbours: Nearest, labels: npt.NDArray[np.object_], rule: Rule) -> Decisions:
    """Decide each document from its nearest references.

    Args:
        neighbours: (n, k) positions and cosines, best first, -1 where there are fewer.
        labels: (r,) label of each reference.
        rule: when a match becomes a label.

    Returns:
        The decisions.
    """
    position, score = neighbours.position, neighbours.score
    n = len(position)
    names, code = _codes(position, labels)
    winner = _winning_column(code, score, rule.top_k)
    rows = np.arange(n)
    has = code[:, 0] >= 0 if position.shape[1] else np.zeros(n, bool)
    winning_code = np.where(has, code[rows, winner], -1)
    confidence = np.where(has, score[rows, winner], np.nan).astype(np.float32)
    similarity = mean_of_greatest(score.astype(np.float64))
    matched = _reaches(winning_code, confidence, names, rule)
    matched &= _is_similar(similarity, rule.similarity_threshold)
    margin, bound = _margins(code, score, winning_code, confidence)
    label = np.full(n, None, dtype=object)
    label[has] = names[winning_code[has]]
    best = np.where(has, position[rows, winner], -1).astype(np.int32)
    unknown = np.full(n, np.nan, np.float32)
    return Decisions(label, best, confidence, matched, margin, bound, similarity, unknown)


def decide_ranked(
    ranked: RankedLabels,
    names: npt.NDArray[np.object_],
    position: npt.NDArray[np.int32],
    similarity: npt.NDArray[np.float32],
    nearest_cosine: npt.NDArray[np.float32],
    rule: Rule,
) -> Decisions:
    """Decide each document from the probability of its likeliest label.

    Args:
        ranked: n documents.
        names: (labels,) by code.
        position: (n,) the nearest reference with the likeliest label.
        similarity: (n,) to the references.
        nearest_cosine: (n,) with the nearest reference of any label.
        rule: when a match becomes a label; its similarity threshold is a number.

    Returns:
        The decisions.
    """
    has = ranked.code >= 0
    confidence = np.where(has, ranked.probability, np.nan).astype(np.float32)
    matched = _reaches(ranked.code, confidence, names, rule)
    matched &= _is_similar(similarity, rule.similarity_threshold)
    matched &= _is_similar(nearest_cosine, rule.min_score)
    label = np.full(len(has), None, dtype=object)
    label[has] = names[ranked.code[has]]
    margin = np.where(has, ranked.probability - ranked.runner_up, np.nan).astype(np.float32)
    no_bound = np.full(len(has), np.nan, np.float32)
    return Decisions(label, position, confidence, matched, margin, no_bound, similarity, confidence)


def _reaches(
    code: npt.NDArray[np.integer],
    confidence: npt.NDArray[np.float32],
    names: npt.NDArray[np.str_] | npt.NDArray[np.object_],
    rule: Rule,
) -> npt.NDArray[np.bool_]:
    thresholds = rule.thresholds
    lowest = np.array([thresholds.of(str(name)) for name in names] or [np.inf])
    reached = confidence.astype(np.float64) >= lowest[np.maximum(code, 0)]
    return np.asarray((code >= 0) & reached)


def _is_similar(similarity: npt.NDArray[np.float32], lowest: float | None) -> npt.NDArray[np.bool_]:
    if lowest is None:
        return np.ones(len(similarity), bool)
    return np.asarray(similarity.astype(np.float64) >= lowest)


def _codes(
    position: npt.NDArray[np.int32], labels: npt.NDArray[np.object_]
) -> tuple[npt.NDArray[np.str_], npt.NDArray[np.int64]]:
    """Number the labels that are among the neighbours; -1 where there is no neighbour."""
    # A server decides about few documents among many labels: the others are not even sorted.
    used = np.unique(position[position >= 0])
    names, inverse = np.unique(labels[used].astype(str), return_inverse=True)
    number = np.full(len(labels) + 1, -1, np.int64)
    number[used] = inverse
    return names, number[position]


def _winning_column(
    code: npt.NDArray[np.int64], score: npt.NDArray[np.float32], top_k: int
) -> npt.NDArray[np.int64]:
    """Return the column of the best-ranked neighbour that carries the winning label."""
    k = min(top_k, code.shape[1])
    if k <= 1:
        return np.zeros(len(code), np.int64)
    votes = np.where(code[:, :k] >= 0, np.maximum(score[:, :k].astype(np.float64), 0.0), 0.0)
    same = code[:, :k, None] == code[:, None, :k]
    weight = np.where(code[:, :k] >= 0, (same * votes[:, None, :]).sum(axis=2), -1.0)
    return np.asarray(weight.argmax(axis=1), np.int64)


def _margins(
    code: npt.NDArray[np.int64],
    score: npt.NDArray[np.float32],
    winning_code: npt.NDArray[np.int64],
    confidence: npt.NDArray[np.float32],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    there = code >= 0
    other = there & (code != winning_code[:, None])
    best_other = np.where(other, score, -np.inf).max(axis=1, initial=-np.inf)
    last = np.where(there, score, np.inf).min(axis=1, initial=np.inf)
    has_other = np.isfinite(best_other)
    margin = np.where(has_other, confidence - best_other, np.nan)
    bound = np.where(~has_other & np.isfinite(last), confidence - last, np.nan)
    return margin.astype(np.float32), bound.astype(np.float32)
