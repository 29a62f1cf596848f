"""Chooses the score that orders references best by how sure their labels are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from autolabel_core.foundation.score_names import DeclaredScore, ScoreName
from autolabel_core.matching.scores.fit import (
    Settled,
    fit,
    learning_set,
    one_thread,
    sample_of,
    settle,
)
from autolabel_core.matching.scores.fitted import FittedScore, ScoreChoice, ScoreFigures
from autolabel_core.matching.scores.folds import near_duplicate_groups
from autolabel_core.matching.scores.risk_coverage import area_under_risk_coverage
from autolabel_core.matching.scores.strangers import auroc_of_strangers
from autolabel_core.matching.scores.trials import LearningSet

Floats = npt.NDArray[np.float64]

PREFERRED: tuple[ScoreName, ...] = ("probe", "vote", "class_mean", "nearest")
"""The first stays unless another is better beyond noise: a choice does not waver by chance."""
FEWEST_JUDGED = 20
RESAMPLES = 200
NOISE = 2.0
"""Standard errors by which another score must be better."""
SEED = 0


def fit_score(
    declared: DeclaredScore,
    vectors: npt.NDArray[np.float32],
    labels: npt.NDArray[np.object_],
    centre: npt.NDArray[np.float32],
) -> FittedScore:
    """Fit the declared score to references; `auto` chooses one first.

    Args:
        declared: the score.
        vectors: (r, d) rows of unit length, sorted by reference id; r at least 1.
        labels: (r,) their labels.
        centre: (d,) middle of the documents, for the similarity; zeros take nothing off.

    Returns:
        The fitted score; the same bytes for the same references.
    """
    with one_thread():
        known = learning_set(vectors, labels)
        sample = sample_of(known)
        names = PREFERRED if declared == "auto" else (declared,)
        settled = {name: settle(name, sample) for name in names}
        choice = (
            choose(settled, sample) if declared == "auto" else _named(declared, settled, sample)
        )
        groups = near_duplicate_groups(sample.others)
        auroc = auroc_of_strangers(sample.vectors, centre, sample.codes, groups)
        choice = replace(choice, unknown_auroc=auroc)
        setting = settled[choice.score].setting
        return fit(choice, setting, known, np.unique(labels.astype(str)).tolist(), centre)


def choose(settled: Mapping[ScoreName, Settled], sample: LearningSet) -> ScoreChoice:
    """Compare scores on held-out references.

    Args:
        settled: by name, in the order in which they are preferred.
        sample: the references that they were settled on.

    Returns:
        The first of them, or of those that are better beyond noise the best.
    """
    first, *others = settled
    judged = settled[first].judged
    if len(judged) < FEWEST_JUDGED:
        reason = (
            f"{len(judged)} references can be judged by others, and {FEWEST_JUDGED} are needed to "
            f"compare scores; {first} is best where it was measured"
        )
        return ScoreChoice(first, reason, len(judged))
    figures = {name: _figures(result, sample) for name, result in settled.items()}
    better: list[ScoreName] = []
    for name in others:
        gain, noise = _gain(settled[first], settled[name], sample)
        if gain > NOISE * noise:
            better.append(name)
    best = min(better, key=lambda name: figures[name].aurc, default=first)
    least = min(figures, key=lambda name: figures[name].aurc)
    if best != first:
        why = (
            f"area under risk and coverage {_shown(figures, best)}, "
            f"{first} {_shown(figures, first)}"
        )
    elif least == first:
        why = f"least area under risk and coverage, {_shown(figures, first)}"
    else:
        why = (
            f"area under risk and coverage {_shown(figures, first)}; {least} with "
            f"{_shown(figures, least)} is not better beyond noise"
        )
    return ScoreChoice(best, why, len(judged), figures)


def _named(
    name: ScoreName, settled: Mapping[ScoreName, Settled], sample: LearningSet
) -> ScoreChoice:
    judged = len(settled[name].judged)
    if not judged:
        reason = "declared; no label has two different references, so its probabilities are a guess"
        return ScoreChoice(name, reason)
    return ScoreChoice(name, "declared", judged, {name: _figures(settled[name], sample)})


def _shown(figures: Mapping[ScoreName, ScoreFigures], name: ScoreName) -> str:
    return f"{figures[name].aurc:.4f}"


def _figures(result: Settled, sample: LearningSet) -> ScoreFigures:
    weights = sample.balance[result.judged]
    right = result.held_out.code == sample.codes[result.judged]
    area = area_under_risk_coverage(result.held_out.probability, right, weights)
    return ScoreFigures(area, float(np.average(right, weights=weights)))


def _gain(first: Settled, other: Settled, sample: LearningSet) -> tuple[float, float]:
    """Return by how much another score is better, and the standard error of that."""
    rng = np.random.default_rng(SEED)
    judged = first.judged
    codes, weights = sample.codes[judged], sample.balance[judged]
    gains = []
    for draw in range(RESAMPLES + 1):
        # The first is the sample itself; the others say how much chance there is in it.
        rows = np.arange(len(judged)) if draw == 0 else rng.integers(0, len(judged), len(judged))
        areas = [
            area_under_risk_coverage(
                result.held_out.probability[rows],
                result.held_out.code[rows] == codes[rows],
                weights[rows],
            )
            for result in (first, other)
        ]
        gains.append(areas[0] - areas[1])
    return gains[0], float(np.std(gains[1:]))
