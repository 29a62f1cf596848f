"""What speaks for and against the label of each reference: others, people, near-duplicates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypedDict

import numpy as np

from autolabel_core.documents.excerpts import excerpts
from autolabel_core.foundation.errors import AutolabelError, NotFoundError
from autolabel_core.foundation.suggestions import did_you_mean
from autolabel_core.ledger import Annotation
from autolabel_core.ledger.annotations import standing_annotations, strongest
from autolabel_core.ledger.doubt_decisions import SeenEvidence, SeenNearDuplicate
from autolabel_core.matching.doubts.held_out import HeldOutLabels
from autolabel_core.matching.doubts.ranking import (
    AnnotatorLabel,
    RankedDoubts,
    near_duplicates,
    rank_doubts,
)
from autolabel_core.matching.scores.folds import NEAR_DUPLICATE
from autolabel_core.tables.held_out_references import held_out_references
from autolabel_core.tables.reference_set import ReferenceSet
from autolabel_core.tables.references import ReferenceVectors
from autolabel_core.tables.workspace import OpenCollection

NEIGHBOURS_SHOWN = 5


Reason = Literal["references", "people", "near_duplicates"]
"""What may say another label than a document has."""


class NeighbourEvidence(TypedDict):
    """One of the nearest other references; `similarity` is the cosine, from -1 to 1."""

    document_id: str
    key: str
    content_hash: str
    label: str
    similarity: float
    near_duplicate: bool


class AnnotationEvidence(TypedDict):
    """A label that somebody gave to the document, and that stands."""

    annotator: str
    label: str
    origin: str
    recorded_at: str


class LabelDoubt(TypedDict):
    """A label that something contradicts; `reasons` say what.

    `doubt` is the probability, from 0 to 1, that it is wrong, after all evidence;
    `proposed_label` the most probable other one. `probability_by_others` is that of the label by
    the other references alone, `proposed_probability_by_others` of the proposed one; None where
    they cannot judge it. `excerpt` is how a text begins, None for others.
    """

    document_id: str
    key: str
    content_hash: str
    label: str
    label_source: str
    reasons: list[Reason]
    doubt: float
    proposed_label: str | None
    proposed_probability: float
    probability_by_others: float | None
    proposed_probability_by_others: float | None
    neighbours: list[NeighbourEvidence]
    annotations: list[AnnotationEvidence]
    excerpt: str | None


@dataclass(frozen=True)
class LabelledReferences:
    """References with all labels that people gave to them.

    Attributes:
        collection: theirs.
        references: at least one.
        standing: by document id, the annotations that stand, in the order of the ledger.
    """

    collection: OpenCollection
    references: ReferenceVectors
    standing: Mapping[str, Sequence[Annotation]]

    @classmethod
    def of(cls, collection: OpenCollection) -> LabelledReferences | None:
        """Read the references of the last sweep; None where there are none.

        Args:
            collection: opened with its stores.

        Returns:
            The references.

        Raises:
            AutolabelError: documents are boxes.
        """
        if collection.declaration.detection is not None:
            raise AutolabelError(
                f"The documents of `{collection.name}` are boxes on images; doubts are about "
                "labels of whole documents. `autolabel review` lists boxes to look at."
            )
        references = ReferenceSet(collection).load()
        if not len(references.rows):
            return None
        contents = dict(
            zip(references.document_ids, references.stored.texts("content_hash"), strict=True)
        )
        events = collection.ledger.annotations(collection.name)
        return cls(collection, references, standing_annotations(events, contents))

    @cached_property
    def held_out(self) -> HeldOutLabels:
        """What the others say of each."""
        return held_out_references(self.collection, self.references)

    @cached_property
    def labels_given(self) -> list[AnnotatorLabel]:
        """The labels given to each; without an annotation of its own label, that by its source."""
        given: list[AnnotatorLabel] = []
        sources = self.references.stored.texts("label_source")
        labels = self.references.labels.tolist()
        for row, document in enumerate(self.references.document_ids):
            standing = self.standing.get(document, ())
            own = [AnnotatorLabel(row, a.annotator, a.label) for a in standing if a.label]
            if all(one.label != labels[row] for one in own):
                own.append(AnnotatorLabel(row, sources[row], labels[row]))
            given += own
        return given

    @cached_property
    def ranked(self) -> RankedDoubts:
        """How doubtful each is."""
        return rank_doubts(self.held_out, self.labels_given)

    @cached_property
    def duplicates(self) -> dict[int, list[int]]:
        """By row, its near-duplicates."""
        found: dict[int, list[int]] = {}
        for a, b in near_duplicates(self.held_out):
            found.setdefault(a, []).append(b)
            found.setdefault(b, []).append(a)
        return found

    def contradicting_duplicates(self, row: int) -> list[SeenNearDuplicate]:
        """Return the near-duplicates of a reference that have another label."""
        label = self.references.labels[row]
        return [one for one in self._duplicates_of(row) if one["label"] != label]

    def _duplicates_of(self, row: int) -> list[SeenNearDuplicate]:
        ids, labels = self.references.document_ids, self.references.labels.tolist()
        others = self.duplicates.get(row, ())
        return [{"document_id": ids[i], "label": labels[i]} for i in others]

    def contradicting_annotations(self, row: int) -> list[Annotation]:
        """Return the annotations of a reference with another label than it has."""
        label = self.references.labels[row]
        standing = self.standing.get(self.references.document_ids[row], ())
        return [a for a in standing if a.label is not None and a.label != label]

    def reasons(self, row: int) -> list[Reason]:
        """Return what says another label than a reference has; nothing where all agree.

        Of two near-duplicates with different labels the more doubtful one is meant.
        """
        by_others = self.held_out.probability[row, 0]
        is_other = self.held_out.code[row, 0] != self.held_out.own[row]
        contradicts: dict[Reason, bool] = {
            "references": bool(is_other and not np.isnan(by_others)),
            "people": bool(self.contradicting_annotations(row)),
            "near_duplicates": self._is_doubtful_duplicate(row),
        }
        return [reason for reason, is_one in contradicts.items() if is_one]

    def _is_doubtful_duplicate(self, row: int) -> bool:
        labels, doubt = self.references.labels, self.ranked.doubt
        others = [one for one in self.duplicates.get(row, ()) if labels[one] != labels[row]]
        return any(doubt[row] >= doubt[one] for one in others)

    def has_changed(self, row: int) -> bool:
        """Whether the document's label is another now than at the last sweep, or is gone."""
        standing = self.standing.get(self.references.document_ids[row])
        # Where nothing stands any more, the label was withdrawn or revoked.
        return not standing or strongest(standing).label != self.references.labels[row]

    def evidence(self, row: int) -> SeenEvidence:
        """Return all that is known of a reference, as a decision about it is recorded with."""
        stored, proposed = self.references.rows[row], self.ranked.proposed[row]
        return {
            "labels": [stored["label"], *([] if proposed is None else [proposed])],
            "annotations": [a.event_id for a in self.standing.get(stored["document_id"], ())],
            "near_duplicates": self._duplicates_of(row),
        }

    def records(self, rows: Sequence[int]) -> list[LabelDoubt]:
        """Return what is known of references, and what speaks for and against their labels."""
        ids = self.references.document_ids
        begins = excerpts(self.collection, [ids[row] for row in rows])
        return [self._record(row, begins.get(ids[row])) for row in rows]

    def _record(self, row: int, excerpt: str | None) -> LabelDoubt:
        stored, ranked = self.references.rows[row], self.ranked
        proposed = ranked.proposed[row]
        return {
            "document_id": stored["document_id"],
            "key": stored["key"],
            "content_hash": stored["content_hash"],
            "label": stored["label"],
            "label_source": stored["label_source"],
            "reasons": self.reasons(row),
            "doubt": float(ranked.doubt[row]),
            "proposed_label": proposed,
            "proposed_probability": float(ranked.proposed_probability[row]),
            "probability_by_others": self._by_others(row, stored["label"]),
            "proposed_probability_by_others": self._by_others(row, proposed),
            "neighbours": self._neighbours(row),
            "annotations": [
                {
                    "annotator": a.annotator,
                    "label": a.label or "",
                    "origin": a.origin,
                    "recorded_at": a.recorded_at,
                }
                for a in self.standing.get(stored["document_id"], ())
            ],
            "excerpt": excerpt,
        }

    def _by_others(self, row: int, label: str | None) -> float | None:
        if label not in self.held_out.labels:
            return None
        code = np.array([self.held_out.labels.index(label)], np.int64)
        found = float(self.held_out.probability_of(np.array([row]), code)[0])
        return None if np.isnan(found) else found

    def _neighbours(self, row: int) -> list[NeighbourEvidence]:
        others = self.held_out.others
        listed = zip(others.position[row].tolist(), others.score[row].tolist(), strict=True)
        found: list[NeighbourEvidence] = []
        for place, score in [(p, s) for p, s in listed if p >= 0][:NEIGHBOURS_SHOWN]:
            other = self.references.rows[place]
            found.append(
                {
                    "document_id": other["document_id"],
                    "key": other["key"],
                    "content_hash": other["content_hash"],
                    "label": other["label"],
                    "similarity": score,
                    "near_duplicate": score >= NEAR_DUPLICATE,
                }
            )
        return found


def evidence_about(collection: OpenCollection, key: str) -> tuple[LabelledReferences, int]:
    """Return the references, and which of them is the document with a key.

    Args:
        collection: opened with its stores.
        key: of a document.

    Returns:
        The references and the row.

    Raises:
        NotFoundError: no such document has a label that the last sweep took up.
    """
    labelled = LabelledReferences.of(collection)
    document = collection.declaration.document_id(key)
    if labelled is None or document not in labelled.references.place:
        known = [] if labelled is None else labelled.references.stored.texts("key")
        raise NotFoundError(
            f"{key!r} has no label by a person that the last sweep of `{collection.name}` took up."
            f"{did_you_mean(key, known)}"
        )
    return labelled, labelled.references.place[document]
