"""The held-out set of a projection head: augmentations of references that it did not train on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from autolabel_core.matching.decision_engine import Vectors
from autolabel_core.matching.reference_index import IndexOrigin, ReferenceIndex
from autolabel_core.models.evaluation.augmentation import mean_of_views
from autolabel_core.models.evaluation.retrieval_metrics import RetrievalResult, evaluate

Project = Callable[[Vectors], Vectors]


def unchanged(vectors: Vectors) -> Vectors:
    """Project nothing: the encoder's own vectors."""
    return vectors


@dataclass(frozen=True)
class HeldOutSet:
    """What is asked, of n references: which of their labels do these show?

    Attributes:
        labels: (n,) label of each reference.
        references: (n, r, d) vectors whose mean is the reference.
        queries: (m, q, d) vectors of other views, or of other items.
        asked: (m,) labels of the queries; None where they are views of the references.
    """

    labels: Sequence[str]
    references: Vectors
    queries: Vectors
    asked: Sequence[str] | None = None

    @cached_property
    def _index(self) -> ReferenceIndex:
        names = tuple(self.labels)
        nothing: Mapping[str, str] = {}
        fields = (nothing,) * len(names)
        return ReferenceIndex(self.references[:, 0], names, names, names, IndexOrigin(""), fields)

    @property
    def distinct(self) -> tuple[str, ...]:
        """The labels in order; what is judged speaks of their positions."""
        return self._index.labels

    def evaluate(self, project: Project = unchanged) -> RetrievalResult:
        """Project references and queries, and search."""
        references = mean_of_views(_each(self.references, project))
        queries = _each(self.queries, project)
        place = {label: code for code, label in enumerate(self.distinct)}
        codes = [place[label] for label in (self.labels if self.asked is None else self.asked)]
        truth = np.repeat(np.array(codes, np.int64), queries.shape[1])
        index = replace(self._index, embeddings=references)
        return evaluate(index, queries.reshape(len(truth), -1), truth)


def _each(vectors: Vectors, project: Project) -> Vectors:
    n, views, d = vectors.shape
    return project(vectors.reshape(n * views, d)).reshape(n, views, -1)
