"""The table of label exports: all labelled documents with their sources, in declared formats."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cached_property
from pathlib import PurePath

import pyarrow as pa
import pyarrow.parquet as pq

from autolabel_core.declarations.cluster_fields import enriched_fields, enriching
from autolabel_core.documents.documents import Documents
from autolabel_core.exports import CERTAINTY, FORMATS, write_export
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.foundation.json_types import Report
from autolabel_core.foundation.progress import Progress
from autolabel_core.tables.cluster_files import CURRENT, DefinitionFiles
from autolabel_core.tables.label_report import FIGURE_COLUMNS, label_figures
from autolabel_core.tables.table import WHOLE, DerivedTable
from autolabel_core.tables.taxonomy_labels import TaxonomyLabels

COLUMNS = (
    "document_id",
    "key",
    "label",
    "label_source",
    "matched",
    "confidence",
    "source_document_id",
    "content_hash",
    "media_type",
    *CERTAINTY,
)
_FIELDS: list[tuple[str, pa.DataType]] = [
    ("format", pa.string()),
    ("documents", pa.int64()),
    ("skipped", pa.int64()),
]
SCHEMA = pa.schema(_FIELDS)


class AnnotationExports(DerivedTable):
    """A folder with one sub-folder for each declared format, over all batches."""

    name = "annotation_exports"
    upstream = ("taxonomy_labels", "clusters")
    partitioned = False

    @cached_property
    def labels(self) -> TaxonomyLabels:
        """What is exported."""
        return self.sibling(TaxonomyLabels)

    def path(self, batch: str = WHOLE) -> PurePath:
        """Return the file that notes what the exports were made from."""
        return self.warehouse.path(self.collection_name, self.name, "exported.parquet")

    def fingerprint(self, batch: str = WHOLE) -> str | None:
        """Cover the labels of all batches and the formats."""
        made_from = [self.warehouse.fingerprint(self.labels.path(b)) for b in self.batches]
        if not made_from or None in made_from:
            return None
        formats = self._formats
        return fingerprint(
            made_from, formats, self.collection.declaration.label_field, *self._clustered
        )

    @property
    def _clustered(self) -> list[object]:
        """What the fields that clusters enrich are made from; nothing where none do."""
        found = enriching(self.collection.workspace.collections, self.collection_name)
        if found is None:
            return []
        members = DefinitionFiles(self.warehouse, found[0], found[1].cluster_name).current
        return [list(found[1].enrich), self.warehouse.fingerprint(members)]

    @property
    def _formats(self) -> Collection[str]:
        return self.collection.declaration.exports.formats

    def build(self, batch: str, fingerprint: str, progress: Progress) -> None:
        """Write every declared format anew, each in one step."""
        documents = self.documents()
        rows = []
        formats = self._formats
        for done, name in enumerate(formats, start=1):
            out = self.warehouse.path(self.collection_name, self.name, name)
            with self.warehouse.folder(out) as folder:
                report = write_export(name, documents, folder, self.read_object())
            rows.append(
                {
                    "format": name,
                    "documents": report.written,
                    "skipped": sum(report.skipped.values()),
                }
            )
            progress(done, len(formats))
        self._remove_others(formats)
        table = pa.Table.from_pylist(rows, schema=SCHEMA)
        self.warehouse.write_table(self.path(), table, fingerprint)

    def _remove_others(self, formats: Collection[str]) -> None:
        """Remove formats that are declared no more, because nobody would keep them up to date."""
        for folder in self.warehouse.folders_in(self.path().parent):
            if folder.name in FORMATS and folder.name not in formats:
                self.warehouse.remove(folder)

    def documents(self) -> pa.Table:
        """Return all documents with label, source, match, enriched fields and clusters."""
        columns = [*COLUMNS, *self.collection.declaration.fields]
        files = [self.labels.path(batch) for batch in self.batches]
        tables = [self._read(file, columns) for file in files if self.warehouse.exists(file)]
        if not tables:
            return pa.table({name: pa.array([], pa.string()) for name in columns})
        bare = [table.replace_schema_metadata(None) for table in tables]
        return self._enriched(pa.concat_tables(bare, promote_options="default"))

    def _enriched(self, documents: pa.Table) -> pa.Table:
        """Add the fields that clusters enrich."""
        fields = enriched_fields(self.collection.workspace.collections, self.collection_name)
        if not fields:
            return documents
        with Documents(self.collection).connect() as connection:
            columns = ", ".join(("document_id", *fields))
            rows = connection.execute(f"SELECT {columns} FROM documents").fetchall()
        held = {row[0]: row[1:] for row in rows}
        ids = documents["document_id"].to_pylist()
        for i, field in enumerate(fields):
            values = [held[document][i] if document in held else None for document in ids]
            documents = documents.append_column(field, pa.array(values, CURRENT.field(field).type))
        return documents

    def _read(self, file: PurePath, columns: list[str]) -> pa.Table:
        """Read a file that may be older than the declaration of a field."""
        with pq.ParquetFile(self.warehouse.local(file)) as opened:
            there = set(opened.schema_arrow.names)
            return opened.read([name for name in columns if name in there])

    def read_object(self) -> Callable[[str], bytes]:
        """Return a reader of documents by key, for the formats that copy content."""
        return self.labels.own.embeddings.items.reader()

    def report(self, batch: str = WHOLE) -> Report:
        """Say what each format holds, and how labelling fares over the whole collection."""
        files = [self.labels.path(name) for name in self.batches]
        tables = [
            self.warehouse.read_table(f, list(FIGURE_COLUMNS))
            for f in files
            if self.warehouse.exists(f)
        ]
        bare = [table.replace_schema_metadata(None) for table in tables]
        return {
            **(label_figures(pa.concat_tables(bare)) if bare else {}),
            "leave-one-out agreement": self.labels.own.judgement()["leave_one_out_agreement"],
            "folder": self.warehouse.address(self.path().parent),
            "formats": self.warehouse.read_table(self.path()).to_pylist(),
        }
