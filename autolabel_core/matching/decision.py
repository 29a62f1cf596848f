"""Decides the label of a document by its nearest references, and how confident that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from autolabel_core.matching.nearest import Nearest
from autolabel_core.matching.thresholds import Thresholds


@dataclass(frozen=True)
class Rule:
    """When a match becomes a label.

    Attributes:
        threshold: lowest cosine that labels, from -1 (always) to 1 (identical only); equality
            labels.
        label_thresholds: thresholds of single labels, in place of `threshold`.
        min_score: floor from a retriever; the stricter of it and the threshold decides.
        top_k: how many nearest references decide. 1 takes the nearest's label (the seeds' rule);
            more let each vote with its cosine, ties to the label of the nearer one.
    """

    threshold: float
    label_thresholds: Mapping[str, float] = field(default_factory=dict)
    min_score: float | None = None
    top_k: int = 1

    @property
    def thresholds(self) -> Thresholds:
        """The cosine at which each label is given: the stricter of its threshold and the floor."""
        return Thresholds(self.threshold, self.label_thresholds).at_least(self.min_score)


@dataclass(frozen=True)
class Decisions:
    """One row for each document, in the order of the neighbours given.

    Attributes:
        label: (n,) the best label, matched or not; None without references.
        position: (n,) int32 position of the reference that it comes from; -1 without references.
        confidence: (n,) float32 cosine to that reference in [-1, 1]; nan without references.
        matched: (n,) whether the confidence reaches the label's threshold.
        margin: (n,) float32 confidence minus the best other label's cosine among the kept; may be
            negative after a vote; nan where no other label is among the kept.
        margin_lower_bound: (n,) float32 confidence minus the last kept cosine, where `margin` is
            nan: the margin is at least this; nan elsewhere.
    """

    label: npt.NDArray[np.object_]
    position: npt.NDArray[np.int32]
    confidence: npt.NDArray[np.float32]
    matched: npt.NDArray[np.bool_]
    margin: npt.NDArray[np.float32]
    margin_lower_bound: npt.NDArray[np.float32]


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
    thresholds = rule.thresholds
    lowest = np.array([thresholds.of(str(name)) for name in names] or [np.inf])
    matched = has & (confidence.astype(np.float64) >= lowest[np.maximum(winning_code, 0)])
    margin, bound = _margins(code, score, winning_code, confidence)
    label = np.full(n, None, dtype=object)
    label[has] = names[winning_code[has]]
    best = np.where(has, position[rows, winner], -1).astype(np.int32)
    return Decisions(label, best, confidence, matched, margin, bound)


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
