"""Reads and appends annotations of documents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, func, select

from autolabel_core.ledger.annotations import IMPORTED, MOVED, Annotation
from autolabel_core.ledger.annotations_in_sql import holds, in_use, labels_ever_given
from autolabel_core.ledger.database import Database
from autolabel_core.ledger.events import annotation_event, append_new_events
from autolabel_core.ledger.revocations import REVOCATIONS, in_force
from autolabel_core.ledger.rows import (
    CHUNK,
    AnyRow,
    Remembered,
    Rows,
    append,
    columns_of,
    recorded,
    unknown,
)
from autolabel_core.ledger.schema import ANNOTATIONS


class LedgerPosition(NamedTuple):
    """The number of annotations of a collection, the greatest id, and the event of that id."""

    number: int
    last: int
    event_id: str


_NOWHERE = LedgerPosition(0, 0, "")


class AnnotationRows(Rows):
    """Annotations in the ledger."""

    def __init__(self, database: Database, now: Callable[[], str]) -> None:
        super().__init__(database, now)
        self._all_annotations: Remembered[list[Annotation]] = Remembered(
            ANNOTATIONS, columns_of(Annotation, ANNOTATIONS), [], _and_more
        )
        self._counted: dict[str, LedgerPosition] = {}

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
        """Return the annotations of a collection, or of one document, in order.

        What was revoked is left out, here and wherever nothing else is promised.
        """
        return in_force(self.annotation_history(collection, document_id))

    def annotation_history(
        self, collection: str, document_id: str | None = None
    ) -> list[Annotation]:
        """Return everything that was recorded, revoked or not, and the revocations, in order."""
        if document_id is not None:
            wanted = {"collection": collection, "document_id": document_id}
            return self._listed(Annotation, ANNOTATIONS, wanted)
        with self._database.reading() as connection:
            return list(self._all_annotations.read(connection, collection))

    def annotations_by_id(self, beginning: str) -> list[Annotation]:
        """Return the labels and withdrawals of any collection whose id begins so, in order."""
        columns = ANNOTATIONS.c
        query = select(*columns_of(Annotation, ANNOTATIONS)).where(
            columns.event_id.startswith(beginning, autoescape=True),
            columns.action.not_in(REVOCATIONS),
        )
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(columns.id))
            return [Annotation(**row._mapping) for row in rows]

    def annotations_of(
        self, collection: str, documents: Iterable[str], until: int | None = None
    ) -> list[Annotation]:
        """Return the annotations of some documents, in the order of the ledger.

        Args:
            collection: its name.
            documents: their ids.
            until: the greatest id of an event that counts; None is all.

        Returns:
            The annotations.
        """
        counts = None if until is None else ANNOTATIONS.c.id <= until
        return in_force(self._of_documents(collection, documents, counts))

    def _of_documents(
        self, collection: str, documents: Iterable[str], counts: ColumnElement[bool] | None
    ) -> list[Annotation]:
        """Read the annotations of some documents for which a condition holds, in order."""
        wanted, columns = sorted(set(documents)), ANNOTATIONS.c
        query = select(columns.id, *columns_of(Annotation, ANNOTATIONS))
        query = query.where(columns.collection == collection)
        query = query if counts is None else query.where(counts)
        found: dict[int, Annotation] = {}
        with self._database.reading() as connection:
            for start in range(0, len(wanted), CHUNK):
                part = query.where(columns.document_id.in_(wanted[start : start + CHUNK]))
                rows = (tuple(row) for row in connection.execute(part))
                found |= {id_: Annotation(*values) for id_, *values in rows}
        return [found[id_] for id_ in sorted(found)]

    def annotation_position(self, collection: str, until: int | None = None) -> LedgerPosition:
        """Return how far the annotations of a collection reach.

        Args:
            collection: its name.
            until: the greatest id that counts; None is all.

        Returns:
            The same only where the same annotations were appended.
        """
        columns = ANNOTATIONS.c
        query = select(columns.id, columns.event_id).where(columns.collection == collection)
        query = query if until is None else query.where(columns.id <= until)
        newest = query.order_by(columns.id.desc()).limit(1)
        with self._database.reading() as connection:
            row = connection.execute(newest).first()
            last, event_id = (0, "") if row is None else (row.id, row.event_id)
            number = self._number_up_to(connection, collection, last)
            position = LedgerPosition(number, last, event_id)
        if last >= self._counted.get(collection, position).last:
            self._counted[collection] = position
        return position

    def _number_up_to(self, connection: Connection, collection: str, last: int) -> int:
        """Count annotations, but for those that were counted before: a million take a while."""
        columns = ANNOTATIONS.c
        known = self._counted.get(collection, _NOWHERE)
        event = select(columns.event_id).where(
            columns.id == known.last, columns.collection == collection
        )
        if known is not _NOWHERE and connection.execute(event).scalar() != known.event_id:
            # Another database than before: it was restored or replaced.
            known = self._counted[collection] = _NOWHERE
        first, end = sorted((known.last, last))
        between = select(func.count(columns.id)).where(
            columns.collection == collection, columns.id > first, columns.id <= end
        )
        number: int = connection.execute(between).scalar_one()
        return known.number + number if last >= known.last else known.number - number

    def annotated_after(self, collection: str, id_: int) -> set[str]:
        """Return the documents that were annotated after the event of that id."""
        columns = ANNOTATIONS.c
        query = select(columns.document_id).where(
            columns.collection == collection, columns.id > id_
        )
        with self._database.reading() as connection:
            return set(connection.execute(query.distinct()).scalars())

    def holding_annotations(
        self, collection: str, documents: Iterable[str] | None = None
    ) -> list[Annotation]:
        """Return what holds about each document and content that has a word, in order.

        Args:
            collection: its name.
            documents: ids of those that are asked about; None is all.

        Returns:
            The annotations.
        """
        if documents is not None:
            return self._of_documents(collection, documents, holds(ANNOTATIONS))
        columns = ANNOTATIONS.c
        query = select(*columns_of(Annotation, ANNOTATIONS)).where(
            columns.collection == collection, holds(ANNOTATIONS)
        )
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(columns.id))
            return [Annotation(**row._mapping) for row in rows]

    def last_labels_by_people(self, collection: str, most: int) -> list[tuple[str, str]]:
        """Return who gave the last labels, and when, in order.

        Args:
            collection: its name.
            most: at most so many.

        Returns:
            Annotator and moment of labels that people gave; what was imported, carried over or
            promoted is no label given.
        """
        columns = ANNOTATIONS.c
        by_hand = columns.origin.not_in((*IMPORTED, MOVED)), columns.source == "human"
        query = select(columns.annotator, columns.recorded_at).where(
            columns.collection == collection, columns.action == "label", *by_hand
        )
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(columns.id.desc()).limit(most)).fetchall()
        return [(annotator, at) for annotator, at in reversed(rows)]

    def labels_given(self, collection: str) -> list[str]:
        """Return every label that was ever given, in use or not, without reading all events."""
        with self._database.reading() as connection:
            return list(connection.execute(labels_ever_given(collection)).scalars())

    def is_in_use(self, collection: str, label: str) -> bool:
        """Whether a document has a label now, or had it when its content was last judged."""
        query = select(ANNOTATIONS.c.id).where(in_use(ANNOTATIONS, collection, label)).limit(1)
        with self._database.reading() as connection:
            return connection.execute(query).first() is not None

    def uses_of(self, collection: str, label: str) -> int:
        """Count the documents that have a label, by the content that was judged last."""
        query = select(func.count()).where(in_use(ANNOTATIONS, collection, label))
        with self._database.reading() as connection:
            return connection.execute(query).scalar() or 0

    def imported_annotations(self, collection: str, documents: Iterable[str]) -> list[Annotation]:
        """Return what was imported from these objects, in order.

        Withdrawals are included, and what was revoked: else the next sweep would import it again.
        """
        return self._of_documents(collection, documents, ANNOTATIONS.c.origin.in_(IMPORTED))


def _and_more(held: list[Annotation], rows: Iterable[AnyRow]) -> list[Annotation]:
    return held + [Annotation(**row._mapping) for row in rows]
