"""Documents that people label directly: each label is about a document and a content of it."""

from __future__ import annotations

from collections.abc import Collection as AnyCollection
from collections.abc import Mapping
from functools import cached_property
from typing import TypedDict

from autolabel_core.ledger import Annotation
from autolabel_core.tables.annotation_sums import Measure, Source, Terms, summed
from autolabel_core.tables.carry_over import collection_moves
from autolabel_core.tables.document_table import DocumentTable
from autolabel_core.tables.label_conflicts import LabelConflict
from autolabel_core.tables.moves import UnclearMove
from autolabel_core.tables.object_annotations import ObjectAnnotations


class PeoplesWords(TypedDict):
    """How many documents people disagree about, and moves that they have to decide."""

    disagreements: int
    unclear_moves: list[UnclearMove]


class LabelledDocuments(DocumentTable):
    """A table of documents that people label directly, not by boxes drawn on them."""

    def annotations(self, documents: AnyCollection[str] | None = None) -> dict[str, Annotation]:
        """Return the annotation that holds for each document, or for each of some."""
        return self._people.holding(documents)

    def annotations_in(
        self, batch: str, documents: AnyCollection[str] | None = None, until: int | None = None
    ) -> dict[str, Annotation]:
        """Return the annotation that holds for each document of a batch."""
        return self._people.holding_in(batch, documents, until)

    def label_conflicts(self) -> list[LabelConflict]:
        """Return where two people label one document differently, read by a sweep or not yet."""
        return self._people.conflicts()

    @property
    def label_digests(self) -> Mapping[str, str]:
        """By batch a digest of the labels that people gave, as far as they hold."""
        return self._people.label_digests

    def sums(self, what: str, source: Source, measure: Measure) -> Mapping[str, Terms]:
        """Add up terms of annotated documents; only what changed is computed anew."""
        return summed(self.collection, self.recorded, what, source, measure)

    def stale_annotations(self) -> int:
        """Count documents whose last label was given to a content which is there no more."""
        return self._people.stale

    @cached_property
    def people(self) -> PeoplesWords:
        """What only people can settle."""
        takes_labels = self.collection.declaration.detection is None
        return {
            "disagreements": self._people.disagreements if takes_labels else 0,
            "unclear_moves": collection_moves(self, {}).unclear,
        }

    @cached_property
    def _people(self) -> ObjectAnnotations:
        return ObjectAnnotations(self)
