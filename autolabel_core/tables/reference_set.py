"""The labelled references: the latest human or promoted label of each document, with its vector.

Auto-labels are never references. The set is judged when it is written, by leave-one-out: each
reference is labelled by the nearest of the others; matching itself it would always pass.
"""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import PurePath
from typing import TYPE_CHECKING, cast

import numpy as np
import pyarrow as pa

from autolabel_core.foundation.ids import fingerprint
from autolabel_core.foundation.json_types import Report
from autolabel_core.foundation.progress import Progress
from autolabel_core.ledger import Annotation
from autolabel_core.matching.nearest import Nearest
from autolabel_core.storage.warehouse import VectorTable, matrix_of
from autolabel_core.tables.current_references import CurrentReferences, matrix_from
from autolabel_core.tables.embeddings import Embeddings
from autolabel_core.tables.known_references import ReferenceEdits
from autolabel_core.tables.made_references import MadeReferences
from autolabel_core.tables.neighbour_cache import NeighbourState
from autolabel_core.tables.reference_rows import (
    ReferenceRow,
    StoredReferences,
    columns_of,
    exchanged,
)
from autolabel_core.tables.references import (
    LeaveOneOutReport,
    ReferenceVectors,
    leave_one_out_report,
)
from autolabel_core.tables.table import WHOLE, DerivedTable

if TYPE_CHECKING:
    from autolabel_core.tables.reference_pictures import ReferencePictures


