"""What each score says of references that it has not learned from, for every setting of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt

from autolabel_core.foundation.score_names import ScoreName
from autolabel_core.matching.nearest import Nearest, nearest, nearest_among_themselves
from autolabel_core.matching.scores import ridge
from autolabel_core.matching.scores.folds import folds_of, near_duplicate_groups
from autolabel_core.matching.scores.ranking import LikeliestLabels, RankedLabels, votes

Floats = npt.NDArray[np.float64]
Vectors = npt.NDArray[np.float32]
Codes = npt.NDArray[np.int64]

VOTERS = 10


@dataclass(frozen=True)
class Setting:
    """What is chosen of a score.

    Attributes:
        temperature: turns what it computes into probabilities; above 0.
        penalty: of the probe, a share of the references' whole weight; 0 for other scores.
    """

    temperature: float
    penalty: float = 0.0


@dataclass(frozen=True)
class LearningSet:
    """References to learn from and to judge by.

    Attributes:
        vectors: (r, d) rows of unit length.
        codes: (r,) label of each, from 0 to labels - 1.
        labels: how many labels there are.
        folds: (r,) fold of each; a negative one is never held out.
        others: (r, VOTERS) the nearest other references of each.
    """

    vectors: Vectors
    codes: Codes
    labels: int
    folds: Codes
    others: Nearest

    @classmethod
    def of(cls, vectors: Vectors, codes: Codes, labels: int) -> LearningSet:
        """Deal references (r, d) with labels (r,) to folds, near-duplicates to one."""
        others = nearest_among_themselves(vectors, VOTERS)
        folds = folds_of(codes, near_duplicate_groups(others))
        return cls(vectors, codes, labels, folds, others)

    @cached_property
    def spanned(self) -> ridge.References:
        """The references as the probe learns from them."""
        return ridge.spanned(self.vectors, self.codes, self.balance, self.folds, self.labels)

    @property
    def balance(self) -> Floats:
        """(r,) weight of each reference: each label weighs 1, however many it has."""
        return 1.0 / np.bincount(self.codes, minlength=self.labels)[self.codes]


class Trial(Protocol):
    """A score, each reference judged without its fold."""

    def evaluate(self, setting: Setting, rows: npt.NDArray[np.intp]) -> tuple[RankedLabels, Floats]:
        """Rank references by row; return the probability (rows,) of their own label as well."""


@dataclass(frozen=True)
class VoteTrial:
    """Neighbours outside of the fold of each reference.

    Attributes:
        neighbours: (r, VOTERS) positions in all references.
        codes: (r,) labels.
        importance: (r,) of each vote.
        best_only: whether only the nearest of each label votes.
    """

    neighbours: Nearest
    codes: Codes
    importance: Floats
    best_only: bool

    def evaluate(self, setting: Setting, rows: npt.NDArray[np.intp]) -> tuple[RankedLabels, Floats]:
        """Let the neighbours vote."""
        own = Nearest(self.neighbours.position[rows], self.neighbours.score[rows])
        cast = votes(own, self.codes, self.importance, setting.temperature, self.best_only)
        return cast.ranked(), cast.probability_of(self.codes[rows])


@dataclass(frozen=True)
class ProductTrial:
    """Products with weights that were fitted without the fold of each reference.

    Attributes:
        likeliest: by penalty, the greatest products of r references.
        codes: (r,) labels.
    """

    likeliest: Mapping[float, LikeliestLabels]
    codes: Codes

    def evaluate(self, setting: Setting, rows: npt.NDArray[np.intp]) -> tuple[RankedLabels, Floats]:
        """Divide by the temperature and compare labels."""
        labels = self.likeliest[setting.penalty].at(rows)
        own = labels.probability_of(self.codes[rows], setting.temperature)
        return labels.ranked(setting.temperature), own


def trial_of(name: ScoreName, known: LearningSet, penalties: Sequence[float]) -> Trial:
    """Judge references by a score, each without its fold.

    Args:
        name: of the score.
        known: the references.
        penalties: to try, where the score is the probe.

    Returns:
        The trial.
    """
    if name == "probe":
        products = ridge.held_out_products(known.spanned, penalties)
        likeliest = map(LikeliestLabels.of, products)
        return ProductTrial(dict(zip(penalties, likeliest, strict=True)), known.codes)
    if name == "class_mean":
        means = LikeliestLabels.of(_products_with_means(known))
        return ProductTrial({0.0: means}, known.codes)
    importance = vote_importance(name, known)
    return VoteTrial(neighbours_outside(known), known.codes, importance, name == "nearest")


def vote_importance(name: ScoreName, known: LearningSet) -> Floats:
    """Return what each reference's vote is multiplied with, shape (r,): 1 under `nearest`.

    Under `vote` it lies between a vote for each reference, where a label with many outvotes all
    others, and one for each label, where a stray reference of a rare label outweighs a crowd.
    """
    return np.ones(len(known.codes)) if name == "nearest" else np.sqrt(known.balance)


def class_means(vectors: Vectors, codes: Codes, labels: int) -> Vectors:
    """Return the direction of each label's references.

    Args:
        vectors: (r, d) rows of unit length.
        codes: (r,) label of each.
        labels: how many labels there are.

    Returns:
        (labels, d) rows of unit length; zeros for a label without references, and where they
        cancel out.
    """
    sums = np.zeros((labels, vectors.shape[1]))
    for code in np.unique(codes).tolist():
        sums[code] = vectors[codes == code].astype(np.float64).sum(axis=0)
    length = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.asarray(sums / np.where(length > 0, length, 1.0), np.float32)


def _products_with_means(known: LearningSet) -> Floats:
    products = np.full((len(known.codes), known.labels), np.nan)
    for fold in np.unique(known.folds[known.folds >= 0]).tolist():
        out = known.folds == fold
        means = class_means(known.vectors[~out], known.codes[~out], known.labels)
        products[out] = known.vectors[out].astype(np.float64) @ means.T.astype(np.float64)
    return products


def neighbours_outside(known: LearningSet) -> Nearest:
    """Return the nearest references of each outside of its fold, (r, VOTERS).

    Args:
        known: the references.

    Returns:
        Positions in all references, -1 where a reference is never held out.
    """
    shape = (len(known.codes), VOTERS)
    listed = Nearest(np.full(shape, -1, np.int32), np.full(shape, -np.inf, np.float32))
    for fold in np.unique(known.folds[known.folds >= 0]).tolist():
        out = known.folds == fold
        inside = np.flatnonzero(~out)
        close = nearest(known.vectors[out], known.vectors[inside], VOTERS)
        listed.score[out] = close.score
        listed.position[out] = np.where(
            close.position >= 0, inside[np.maximum(close.position, 0)], -1
        )
    return listed
