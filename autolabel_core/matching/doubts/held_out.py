"""Which labels each reference would get from the others: a probe and a vote, both out of fold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autolabel_core.matching.nearest import Nearest
from autolabel_core.matching.scores import ridge
from autolabel_core.matching.scores.fit import learning_set, one_thread, sample_of, settle
from autolabel_core.matching.scores.ranking import LikeliestLabels, votes
from autolabel_core.matching.scores.trials import (
    LearningSet,
    Setting,
    neighbours_outside,
    vote_importance,
)

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

PROBE_SHARE = 0.7
"""What the probe counts in the probability; the vote of the neighbours counts the rest."""
REFITS = 2
"""How often the probe is fitted anew with doubtful references counting less."""
LEAST_WEIGHT = 0.02
KEPT_LABELS = 16
CELLS_PER_BLOCK = 4_000_000
"""Probabilities in memory at once: rows times labels."""


@dataclass(frozen=True)
class HeldOutLabels:
    """What r references would be labelled by the others, their near-duplicates left out too.

    Attributes:
        labels: (l,) names, in alphabetical order.
        own: (r,) code of each reference's own label.
        code: (r, k) codes of the likeliest labels, best first.
        probability: (r, k) theirs, from 0 to 1, falling; nan where a reference cannot be judged,
            because its label has no other reference than its near-duplicates.
        others: (r, 10) the nearest other references of each.
    """

    labels: tuple[str, ...]
    own: Codes
    code: Codes
    probability: Floats
    others: Nearest

    def probability_of(self, rows: npt.NDArray[np.intp], codes: Codes) -> Floats:
        """Return the probability of one label for each of some references.

        Args:
            rows: (w,) references.
            codes: (w,) a label of each.

        Returns:
            (w,) from 0 to 1; 0 where the label is not among the likeliest, nan where the reference
            cannot be judged.
        """
        listed = np.where(self.code[rows] == codes[:, None], self.probability[rows], 0.0)
        is_judged = ~np.isnan(self.probability[rows, 0])
        return np.where(is_judged, listed.sum(axis=1), np.nan)


def held_out_labels(
    vectors: npt.NDArray[np.float32], labels: npt.NDArray[np.object_]
) -> HeldOutLabels:
    """Judge each reference by the others.

    The probe is fitted without the reference's fold, and then again with doubtful references
    counting less, so that wrong names teach it less. Near-duplicates lie in one fold.

    Args:
        vectors: (r, d) rows of unit length, sorted by reference id.
        labels: (r,) their labels.

    Returns:
        The likeliest labels; the same bytes for the same references.
    """
    names = tuple(np.unique(labels.astype(str)).tolist())
    with one_thread():
        known = learning_set(vectors, labels)
        sample = sample_of(known)
        learned, voted = settle("probe", sample).setting, settle("vote", sample).setting
        probe = _probe(known, learned)
        importance = vote_importance("vote", known)
        cast = votes(neighbours_outside(known), known.codes, importance, voted.temperature)
    parts = (
        (probe.code, PROBE_SHARE * probe.probabilities(learned.temperature)),
        (cast.code, (1 - PROBE_SHARE) * cast.probabilities()),
    )
    width = min(KEPT_LABELS, len(names))
    code = np.zeros((len(known.codes), width), np.int64)
    probability = np.full((len(known.codes), width), np.nan)
    for rows in _blocks(len(known.codes), len(names)):
        shares = np.zeros((len(rows), len(names)))
        for listed, share in parts:
            _add(shares, listed[rows], share[rows])
        best = np.argsort(-shares, axis=1, kind="stable")[:, :width]
        code[rows] = best
        probability[rows] = np.take_along_axis(shares, best, axis=1)
    # With one label there is nothing else that it could be.
    probability[known.folds < 0 if len(names) > 1 else slice(None)] = np.nan
    return HeldOutLabels(names, known.codes, code, probability, known.others)


def _probe(known: LearningSet, setting: Setting) -> LikeliestLabels:
    """Fit the probe without each fold, then anew with doubtful references counting less."""
    weights = known.balance
    for refit in range(REFITS + 1):
        references = ridge.spanned(known.vectors, known.codes, weights, known.folds, known.labels)
        (products,) = ridge.held_out_products(references, [setting.penalty])
        likeliest = LikeliestLabels.of(products)
        if refit < REFITS:
            own = likeliest.probability_of(known.codes, setting.temperature)
            weights = _trusted(known, np.nan_to_num(own, nan=1.0))
    return likeliest


def _trusted(known: LearningSet, own: Floats) -> Floats:
    """Return weights (r,) that fall with the probability of the own label; each label weighs 1."""
    trust = np.sqrt(np.maximum(own, LEAST_WEIGHT))
    whole = np.bincount(known.codes, weights=trust, minlength=known.labels)
    return np.asarray(trust / whole[known.codes])


def _add(shares: Floats, codes: npt.NDArray[np.integer], values: Floats) -> None:
    """Add values (b, k) to shares (b, labels) at their codes; code -1 is nothing."""
    there = codes >= 0
    rows = np.broadcast_to(np.arange(len(shares))[:, None], codes.shape)
    np.add.at(shares, (rows[there], codes[there]), values[there])


def _blocks(rows: int, labels: int) -> Iterator[npt.NDArray[np.intp]]:
    step = max(1, CELLS_PER_BLOCK // max(1, labels))
    for start in range(0, rows, step):
        yield np.arange(start, min(start + step, rows))