class ReferenceSet(DerivedTable):
    """One file for the whole collection, because every batch is labelled by all references."""

    name = "reference_set"
    upstream = ("embeddings",)
    partitioned = False

    @cached_property
    def embeddings(self) -> Embeddings:
        """Where the vectors come from."""
        return self.sibling(Embeddings)

    def path(self, batch: str = WHOLE) -> PurePath:
        """Return the one file."""
        return self.warehouse.path(self.collection_name, self.name, "references.arrow")

    @cached_property
    def annotations(self) -> dict[str, Annotation]:
        """What people said that holds now, by document id; without a label: there is nothing."""
        return self.embeddings.items.annotations()

    @cached_property
    def current(self) -> CurrentReferences:
        """The references as the sources say now."""
        return CurrentReferences(self.embeddings)

    def changes(self) -> tuple[dict[str, ReferenceRow], dict[str, ReferenceRow]]:
        """Return the rows in the file, and the rows as the sources say now, by document id.

        Rows that cannot have changed since the file was written are in neither.
        """
        made = self._made
        if made is None:
            before = {row["document_id"]: row for row in self.load().rows}
            after = self.current.all
        else:
            documents, after = self.current.since(made.position, made.sources)
            place = self.load().place
            rows = self.load().rows
            before = {d: rows[place[d]] for d in sorted(documents) if d in place}
        return before, {document: row for document, (row, _) in after.items()}

    def fingerprint(self, batch: str = WHOLE) -> str | None:
        """Cover the feature URI and what each reference says; None during a changeover."""
        if self.changing_over:
            return None
        by_pictures: list[object] = [self.views] if self.views else []
        by_pictures += [] if self.waits_for_labels else ["distinguishability by regions"]
        uri = self.embeddings.extractor.manifest.feature_uri
        return fingerprint(uri, self.current.total, *by_pictures)

    @property
    def views(self) -> int:
        """How many augmented views each reference is the mean of; 0: the item itself."""
        return self.collection.declaration.reference_views

    @property
    def waits_for_labels(self) -> bool:
        """Whether uploads alone change no reference: their names are no labels."""
        return self.collection.declaration.references is None

    @property
    def is_of_boxes(self) -> bool:
        """Whether the documents are boxes, which annotations are carried to."""
        return self.collection.declaration.detection is not None

    @cached_property
    def changing_over(self) -> bool:
        """Whether the old feature URI still serves, because the new one lacks some batches."""
        if self.embeddings.complete:
            return False
        return self.feature_uri != self.embeddings.extractor.manifest.feature_uri

    def build(self, batch: str, fingerprint: str, progress: Progress) -> None:
        """Write references and vectors as one file."""
        found = self._exchanged()
        # Without a reference the width is that of the extractor, whatever the file had before.
        if found is None or not len(found):
            found = self._anew()
        rows, vectors = StoredReferences(found), matrix_of(found)
        uri = self.embeddings.extractor.manifest.feature_uri
        encoder = self.embeddings.extractor.manifest.encoder_uri
        distinguishability = None
        if len(rows) and (self.views or not self.waits_for_labels):
            pictures = self._pictures(list(rows))
            vectors = pictures.means(self.views, progress) if self.views else vectors
            distinguishability = pictures.verify(vectors, self.views, progress)
            found = columns_of(rows, vectors)
        references = ReferenceVectors(rows, vectors, uri, fingerprint, encoder, self.views)
        judged = leave_one_out_report(references, self._neighbours(references))
        judged["distinguishability"] = distinguishability.as_json() if distinguishability else None
        metadata = {
            "autolabel.fingerprint": fingerprint,
            "autolabel.feature_uri": uri,
            "autolabel.encoder_uri": encoder,
            "autolabel.reference_views": str(self.views),
            "autolabel.judgement": json.dumps(judged),
        }
        self.warehouse.write_batch(
            self.path(), found.replace_schema_metadata(metadata), fingerprint
        )
        made = MadeReferences(fingerprint, self.recorded.annotation_position, self.current.sources)
        made.save(self.collection)

    def _anew(self) -> pa.RecordBatch:
        width = self.embeddings.extractor.manifest.embedding_dim or 1
        references = self.current.all
        rows = [row for row, _ in references.values()]
        return columns_of(rows, matrix_from(references, width))

    def _exchanged(self) -> pa.RecordBatch | None:
        """Return the file's rows with those exchanged that may have changed; None: it cannot be."""
        made = self._made
        if made is None or self.feature_uri != self.embeddings.extractor.manifest.feature_uri:
            return None
        documents, references = self.current.since(made.position, made.sources)
        batch = self.warehouse.read_batch(self.path())
        rows = [row for row, _ in references.values()]
        vectors = matrix_from(references, batch.schema.field("vector").type.list_size)
        return exchanged(batch, documents, rows, vectors)

    @property
    def _made(self) -> MadeReferences | None:
        """What the file was made from, where only annotations and batches have changed since."""
        if self.views or self.is_of_boxes:
            return None
        if not self.warehouse.exists(self.path()):
            return None
        return MadeReferences.load(self.collection, self.version)

    def _neighbours(self, references: ReferenceVectors) -> Nearest | None:
        """Return the nearest others of each reference from what is known of them."""
        if self.views or not len(references.rows):
            return None
        contents = references.stored.texts("content_hash")
        nothing: list[str | None] = [None] * len(contents)
        itself = VectorTable(references.document_ids, contents, nothing, references.vectors)
        folder = self.path().parent / ".neighbours" / self.embeddings.folder.name
        edits = ReferenceEdits(self.warehouse, folder, references, references.version)
        everyone = np.arange(len(contents))
        known = NeighbourState.load(self.warehouse, folder / "all.arrow")
        state = known.updated(itself, everyone, edits)
        state.save(self.warehouse, folder / "all.arrow")
        edits.keep()
        return state.published_at(everyone, everyone, everyone.astype(np.int32))

    @property
    def version(self) -> str:
        """The fingerprint that the file says it was made from; empty where there is no file."""
        return self.warehouse.fingerprint(self.path()) or ""

    @property
    def encoder_uri(self) -> str:
        """What made the vectors in the file; the declared extractor where there is no file."""
        if not self.version:
            return self.embeddings.extractor.manifest.encoder_uri
        metadata = self._metadata
        uri = metadata[b"autolabel.feature_uri"]
        return metadata.get(b"autolabel.encoder_uri", uri).decode()

    @property
    def count(self) -> int:
        """How many references the file has."""
        if self.warehouse.fingerprint(self.path()) is None:
            return 0
        return int(self.warehouse.read_batch(self.path()).num_rows)

    def stale_by_uploads(self) -> list[str]:
        """Uploads make the first, empty set; later ones only where file names are labels."""
        if not self.waits_for_labels:
            return self.stale()
        return [] if self.warehouse.exists(self.path()) else self.stale()

    def load(self) -> ReferenceVectors:
        """Read the file; empty where there is none yet."""
        if self.warehouse.fingerprint(self.path()) is None:
            space = self.embeddings.extractor.manifest
            nothing = np.zeros((0, 0), np.float32)
            return ReferenceVectors([], nothing, space.feature_uri, "", space.encoder_uri)
        batch = self.warehouse.read_batch(self.path())
        vectors = matrix_of(batch)
        rows = StoredReferences(batch)
        metadata = batch.schema.metadata
        uri = metadata[b"autolabel.feature_uri"].decode()
        encoder = metadata.get(b"autolabel.encoder_uri", uri.encode()).decode()
        version = metadata[b"autolabel.fingerprint"].decode()
        views = int(metadata.get(b"autolabel.reference_views", b"0"))
        return ReferenceVectors(rows, vectors, uri, version, encoder, views)

    @property
    def feature_uri(self) -> str:
        """The space of the vectors in the file; the declared one where there is none yet."""
        if self.warehouse.fingerprint(self.path()) is None:
            return self.embeddings.extractor.manifest.feature_uri
        return self._metadata[b"autolabel.feature_uri"].decode()

    def judgement(self) -> LeaveOneOutReport:
        """Return what `leave_one_out_report` found when the file was written."""
        if self.warehouse.fingerprint(self.path()) is None:
            return leave_one_out_report(self.load())
        judged: dict[str, object] = json.loads(self._metadata[b"autolabel.judgement"])
        if "told_apart" in judged:
            judged["distinguishability"] = judged.pop("told_apart")  # as earlier versions wrote it
        return cast("LeaveOneOutReport", judged)

    @property
    def _metadata(self) -> dict[bytes, bytes]:
        return dict(self.warehouse.read_batch(self.path()).schema.metadata or {})

    def report(self, batch: str = WHOLE) -> Report:
        """Say how many references each label has, and whether their neighbours agree with them."""
        judged = self.judgement()
        distinguishability = judged.get("distinguishability")
        counted = cast("Report", {k: v for k, v in judged.items() if k != "distinguishability"})
        if not distinguishability:
            return counted
        from autolabel_core.tables.reference_pictures import distinguishability_report

        return {**counted, **distinguishability_report(distinguishability)}

    def pictures(self, batch: str = WHOLE) -> dict[str, bytes]:
        """Draw the pairs of references that are taken for each other most easily."""
        distinguishability = self.judgement().get("distinguishability")
        if not distinguishability:
            return {}
        from autolabel_core.tables.reference_pictures import confusable_sheet

        sheet = confusable_sheet(self.embeddings.items, distinguishability)
        return {} if sheet is None else {"most confusable": sheet}

    def _pictures(self, rows: list[ReferenceRow]) -> ReferencePictures:
        from autolabel_core.models.evaluation.augmentation_cache import ViewCache
        from autolabel_core.tables.reference_pictures import ReferencePictures

        extractor = self.embeddings.extractor
        cache = ViewCache(self.collection.paths.views, extractor)
        return ReferencePictures(self.embeddings.items, extractor, cache, rows)
