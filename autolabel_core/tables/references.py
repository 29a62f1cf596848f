"""Labelled references in memory, and leave-one-out results among them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NotRequired, TypedDict

import numpy as np
import numpy.typing as npt

from autolabel_core.foundation.statistics import wilson_interval
from autolabel_core.matching.decision import Rule
from autolabel_core.matching.decision_engine import KEPT_NEIGHBOURS, DecisionEngine
from autolabel_core.matching.nearest import Nearest, nearest_among_themselves
from autolabel_core.matching.scores.fitted import FittedScore
from autolabel_core.models.evaluation.verification_record import VerificationRecord
from autolabel_core.tables.reference_rows import ReferenceRow, StoredReferences

NEAR_DUPLICATE = 0.999


class ReferencesOfLabel(TypedDict):
    """How many references a label has, of people's labels or of promotions."""

    label: str
    label_source: str
    references: int


class ReferencePair(TypedDict):
    """A reference and the nearest other one, with their cosine."""

    key: str
    label: str
    nearest_key: str
    nearest_label: str
    score: float


class LeaveOneOutReport(TypedDict):
    """What `leave_one_out_report` found; `distinguishability` is added by the set of references."""

    references: int
    labels: list[ReferencesOfLabel]
    leave_one_out_agreement: float | None
    agreement_low: NotRequired[float]
    agreement_high: NotRequired[float]
    disagreeing: NotRequired[list[ReferencePair]]
    near_duplicates: NotRequired[list[ReferencePair]]
    distinguishability: NotRequired[VerificationRecord | None]


@dataclass(frozen=True)
class ReferenceVectors:
    """The references of one collection, ascending by document id.

    Attributes:
        rows: the references.
        vectors: (r, d) float32 of unit length.
        feature_uri: the space of the vectors.
        version: fingerprint of rows and space.
        encoder_uri: what made the vectors; those of one encoder may be compared.
        reference_views: how many augmented views each vector is the mean of; 0: of the item itself.
    """

    rows: Sequence[ReferenceRow]
    vectors: npt.NDArray[np.float32]
    feature_uri: str
    version: str
    encoder_uri: str
    reference_views: int = 0

    @cached_property
    def stored(self) -> StoredReferences:
        """(r,) the rows as columns."""
        return StoredReferences.of(self.rows)

    @cached_property
    def keys(self) -> list[str]:
        """(r,) id and content of each reference, and what its vector is the mean of."""
        ending = f":{self.reference_views}" if self.reference_views else ""
        pairs = zip(self.document_ids, self.stored.texts("content_hash"), strict=True)
        return [f"{document}:{content}{ending}" for document, content in pairs]

    @cached_property
    def document_ids(self) -> list[str]:
        """(r,) ids of the references."""
        return self.stored.texts("document_id")

    @cached_property
    def place(self) -> dict[str, int]:
        """Where each reference is, by its id."""
        return {document: i for i, document in enumerate(self.document_ids)}

    @cached_property
    def labels(self) -> npt.NDArray[np.object_]:
        """(r,) labels."""
        return np.array(self.stored.texts("label"), dtype=object)

    def engine(self, rule: Rule, score: FittedScore | None = None) -> DecisionEngine:
        """Return what decides by these references under a rule, by a score fitted to them."""
        return DecisionEngine(self.vectors, self.labels, rule, score)

    def leave_one_out(self) -> Nearest:
        """Return each reference's nearest others."""
        return nearest_among_themselves(self.vectors, KEPT_NEIGHBOURS)

    def only(self, rows: list[int]) -> ReferenceVectors:
        """Return some of them, by row."""
        return replace(self, rows=self.stored.only(rows), vectors=self.vectors[rows])


def leave_one_out_report(
    references: ReferenceVectors, neighbours: Nearest | None = None
) -> LeaveOneOutReport:
    """Judge references by their neighbours: who agrees, who disagrees, near-duplicates, counts.

    Args:
        references: the set.
        neighbours: each reference's nearest others, where they are known already.

    Returns:
        `references` (how many), `labels` (references by label and source),
        `leave_one_out_agreement` (of the references whose label has another one, the share whose
        nearest other reference has that label; 1 is all, None where no label has two) with its
        95 % Wilson interval,
        `disagreeing` (at most 50, the most similar first) and `near_duplicates` (pairs of cosine
        >= NEAR_DUPLICATE, at most 50).
    """
    sources = references.stored.texts("label_source")
    counts = Counter(zip(references.labels.tolist(), sources, strict=True))
    labels: list[ReferencesOfLabel] = [
        {"label": k, "label_source": s, "references": n} for (k, s), n in sorted(counts.items())
    ]
    sizes = Counter(references.labels.tolist())
    can_agree = np.array([sizes[label] > 1 for label in references.labels.tolist()], bool)
    if not can_agree.any():
        return {
            "references": len(references.rows),
            "labels": labels,
            "leave_one_out_agreement": None,
        }
    neighbours = references.leave_one_out() if neighbours is None else neighbours
    agrees = references.labels[neighbours.position[:, 0]] == references.labels
    low, high = wilson_interval(int(agrees.sum()), int(can_agree.sum()))
    wrong = np.flatnonzero(can_agree & ~agrees)
    wrong = wrong[np.argsort(-neighbours.score[wrong, 0], kind="stable")]
    return {
        "references": len(references.rows),
        "labels": labels,
        "leave_one_out_agreement": float(agrees.sum() / can_agree.sum()),
        "agreement_low": low,
        "agreement_high": high,
        "disagreeing": [_pair(references, i, neighbours) for i in wrong[:50].tolist()],
        "near_duplicates": [
            _pair(references, i, neighbours)
            for i in np.flatnonzero(neighbours.score[:, 0] >= NEAR_DUPLICATE).tolist()[:50]
        ],
    }


def _pair(references: ReferenceVectors, i: int, neighbours: Nearest) -> ReferencePair:
    row, nearest_row = references.rows[i], references.rows[int(neighbours.position[i, 0])]
    return {
        "key": row["key"],
        "label": row["label"],
        "nearest_key": nearest_row["key"],
        "nearest_label": nearest_row["label"],
        "score": float(neighbours.score[i, 0]),
    }
