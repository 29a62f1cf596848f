"""Every document with its label and its source: a person, a promotion or a reference.

Relabelling is incremental and exact: each batch keeps its nearest references, and an edit of the
reference set is compared with what was kept. The table is what a full recompute would give, byte
for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property, partial
from pathlib import PurePath
from typing import Literal

import numpy as np
import numpy.typing as npt

from autolabel_core.declarations import Collection
from autolabel_core.foundation.ids import fingerprint, object_of
from autolabel_core.foundation.json_types import Report
from autolabel_core.foundation.progress import Progress
from autolabel_core.matching.nearest import Nearest
from autolabel_core.storage.warehouse import VectorTable
from autolabel_core.tables.aligned_vectors import aligned
from autolabel_core.tables.applied_taxonomy import AppliedTaxonomy
from autolabel_core.tables.fingerprints import LabelsFingerprint
from autolabel_core.tables.known_references import ReferenceEdits
from autolabel_core.tables.label_columns import (
    Labelling,
    LabelTable,
    RejectedLabel,
    label_table,
)
from autolabel_core.tables.label_patches import (
    MadeLabels,
    concerned,
    patched,
    read_labels,
    write_labels,
)
from autolabel_core.tables.label_report import (
    FIGURE_COLUMNS,
    PICTURE_COLUMNS,
    label_pictures,
    label_report,
)
from autolabel_core.tables.label_verdicts import AnnotatedDocuments, rejected_labels
from autolabel_core.tables.layout import LABELS, OTHERS
from autolabel_core.tables.neighbour_cache import NeighbourState
from autolabel_core.tables.promoted_copies import annotations_of_copies, copies_among
from autolabel_core.tables.reference_set import ReferenceSet
from autolabel_core.tables.suggestions import Suggestions
from autolabel_core.tables.table import DerivedTable


class TaxonomyLabels(DerivedTable):
    """One row for each object of a batch, quarantined ones included, ascending by document id."""

    name = LABELS
    upstream = ("embeddings", "reference_set")
    completes_batches = True

    @classmethod
    def edges(cls, collection: Collection) -> list[tuple[str, str]]:
        """Return what labels are made from; another collection's references among it, if named."""
        inherited = super().edges(collection)
        return sorted(
            {*inherited, (collection.reference_collection or inherited[0][0], "reference_set")}
        )

    @classmethod
    def upstream_of(cls, collection: Collection) -> tuple[str, ...]:
        """Labels that are proposed by name wait for the proposals."""
        return (*cls.upstream, Suggestions.name) if collection.zero_shot else cls.upstream

    @cached_property
    def own(self) -> ReferenceSet:
        """The collection's own annotations and vectors."""
        return self.sibling(ReferenceSet)

    @cached_property
    def taxonomy(self) -> AppliedTaxonomy:
        """The rule, and the references that count."""
        return AppliedTaxonomy(self.collection)

    def path(self, batch: str) -> PurePath:
        """Return the file of a batch."""
        return self.warehouse.path(self.collection_name, self.name, f"{batch}.parquet")

    def path_of_others(self, batch: str) -> PurePath:
        """Return the file of the documents that take no label, such as images with boxes."""
        return self.path(batch).parent / OTHERS / f"{batch}.parquet"

    def fingerprint(self, batch: str) -> str | None:
        """Cover documents, taxonomy and people's labels; None while the feature URI changes."""
        wanted = self._wanted(batch)
        return None if wanted is None else str(wanted)

    def _wanted(self, batch: str) -> LabelsFingerprint | None:
        documents = self._documents(batch)
        if documents is None or self.own.changing_over:
            return None
        if self.taxonomy.references_encoder != self.taxonomy.space.encoder_uri:
            return None
        return LabelsFingerprint(documents, self.taxonomy.fingerprint, self._annotations(batch))

    def _documents(self, batch: str) -> str | None:
        """Return a fingerprint of objects, vectors and proposals; None before there are vectors."""
        raw = self.warehouse.fingerprint(self.own.embeddings.items.path(batch))
        vectors = self.warehouse.fingerprint(self.own.embeddings.path(batch))
        if raw is None or vectors is None:
            return None
        proposed = () if self.suggestions is None else (self._suggested(self.suggestions, batch),)
        return fingerprint(raw, vectors, *proposed)

    def _suggested(self, suggestions: Suggestions, batch: str) -> str | None:
        return self.warehouse.fingerprint(suggestions.path(batch))

    @cached_property
    def suggestions(self) -> Suggestions | None:
        """Labels proposed by name; None where none are declared."""
        return self.sibling(Suggestions) if self.collection.declaration.zero_shot else None

    def is_behind_uploads(self, batch: str) -> bool:
        """Whether a batch has no labels yet from the objects and vectors that there are now."""
        made_from = self.warehouse.fingerprint(self.path(batch)) or ""
        return made_from.partition(".")[0] != self._documents(batch)

    def stale_by_uploads(self) -> list[str]:
        """Return the batches labelled from other objects or vectors than there are now."""
        return [batch for batch in self.stale() if self._differs(batch, "documents")]

    def stale_by_taxonomy(self) -> list[str]:
        """Return batches of present vectors labelled by another rule or by other references."""
        uploaded = set(self.stale_by_uploads())
        stale = [batch for batch in self.stale() if self._differs(batch, "taxonomy")]
        return [batch for batch in stale if batch not in uploaded]

    def _differs(self, batch: str, part: Literal["documents", "taxonomy"]) -> bool:
        made_from = LabelsFingerprint.of_file(self.warehouse, self.path(batch))
        return getattr(self._wanted(batch), part, None) != getattr(made_from, part, None)

    def _annotations(self, batch: str) -> str:
        return fingerprint(self._label_digests[batch], self._rejected_by_batch.get(batch, []))

    @cached_property
    def _label_digests(self) -> Mapping[str, str]:
        return self.own.embeddings.items.label_digests

    @cached_property
    def _rejected_by_batch(self) -> dict[str, list[RejectedLabel]]:
        objects = {object_of(document) for document, *_ in self.rejected}
        arrivals = self.recorded.arrivals_of(objects)
        groups: dict[str, list[RejectedLabel]] = {}
        for judged in sorted(self.rejected):
            groups.setdefault(arrivals[object_of(judged[0])].batch, []).append(judged)
        return groups

    @cached_property
    def rejected(self) -> set[RejectedLabel]:
        """Auto-labels that an audit found wrong: they are not given to that content again."""
        return rejected_labels(self.collection.ledger, self.collection_name)

    def build(self, batch: str, fingerprint: str, progress: Progress) -> None:
        """Match, decide, join labels and fields, and write; rows that stay the same are kept."""
        items = self.own.embeddings.items
        before = NeighbourState.load(self.warehouse, self._state_path(batch))
        vectors = self.warehouse.read_vectors(self.own.embeddings.path(batch))
        known = self._known(batch, fingerprint, before, vectors.document_ids)
        if known is None:
            vectors = aligned(vectors, items.rows(batch))
        readable = np.flatnonzero(vectors.readable)
        after = before.updated(vectors, readable, self._edits)
        places = np.arange(len(vectors.document_ids))
        if known is not None:
            places = self._concerned(before, after, vectors.document_ids, readable)
        neighbours = partial(after.published_at, readable, places)
        labels = self._labelled(batch, vectors.only(places), neighbours)
        if known is not None:
            labels = patched(known, places, labels, self.collection.declaration.fields)
        others = items.without_label(batch)
        if others is not None:
            self.warehouse.write_table(self.path_of_others(batch), others, fingerprint)
        note = self._made(batch, fingerprint).note
        replace(after, note=note).save(self.warehouse, self._state_path(batch))
        self._edits.keep()
        values = self._values_path(batch)
        write_labels(self.warehouse, self.path(batch), values, labels, fingerprint)
        progress(len(vectors.document_ids), len(vectors.document_ids))

    def _labelled(
        self,
        batch: str,
        vectors: VectorTable,
        neighbours_beside: Callable[[npt.NDArray[np.int32]], Nearest],
    ) -> LabelTable:
        """Label some documents of a batch; a document is no neighbour of its own."""
        items = self.own.embeddings.items
        rows = items.rows_of(set(vectors.document_ids), batches=[batch])
        copies = copies_among(rows, self.taxonomy)
        neighbours = neighbours_beside(copies)
        engine = self.taxonomy.stored_engine
        decisions = engine.decide_documents(vectors.vectors, neighbours, copies)
        annotations = annotations_of_copies(rows, copies, self.taxonomy)
        annotations |= items.annotations_in(batch, vectors.document_ids)
        known = Labelling(
            rows, vectors.reasons, neighbours, decisions, annotations, self.rejected, items.columns
        )
        if self.suggestions is not None:
            known = replace(known, suggestions=self.suggestions.of_documents(batch))
        return label_table(known, self.taxonomy)

    @cached_property
    def _edits(self) -> ReferenceEdits:
        folder, known = self._state_path(self.batches[0]).parent, self.taxonomy.references
        name = fingerprint(self.taxonomy.declared, known.version)  # of what was read, none older
        return ReferenceEdits(self.warehouse, folder, known, name)

    def _made(self, batch: str, file: str) -> MadeLabels:
        return MadeLabels(
            file,
            LabelsFingerprint.parse(file).documents,
            self.taxonomy.declared,
            fingerprint(self._rejected_by_batch.get(batch, [])),
            self.recorded.annotation_position,
        )

    def _known(
        self, batch: str, file: str, before: NeighbourState, documents: list[str]
    ) -> LabelTable | None:
        """Return the labels as they are, where most of their rows may stay; else None."""
        depends_on_all = self.taxonomy.rule.score != "nearest" or self.suggestions is not None
        if depends_on_all or self.collection.declaration.has_parts or not self.taxonomy.is_unified:
            return None
        made = MadeLabels.of(before.note)
        if made is None or not made.differs_by_labels_alone(self._made(batch, file)):
            return None
        if self._edits.since(before.references) is None:
            return None
        if self._annotated.since(made.position) is None:
            return None
        path, values = self.path(batch), self._values_path(batch)
        known = read_labels(self.warehouse, path, values, made.fingerprint)
        if known is None or known.table["document_id"].to_pylist() != documents:
            return None
        return known

    def _concerned(
        self,
        before: NeighbourState,
        after: NeighbourState,
        documents: list[str],
        readable: npt.NDArray[np.int64],
    ) -> npt.NDArray[np.int64]:
        """Return the rows that are to be made again."""
        edit, made = self._edits.since(before.references), MadeLabels.of(before.note)
        assert edit is not None and made is not None
        annotated = self._annotated.since(made.position) or set()
        rows = np.array([document in annotated for document in documents], np.bool_)
        rows[readable[concerned(before, after, edit)]] = True
        return np.flatnonzero(rows)

    @cached_property
    def _annotated(self) -> AnnotatedDocuments:
        return AnnotatedDocuments(self.collection.ledger, self.collection_name)

    def _values_path(self, batch: str) -> PurePath:
        return self._state_path(batch).parent / "fields" / f"{batch}.arrow"

    def _state_path(self, batch: str) -> PurePath:
        slug = self.own.embeddings.folder.name
        kept = ".neighbours", slug, f"{batch}.arrow"
        return self.warehouse.path(self.collection_name, self.name, *kept)

    def report(self, batch: str) -> Report:
        """Count labels by source and by label, and say which score decided."""
        table = self.warehouse.read_table(self.path(batch), list(FIGURE_COLUMNS))
        counted = label_report(table, self.taxonomy.rule)
        score = self.taxonomy.stored_engine.score
        if score is None:
            return counted
        why = f"{score.name}: {score.choice.reason}"
        return {**counted, "score": why, "lowest similarity": score.similarity_threshold}

    def pictures(self, batch: str) -> dict[str, bytes]:
        """Draw the confidences with the threshold, and show some documents."""
        table = self.warehouse.read_table(self.path(batch), list(PICTURE_COLUMNS))
        embeddings = self.own.embeddings
        is_image = embeddings.extractor.manifest.input == "image"
        return label_pictures(table, self.taxonomy.rule, embeddings.items if is_image else None)
