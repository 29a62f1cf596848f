"""Fits a score to references; what is chosen of it is chosen on references that it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autolabel_core.foundation.score_names import ScoreName
from autolabel_core.matching.scores import ridge
from autolabel_core.matching.scores.fitted import FittedScore, ScoreChoice
from autolabel_core.matching.scores.folds import some_of_each
from autolabel_core.matching.scores.ranking import RankedLabels, unranked
from autolabel_core.matching.scores.similarity import Pool
from autolabel_core.matching.scores.temperature import DEFAULT_TEMPERATURE, TEMPERATURES
from autolabel_core.matching.scores.trials import (
    LearningSet,
    Setting,
    Trial,
    class_means,
    trial_of,
    vote_importance,
)

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
Vectors = npt.NDArray[np.float32]

JUDGED_AT_MOST = 1000
"""Where there are more references, settings are chosen on so many, of each label its share."""
LEAST_PROBABILITY = 1e-9
"""Probabilities nearer to 0 or 1 are taken for this, so that one surprise does not decide."""
UNKNOWN_SHARE = 0.02
"""So many of the documents that are like the references are held for unknown."""


@dataclass(frozen=True)
class Settled:
    """A score with its setting, and what it says of references that it had not seen.

    Attributes:
        setting: chosen over all judged references.
        judged: (m,) rows of the references that could be held out.
        held_out: (m,) their ranks, each fold under the setting that the other folds choose.
    """

    setting: Setting
    judged: Rows
    held_out: RankedLabels


def learning_set(vectors: Vectors, labels: npt.NDArray[np.object_]) -> LearningSet:
    """Prepare references, near-duplicates in one fold.

    Args:
        vectors: (r, d) rows of unit length, sorted by reference id.
        labels: (r,) their labels.

    Returns:
        The references, labels numbered in alphabetical order.
    """
    names, codes = np.unique(labels.astype(str), return_inverse=True)
    return LearningSet.of(vectors, codes.astype(np.int64), len(names))


def sample_of(known: LearningSet) -> LearningSet:
    """Return the references that settings are chosen on: at most about JUDGED_AT_MOST."""
    rows = some_of_each(known.codes, JUDGED_AT_MOST)
    if len(rows) == len(known.codes):
        return known
    return LearningSet.of(known.vectors[rows], known.codes[rows], known.labels)


def settle(name: ScoreName, known: LearningSet) -> Settled:
    """Choose the setting of a score by cross-validation.

    Args:
        name: of the score.
        known: the references; those that are never held out are learned from in every fold.

    Returns:
        The setting whose probabilities fit the held-out references best, each label counting alike.
        The penalty of the probe stays at its default unless another fits better beyond noise.
    """
    penalties = ridge.PENALTIES if name == "probe" else (0.0,)
    default = ridge.DEFAULT_PENALTY if name == "probe" else 0.0
    judged = np.flatnonzero(known.folds >= 0)
    if not len(judged):
        return Settled(Setting(DEFAULT_TEMPERATURE, default), judged, unranked(0))
    trial = trial_of(name, known, penalties)
    settings = [Setting(t, p) for p in penalties for t in TEMPERATURES]
    misfit = np.stack([_misfit(trial, setting, judged) for setting in settings])
    weights, folds = known.balance[judged], known.folds[judged]
    held_out = unranked(len(judged))
    for fold in np.unique(folds).tolist():
        out = folds == fold
        # What the fold itself says chooses nothing that it is judged under.
        others = slice(None) if out.all() else ~out
        setting = settings[_best(misfit[:, others], weights[others], len(TEMPERATURES), default)]
        held_out = held_out.replaced(out, trial.evaluate(setting, judged)[0])
    best = _best(misfit, weights, len(TEMPERATURES), default)
    return Settled(settings[best], judged, held_out)


def _misfit(trial: Trial, setting: Setting, rows: Rows) -> Floats:
    """Return how badly probabilities fit, were one more reference right and one more wrong.

    Without these two, references that are all right would make every probability a certainty.

    Source: J. Platt (1999), Probabilistic outputs for support vector machines, section 2.2.
    """
    own = np.clip(trial.evaluate(setting, rows)[1], LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    expected = (len(rows) + 1) / (len(rows) + 2)
    return np.asarray(-expected * np.log(own) - (1 - expected) * np.log1p(-own))


def _best(misfit: Floats, weights: Floats, temperatures: int, default: float) -> int:
    """Return the setting of least mean misfit (settings, m), by penalty and then temperature."""
    mean = np.average(misfit, axis=1, weights=weights).reshape(-1, temperatures)
    coolest = mean.argmin(axis=1)
    of_penalty = np.arange(len(mean)) * temperatures + coolest
    best = int(mean[np.arange(len(mean)), coolest].argmin())
    if len(mean) == 1:
        return int(of_penalty[0])
    usual = ridge.PENALTIES.index(default)
    gain = misfit[of_penalty[usual]] - misfit[of_penalty[best]]
    is_beyond_noise = np.average(gain, weights=weights) > standard_error(gain, weights)
    return int(of_penalty[best if is_beyond_noise else usual])


def standard_error(values: Floats, weights: Floats) -> float:
    """Return the standard error of a weighted mean of values (m,) that are independent."""
    mean = np.average(values, weights=weights)
    return float(np.sqrt(np.sum((weights * (values - mean)) ** 2)) / weights.sum())


def fit(
    choice: ScoreChoice,
    setting: Setting,
    known: LearningSet,
    labels: Sequence[str],
    centre: Vectors,
) -> FittedScore:
    """Fit a score to all references under a setting.

    Args:
        choice: which score.
        setting: what `settle` chose.
        known: the references.
        labels: names of the labels, by code.
        centre: (d,) middle of the documents.

    Returns:
        The fitted score.
    """
    weights = np.zeros((0, 0), np.float32)
    importance = np.zeros(0)
    if choice.score == "probe":
        weights = ridge.probe_weights(known.spanned, setting.penalty)
    elif choice.score == "class_mean":
        means = class_means(known.vectors, known.codes, known.labels)
        weights = np.concatenate([means, np.zeros((len(means), 1), np.float32)], axis=1)
    else:
        importance = vote_importance(choice.score, known)
    pool = Pool.around(centre, known.vectors)
    return FittedScore(
        choice,
        tuple(labels),
        known.codes,
        weights,
        importance,
        setting.temperature,
        setting.penalty,
        pool,
        lowest_similarity(known, pool),
        _held_out(choice.score, setting, known),
    )


def _held_out(name: ScoreName, setting: Setting, known: LearningSet) -> RankedLabels:
    everything = unranked(len(known.codes))
    judged = np.flatnonzero(known.folds >= 0)
    if not len(judged) or known.labels < 2:
        return everything
    found = trial_of(name, known, (setting.penalty,)).evaluate(setting, judged)[0]
    everything.code[judged] = found.code
    everything.probability[judged] = found.probability
    everything.runner_up[judged] = found.runner_up
    return everything


def lowest_similarity(known: LearningSet, pool: Pool) -> float:
    """Return the similarity that all but UNKNOWN_SHARE of the references have to the others."""
    if len(known.codes) < 2:
        return -1.0
    similarity = pool.similarity(known.vectors, known.others)
    ordered = np.sort(similarity)
    return float(ordered[int(UNKNOWN_SHARE * len(ordered))])


def one_thread() -> AbstractContextManager[object]:
    """Keep sums in one order: how many threads share them changes their last bits."""
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[object] = threadpool_limits(limits=1, user_api="blas")
    return limits
