"""Every document with its label and its source: a person, a promotion or a reference.

Relabelling is incremental and exact: each batch keeps its nearest references, and an edit of the
reference set is compared with what was kept. The table is what a full recompute would give, byte
for byte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import PurePath
from typing import Literal

import numpy as np
import numpy.typing as npt

from autolabel_core.declarations import Collection
from autolabel_core.foundation.ids import fingerprint, object_of
from autolabel_core.foundation.json_types import Report
from autolabel_core.foundation.progress import Progress
from autolabel_core.matching.decision_engine import KEPT_NEIGHBOURS
from autolabel_core.matching.nearest import Nearest
from autolabel_core.matching.neighbour_lists import published
from autolabel_core.storage.warehouse import VectorTable
from autolabel_core.tables.applied_taxonomy import AppliedTaxonomy
from autolabel_core.tables.document_table import DocumentRow
from autolabel_core.tables.fingerprints import LabelsFingerprint
from autolabel_core.tables.label_columns import Labelling, RejectedLabel, label_table
from autolabel_core.tables.label_report import (
    FIGURE_COLUMNS,
    PICTURE_COLUMNS,
    label_pictures,
    label_report,
)
from autolabel_core.tables.layout import LABELS, OTHERS
from autolabel_core.tables.neighbour_cache import NeighbourState
from autolabel_core.tables.promoted_copies import annotations_of_copies, copies_among
from autolabel_core.tables.reference_set import ReferenceSet
from autolabel_core.tables.suggestions import Suggestions
from autolabel_core.tables.table import DerivedTable

NOT_EMBEDDED = "is not embedded yet; the next sweep takes it up"


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
        verdicts = self.collection.ledger.audits(self.collection_name)
        latest = {(v.document_id, v.content_hash, v.auto_label): v.verdict for v in verdicts}
        return {judged for judged, verdict in latest.items() if verdict == "wrong"}

    def build(self, batch: str, fingerprint: str, progress: Progress) -> None:
        """Match, decide, join labels and fields, and write."""
        items = self.own.embeddings.items
        rows = items.rows(batch)
        stored_vectors = self.warehouse.read_vectors(self.own.embeddings.path(batch))
        vectors = _of_objects(stored_vectors, rows)
        copies = copies_among(rows, self.taxonomy)
        neighbours = self._neighbours(batch, vectors, copies)
        engine = self.taxonomy.stored_engine
        decisions = engine.decide_documents(vectors.vectors, neighbours, copies)
        annotations = annotations_of_copies(rows, copies, self.taxonomy)
        annotations |= items.annotations_in(batch)
        rejected = self.rejected
        known = Labelling(
            rows, vectors.reasons, neighbours, decisions, annotations, rejected, items.columns
        )
        if self.suggestions is not None:
            known = replace(known, suggestions=self.suggestions.of_documents(batch))
        others = items.without_label(batch)
        if others is not None:
            self.warehouse.write_table(self.path_of_others(batch), others, fingerprint)
        self.warehouse.write_table(self.path(batch), label_table(known, self.taxonomy), fingerprint)
        progress(len(rows), len(rows))

    def _neighbours(
        self, batch: str, vectors: VectorTable, copies: npt.NDArray[np.int32]
    ) -> Nearest:
        """Return the nearest other references of each document, -1 for the unreadable."""
        references = self.taxonomy.references
        readable = np.flatnonzero(vectors.readable)
        state = NeighbourState.load(self.warehouse, self._state_path(batch))
        state = state.updated(vectors, readable, references)
        state.save(self.warehouse, self._state_path(batch))
        nearest_others = published(state.table, copies[readable], KEPT_NEIGHBOURS)
        position = np.full((len(vectors.document_ids), KEPT_NEIGHBOURS), -1, np.int32)
        score = np.full((len(vectors.document_ids), KEPT_NEIGHBOURS), -np.inf, np.float32)
        position[readable], score[readable] = nearest_others.position, nearest_others.score
        return Nearest(position, score)

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


def _of_objects(vectors: VectorTable, objects: Sequence[DocumentRow]) -> VectorTable:
    """Return the vectors row by row with the objects, also where one file is the newer."""
    ids = [row["document_id"] for row in objects]
    contents = [row["content_hash"] or "" for row in objects]
    if ids == vectors.document_ids and contents == vectors.content_hashes:
        return vectors
    places = zip(vectors.document_ids, vectors.content_hashes, strict=True)
    place = {document: row for row, document in enumerate(places)}
    positions = [place.get(document, -1) for document in zip(ids, contents, strict=True)]
    reasons = [
        row["reason"] or (NOT_EMBEDDED if i < 0 else vectors.reasons[i])
        for row, i in zip(objects, positions, strict=True)
    ]
    nothing = np.zeros((1, vectors.vectors.shape[1]), np.float32)
    matrix = np.concatenate([vectors.vectors, nothing])[positions]
    return VectorTable(ids, contents, reasons, matrix)
