"""Queries on documents of all batches: filter, sort, limit, by DuckDB."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from autolabel_core.declarations.cluster_fields import COLUMN_OF, EXTRA
from autolabel_core.declarations.conditions import AllOf, Condition, json_field, to_sql
from autolabel_core.declarations.zero_shot import SUGGESTION_COLUMNS
from autolabel_core.documents.box_fields import BOX_TYPES, detection_expression
from autolabel_core.documents.cluster_columns import Joined, join_clusters
from autolabel_core.documents.filter_types import check_types
from autolabel_core.documents.frame_fields import FRAME_TYPES
from autolabel_core.documents.part_fields import part_columns, part_record, takes_label
from autolabel_core.documents.record import DocumentRecord, TaxonomyMatch, rounded
from autolabel_core.foundation.atomic_files import held_open
from autolabel_core.foundation.errors import NotFoundError
from autolabel_core.foundation.json_types import Json
from autolabel_core.tables.layout import IMAGE, LABELS, OTHERS
from autolabel_core.tables.workspace import OpenCollection

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

COLUMNS = (
    *("document_id", "key", "content_hash", "media_type", "label", "label_source", "matched"),
    *("confidence", "source_document_id", "suggested_label", "margin", "margin_lower_bound"),
    *("similarity", "probability", "score_name", "neighbours", "reason"),
)
EMPTY_TYPES = {
    **BOX_TYPES,
    **FRAME_TYPES,
    "matched": "BOOLEAN",
    "confidence": "FLOAT",
    "margin": "FLOAT",
    "margin_lower_bound": "FLOAT",
    "similarity": "FLOAT",
    "probability": "FLOAT",
    "suggestion_score": "FLOAT",
}
MATCH = {
    **{name: name for name in ("matched", "confidence", "source_document_id", "margin")},
    **{"score": "score_name", "similarity": "similarity", "probability": "probability"},
}
"""The parts of `taxonomy_match`, and their columns."""


class Documents:
    """The documents of one collection, as the last sweep left them.

    Args:
        collection: whose documents.
        clusters: whether they carry their clusters; what chooses documents for clusters sees none.
    """

    def __init__(self, collection: OpenCollection, clusters: bool = True) -> None:
        self.collection = collection
        self.clusters = join_clusters(collection, "stored") if clusters else Joined()
        stored = collection.workspace.warehouse_files
        folder = stored.path(collection.name, LABELS)
        paths = stored.files_in(folder, "batch_*.parquet")
        if collection.declaration.has_parts:
            paths += stored.files_in(folder / OTHERS, "batch_*.parquet")
        self.files = [stored.local(path) for path in paths]

    @contextmanager
    def connect(self) -> Iterator[DuckDBPyConnection]:
        """Open an in-memory database over the files as they are now.

        Its view `documents` has what takes a label, `all_documents` also what does not: images
        with boxes.

        Yields:
            DuckDBPyConnection: what is replaced inside the `with` is not seen.
        """
        import duckdb

        with held_open(self.files) as files, duckdb.connect() as connection:
            self._create_views(connection, files)
            yield connection

    def _create_views(self, connection: DuckDBPyConnection, files: list[str]) -> None:
        stored: dict[str, str] = {}
        if files:
            relation = connection.read_parquet(files, union_by_name=True)
            relation.create_view("stored")
            types = map(str, relation.types)
            stored = dict(zip(relation.columns, types, strict=True))
        # A field that was declared after the last sweep is null until the next.
        lacking = [name for name in self.columns if name not in stored]
        columns = [_stored(name, type_) for name, type_ in stored.items()] + [
            f"NULL::{EMPTY_TYPES.get(name, 'VARCHAR')} AS {quote(name)}" for name in lacking
        ]
        for name, table in self.clusters.tables.items():
            connection.register(name, table)
        if stored:
            rows = f"{self.clusters.columns} FROM stored {self.clusters.joins}"
        else:
            names = (*self.clusters.fields, *self.clusters.parts)
            rows = "".join(f", NULL::VARCHAR AS {quote(name)}" for name in names) + " WHERE false"
        connection.execute(f"CREATE VIEW every AS SELECT {', '.join(columns)}{rows}")
        connection.execute(f"CREATE VIEW all_documents AS {self._everything}")
        labelled = takes_label(self.collection.declaration)
        connection.execute(f"CREATE VIEW documents AS FROM all_documents WHERE {labelled}")

    @property
    def _everything(self) -> str:
        """A box's document knows what else was found on its image."""
        if self.collection.declaration.detection is None:
            return "FROM every"
        detections = "coalesce(every.detections, images.detections) AS detections"
        images = f"(SELECT document_id, detections FROM every WHERE kind = '{IMAGE}')"
        return (
            f"SELECT every.* REPLACE ({detections}) FROM every "
            f"LEFT JOIN {images} AS images ON images.document_id = every.image_id"
        )

    @property
    def columns(self) -> list[str]:
        """The columns of the view `documents`."""
        own = *COLUMNS, *self.collection.declaration.fields, "metadata"
        return [*own, *self._proposed, *self._of_parts]

    @property
    def _of_parts(self) -> tuple[str, ...]:
        return part_columns(self.collection.declaration)

    @property
    def _proposed(self) -> tuple[str, ...]:
        return SUGGESTION_COLUMNS if self.collection.declaration.zero_shot else ()

    def expression(self, field: str) -> str:
        """Return the SQL expression of a field.

        Args:
            field: a column, the label field, an enriched field, `taxonomy_match.<part>`,
                `metadata.<name>`, `clusters.<definition>.<part>`, or a key of the extra answers
                such as `cluster_extra.<key>`.

        Returns:
            An expression over the view `documents`.

        Raises:
            NotFoundError: there is no such field; the message suggests the nearest.
        """
        if field == self.collection.declaration.label_field:
            return "label"
        columns = (
            *COLUMNS,
            *self.collection.declaration.fields,
            *self.clusters.fields,
            *self.clusters.parts,
            *self._proposed,
        )
        if field in columns or field == "metadata":
            return quote(field)
        head, _, tail = field.partition(".")
        if head == "taxonomy_match" and tail in MATCH:
            return MATCH[tail]
        if head == "metadata" and tail:
            return json_field("metadata", tail)
        extra = self.clusters.split_extra(field)
        if extra is not None:
            column, key = extra
            return json_field(quote(column), key)
        if self.collection.declaration.detection is not None:
            of_box = detection_expression(field)
            if of_box is not None:
                return of_box
        elif field in self._of_parts:
            return quote(field)
        known = [*columns, self.collection.declaration.label_field, *self._of_parts]
        known += [f"taxonomy_match.{part}" for part in MATCH]
        near = difflib.get_close_matches(field, known, n=1)
        cure = f"Did you mean `{near[0]}`?" if near else f"Known: {', '.join(sorted(known))}."
        raise NotFoundError(
            f"No field `{field}` in `{self.collection.name}`. {cure} "
            f"A field of the object's metadata is `metadata.{field}`."
        )

    def find(
        self,
        conditions: Sequence[Condition] = (),
        sort: str | None = None,
        limit: int | None = None,
    ) -> list[DocumentRecord]:
        """Return documents as records.

        Args:
            conditions: all of them must hold.
            sort: a field, ascending; `-field` is descending; missing values come last.
            limit: at most so many.

        Returns:
            One record each, with the label, the enriched fields and the fields that clusters
            enrich under their own names.
        """
        condition = AllOf(tuple(conditions))
        where, parameters = to_sql(condition, self.expression)
        order = "key"
        if sort:
            direction = "DESC" if sort.startswith("-") else "ASC"
            order = f"{self.expression(sort.lstrip('-'))} {direction} NULLS LAST, key"
        names = self.record_columns
        columns = ", ".join(quote(name) for name in names)
        sql = f"SELECT {columns} FROM all_documents WHERE {where} ORDER BY {order}"
        if limit is not None:
            sql += f" LIMIT {int(limit)}"
        with self.connect() as connection:
            check_types(condition, connection, "all_documents", self.expression)
            rows = connection.execute(sql, parameters).fetchall()
        return [self.record(dict(zip(names, row, strict=True))) for row in rows]

    def ids(self, conditions: Sequence[Condition]) -> set[str]:
        """Return the ids of the documents for which all conditions hold."""
        condition = AllOf(tuple(conditions))
        where, parameters = to_sql(condition, self.expression)
        with self.connect() as connection:
            check_types(condition, connection, "documents", self.expression)
            sql = f"SELECT document_id FROM documents WHERE {where}"
            return {row[0] for row in connection.execute(sql, parameters).fetchall()}

    @staticmethod
    def _cluster_value(name: str, value: Json) -> Json:
        is_json = name == COLUMN_OF[EXTRA] and value is not None
        return json.loads(str(value)) if is_json else value

    @property
    def record_columns(self) -> list[str]:
        """The columns of the view `all_documents` that a record is made of."""
        own = [c for c in COLUMNS if c not in ("neighbours", "content_hash", "media_type")]
        declared = self.collection.declaration.fields
        return [*own, *declared, *self.clusters.fields, *self._proposed, *self._of_parts]

    def record(self, row: dict[str, Any]) -> DocumentRecord:
        """Return the record of a row that has the `record_columns`."""
        match: TaxonomyMatch = {
            "matched": bool(row["matched"]),
            "confidence": rounded(row["confidence"]),
            "source_document_id": row["source_document_id"],
            "score": row["score_name"],
            "similarity": rounded(row["similarity"]),
            "probability": rounded(row["probability"]),
            "margin": rounded(row["margin"]),
        }
        record = {
            "document_id": row["document_id"],
            "key": row["key"],
            "label": row["label"],
            "label_source": row["label_source"],
            "taxonomy_match": match,
            self.collection.declaration.label_field: row["label"],
            **{name: row[name] for name in self.collection.declaration.fields},
            "suggested_label": row["suggested_label"],
            "margin": row["margin"],
            "margin_lower_bound": row["margin_lower_bound"],
            "reason": row["reason"],
            **{name: row[name] for name in self._proposed},
            **{name: self._cluster_value(name, row[name]) for name in self.clusters.fields},
            **part_record(self.collection.declaration, row),
        }
        return cast("DocumentRecord", record)  # the names of fields are declared in YAML


def _stored(name: str, type_name: str) -> str:
    """Return the expression of a stored column; one without any value has the type of a text."""
    column = f"stored.{quote(name)}"
    return f"{column}::VARCHAR AS {quote(name)}" if "NULL" in type_name else column


def quote(name: str) -> str:
    """Return a name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
