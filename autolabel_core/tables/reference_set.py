"""The labelled references: the latest human or promoted label of each document, with its vector.

Auto-labels are never references. The set is judged when it is written, by leave-one-out: each
reference is labelled by the nearest of the others; matching itself it would always pass.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from functools import cached_property
from pathlib import PurePath
from typing import TYPE_CHECKING, cast

import numpy as np
import pyarrow as pa

from autolabel_core.declarations.conditions.values import scalar_of
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.foundation.json_types import Json, Report
from autolabel_core.foundation.progress import Progress
from autolabel_core.ledger import Annotation
from autolabel_core.storage.typed_rows import rows_as
from autolabel_core.storage.warehouse import Warehouse, matrix_of
from autolabel_core.tables.annotation_sums import UNSEEN, Terms, add_up, digest
from autolabel_core.tables.embeddings import Embeddings, Vector
from autolabel_core.tables.fingerprints import UNFINISHED
from autolabel_core.tables.reference_rows import StoredRow, columns_of, reference_row
from autolabel_core.tables.references import (
    LeaveOneOutReport,
    ReferenceRow,
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
    def wanted(self) -> tuple[list[ReferenceRow], list[Vector]]:
        """Rows and vectors of the references as the sources say now."""
        found: dict[str, tuple[ReferenceRow, Vector]] = {}
        for batch in self.batches:
            found |= self._references_in(batch)
        ordered = [found[document] for document in sorted(found)]
        return [row for row, _ in ordered], [vector for _, vector in ordered]

    def _references_in(
        self, batch: str, documents: Collection[str] | None = None, until: int | None = None
    ) -> dict[str, tuple[ReferenceRow, Vector]]:
        """Return the references of a batch, or those among some documents, by document id."""
        path = self.embeddings.path(batch)
        if self.warehouse.fingerprint(path) is None:
            return {}
        annotations = self.embeddings.items.annotations_in(batch, documents, until)
        labelled = {d: event for d, event in annotations.items() if event.label is not None}
        if not labelled:
            return {}
        rows = self.embeddings.items.rows_of(set(labelled), batches=[batch])
        metadata = {row["document_id"]: json.loads(row["metadata"] or "{}") for row in rows}
        return {
            document: (_row(labelled[document], metadata.get(document, {})), vector)
            for document, vector in _vectors_of(self.warehouse, path, labelled).items()
        }

    def fingerprint(self, batch: str = WHOLE) -> str | None:
        """Cover the feature URI and what each reference says; None during a changeover."""
        if self.changing_over:
            return None
        by_pictures: list[object] = [self.views] if self.views else []
        by_pictures += [] if self.waits_for_labels else ["distinguishability by regions"]
        uri = self.embeddings.extractor.manifest.feature_uri
        return fingerprint(uri, self._digest, *by_pictures)

    @cached_property
    def _digest(self) -> dict[str, int]:
        """How many references there are, and a digest of what they say."""
        sources = {batch: self._made_from(batch) for batch in self.batches}
        terms = self.embeddings.items.sums(self.name, sources, self._terms)
        return add_up([{"references": 0, "digest": 0}, *(found.sums for found in terms.values())])

    def _made_from(self, batch: str) -> str | None:
        items = self.embeddings.items.settled_fingerprint(batch)
        vectors = self.warehouse.fingerprint(self.embeddings.path(batch)) or ""
        is_settled = items is not None and not vectors.endswith(UNFINISHED)
        return f"{items} {self.embeddings.folder.name} {vectors}" if is_settled else None

    def _terms(self, batch: str, documents: Collection[str] | None, until: int) -> Terms:
        references = {} if batch == UNSEEN else self._references_in(batch, documents, until)
        digests = [digest(row) for row, _ in references.values()]
        return Terms(add_up([{"references": len(digests), "digest": sum(digests)}]))

    @property
    def views(self) -> int:
        """How many augmented views each reference is the mean of; 0: the item itself."""
        return self.collection.declaration.reference_views

    @property
    def waits_for_labels(self) -> bool:
        """Whether uploads alone change no reference: their names are no labels."""
        return self.collection.declaration.references is None

    @cached_property
    def changing_over(self) -> bool:
        """Whether the old feature URI still serves, because the new one lacks some batches."""
        if self.embeddings.complete:
            return False
        return self.feature_uri != self.embeddings.extractor.manifest.feature_uri

    def build(self, batch: str, fingerprint: str, progress: Progress) -> None:
        """Write references and vectors as one file."""
        rows, vector_rows = self.wanted
        uri = self.embeddings.extractor.manifest.feature_uri
        width = self.embeddings.extractor.manifest.embedding_dim or 1
        vectors = np.stack(vector_rows) if rows else np.zeros((0, width), np.float32)
        encoder = self.embeddings.extractor.manifest.encoder_uri
        distinguishability = None
        if rows and (self.views or not self.waits_for_labels):
            pictures = self._pictures(rows)
            vectors = pictures.means(self.views, progress) if self.views else vectors
            distinguishability = pictures.verify(vectors, self.views, progress)
        judged = leave_one_out_report(
            ReferenceVectors(rows, vectors, uri, fingerprint, encoder, self.views)
        )
        judged["distinguishability"] = distinguishability.as_json() if distinguishability else None
        columns = columns_of(rows, vectors)
        metadata = {
            "autolabel.fingerprint": fingerprint,
            "autolabel.feature_uri": uri,
            "autolabel.encoder_uri": encoder,
            "autolabel.reference_views": str(self.views),
            "autolabel.judgement": json.dumps(judged),
        }
        table = pa.record_batch(columns).replace_schema_metadata(metadata)
        self.warehouse.write_batch(self.path(), table, fingerprint)

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
        rows = [reference_row(row) for row in rows_as(batch.drop_columns(["vector"]), StoredRow)]
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


def _row(event: Annotation, metadata: dict[str, Json]) -> ReferenceRow:
    own_fields = {
        name: value for name, raw in metadata.items() if (value := scalar_of(raw)) is not None
    }
    return {
        "document_id": event.document_id,
        "key": event.key,
        "content_hash": event.content_hash,
        "label": str(event.label),
        "label_source": event.source,
        "fields": {**own_fields, **event.fields},
        "metadata": metadata,
    }


def _vectors_of(
    warehouse: Warehouse, path: PurePath, annotations: Mapping[str, Annotation]
) -> dict[str, Vector]:
    """Vectors of a file for annotated documents, where they are of the content judged."""
    import pyarrow.compute as pc

    batch = warehouse.read_batch(path)
    ids, contents = batch.column("document_id"), batch.column("content_hash")
    is_annotated = pc.is_in(ids, value_set=pa.array(sorted(annotations), pa.string()))
    rows = np.flatnonzero(pc.and_(is_annotated, pc.is_null(batch.column("reason")))).tolist()
    vectors = matrix_of(batch)
    return {
        ids[row].as_py(): vectors[row]
        for row in rows
        if annotations[ids[row].as_py()].content_hash == contents[row].as_py()
    }
