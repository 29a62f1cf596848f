"""A score as fitted to one set of references: what ranks labels for any document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from autolabel_core.foundation.score_names import ScoreName
from autolabel_core.matching.nearest import Nearest
from autolabel_core.matching.scores.ranking import RankedLabels, rank_products, unranked, votes
from autolabel_core.matching.scores.similarity import Pool

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ScoreFigures:
    """How a score did on references that it had not learned from; each label counts alike.

    Attributes:
        aurc: area under risk and coverage, from 0 (all right) to 1 (all wrong).
        accuracy: share right, from 0 to 1.
    """

    aurc: float
    accuracy: float


@dataclass(frozen=True)
class ScoreChoice:
    """Which score decides, and why.

    Attributes:
        score: its name.
        reason: why it, in a sentence.
        judged: how many references could be judged; 0 where nothing was compared.
        figures: by score, of those that were compared.
        unknown_auroc: how well the similarity tells references of hidden labels from others, from
            0.5 to 1; None where that cannot be judged.
    """

    score: ScoreName
    reason: str
    judged: int = 0
    figures: Mapping[ScoreName, ScoreFigures] | None = None
    unknown_auroc: float | None = None


@dataclass(frozen=True)
class FittedScore:
    """A score with everything that was learned from l labels and r references.

    Attributes:
        choice: which score it is, and why.
        labels: (l,) in alphabetical order.
        codes: (r,) position of each reference's label among them.
        weights: (l, d + 1) a row for each label and its constant; (0, 0) where neighbours vote.
        importance: (r,) what the vote of each reference is multiplied with; empty for others.
        temperature: turns products, or differences of cosines, into probabilities; above 0.
        penalty: of the probe; 0 for others.
        pool: middle of the documents, for the similarity.
        similarity_threshold: documents less similar to the references are unknown; from -1 (none)
            to 1.
        held_out: (r,) what each reference is ranked as by the others.
    """

    choice: ScoreChoice
    labels: tuple[str, ...]
    codes: npt.NDArray[np.int64]
    weights: Vectors
    importance: npt.NDArray[np.float64]
    temperature: float
    penalty: float
    pool: Pool
    similarity_threshold: float
    held_out: RankedLabels

    @property
    def name(self) -> ScoreName:
        """Name of the score."""
        return self.choice.score

    @cached_property
    def label_array(self) -> npt.NDArray[np.object_]:
        """(l,) the labels, to index by code."""
        return np.array(self.labels, dtype=object)

    def rank(self, vectors: Vectors, neighbours: Nearest) -> RankedLabels:
        """Rank labels for documents.

        Args:
            vectors: (n, d) rows of unit length.
            neighbours: (n, k) their nearest references, best first.

        Returns:
            The likeliest label of each. Where there is but one, its probability is not known: it
            cannot be told from others.
        """
        if len(self.labels) < 2:
            return replace(unranked(len(vectors)), code=np.zeros(len(vectors), np.int32))
        if len(self.weights):
            return rank_products(vectors, self.weights, self.temperature)
        best_only = self.name == "nearest"
        cast = votes(neighbours, self.codes, self.importance, self.temperature, best_only)
        return cast.ranked()
