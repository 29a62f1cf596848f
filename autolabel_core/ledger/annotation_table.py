"""Reads and appends annotations of documents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from sqlalchemy import select

from autolabel_core.ledger.annotations import IMPORTED, Annotation
from autolabel_core.ledger.database import Database
from autolabel_core.ledger.events import annotation_event, append_new_events
from autolabel_core.ledger.rows import (
    AnyRow,
    Remembered,
    Rows,
    append,
    columns_of,
    recorded,
    unknown,
)
from autolabel_core.ledger.schema import ANNOTATIONS


class AnnotationRows(Rows):
    """Annotations in the ledger."""

    def __init__(self, database: Database, now: Callable[[], str]) -> None:
        super().__init__(database, now)
        self._all_annotations: Remembered[list[Annotation]] = Remembered(
            ANNOTATIONS, columns_of(Annotation, ANNOTATIONS), [], _and_more
        )

    def append_annotations(self, annotations: Sequence[Annotation]) -> int:
        """Append all or nothing; those whose `event_id` is known already are left out.

        Each is an event too: the first of a document `annotation.created`, then
        `annotation.updated`.

        Args:
            annotations: what people said, in order.

        Returns:
            How many were appended.
        """
        with self._database.writing() as connection:
            at = self._now()
            given = [{**vars(a), "recorded_at": a.recorded_at or at} for a in annotations]
            rows = unknown(connection, ANNOTATIONS.c.event_id, given)
            annotated = recorded(connection, ANNOTATIONS.c.document_id, rows)
            append(connection, ANNOTATIONS, rows)
            append_new_events(connection, [annotation_event(row, annotated) for row in rows])
        return len(rows)

    def annotations(self, collection: str, document_id: str | None = None) -> list[Annotation]:
        """Return the annotations of a collection, or of one document, in order."""
        if document_id is not None:
            wanted = {"collection": collection, "document_id": document_id}
            return self._listed(Annotation, ANNOTATIONS, wanted)
        with self._database.reading() as connection:
            return list(self._all_annotations.read(connection, collection))

    def imported_annotations(self, collection: str) -> list[Annotation]:
        """Return what was imported from the objects themselves, withdrawals included, in order."""
        columns = columns_of(Annotation, ANNOTATIONS)
        query = select(*columns).where(
            ANNOTATIONS.c.collection == collection, ANNOTATIONS.c.origin.in_(IMPORTED)
        )
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(ANNOTATIONS.c.id))
            return [Annotation(**row._mapping) for row in rows]


def _and_more(held: list[Annotation], rows: Iterable[AnyRow]) -> list[Annotation]:
    return held + [Annotation(**row._mapping) for row in rows]
