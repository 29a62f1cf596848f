"""Arrivals: which objects appeared, changed or vanished in the buckets, and their batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from sqlalchemy import Connection, func, select

from autolabel_core.foundation.ids import fingerprint
from autolabel_core.ledger.database import Database
from autolabel_core.ledger.events import append_new_events, arrival_event, collection_event
from autolabel_core.ledger.rows import CHUNK, AnyRow, NewRow, Remembered, Rows, append, last_id
from autolabel_core.ledger.schema import ARRIVALS

DELETED: Final = "deleted"
ARRIVALS_AT_ONCE = 10_000


class Arrival(NamedTuple):
    """An object appeared, changed or went; its batch never changes after the first event."""

    document_id: str
    key: str
    batch: str
    event: Literal["created", "updated", "deleted"]
    version: str


class ArrivalPosition(NamedTuple):
    """How far the arrivals of a collection reach: their number, and the last of them.

    Rows are added and never taken away, so that a larger number is a later position.
    """

    number: int
    last: int | None
    document_id: str
    version: str
    recorded_at: str


def batches_of(objects: Mapping[str, Arrival]) -> list[str]:
    """Return all batches that objects were ever assigned to, in order."""
    return sorted({arrival.batch for arrival in objects.values()})


def versions_of(arrivals: Iterable[Arrival]) -> str:
    """Return a fingerprint of objects, ascending by document id, and of their versions."""
    return fingerprint([(arrival.document_id, arrival.version) for arrival in arrivals])


class ArrivalRows(Rows):
    """Arrivals in the ledger."""

    def __init__(self, database: Database, now: Callable[[], str]) -> None:
        super().__init__(database, now)
        columns = [ARRIVALS.c[name] for name in Arrival._fields]
        self._last_arrivals: Remembered[dict[str, Arrival]] = Remembered(
            ARRIVALS, columns, {}, _last_of_each
        )

    def record_arrivals(
        self, collection: str, decide: Callable[[Mapping[str, Arrival]], list[Arrival]]
    ) -> list[Arrival]:
        """Compare and append in one transaction, so that two sweeps never assign an object twice.

        Each arrival is an event `object.…` too, and the first one ever `collection.created`.

        Args:
            collection: name of the collection.
            decide: given the last arrival of each document, returns the events to append.

        Returns:
            What was appended.
        """
        with self._database.writing() as connection:
            known = self._last_arrivals.read(connection, collection)
            arrivals = decide(MappingProxyType(known))
            if arrivals:
                self._record(connection, collection, arrivals, is_first=not known)
        return arrivals

    def _record(
        self, connection: Connection, collection: str, arrivals: list[Arrival], is_first: bool
    ) -> None:
        at = self._now()
        if is_first:
            append_new_events(connection, [collection_event(collection, at)])
        for start in range(0, len(arrivals), ARRIVALS_AT_ONCE):
            rows: list[NewRow] = [
                {**arrival._asdict(), "collection": collection, "recorded_at": at}
                for arrival in arrivals[start : start + ARRIVALS_AT_ONCE]
            ]
            before = last_id(connection, ARRIVALS)
            append(connection, ARRIVALS, rows)
            new = select(ARRIVALS.c.id).where(ARRIVALS.c.id > before).order_by(ARRIVALS.c.id)
            ids = connection.execute(new).scalars()
            events = [arrival_event(id_, row) for id_, row in zip(ids, rows, strict=True)]
            append_new_events(connection, events)

    def objects(self, collection: str) -> Mapping[str, Arrival]:
        """Return the last arrival of each document ever seen, deleted ones included."""
        with self._database.reading() as connection:
            return MappingProxyType(self._last_arrivals.read(connection, collection))

    def arrival_position(self, collection: str) -> ArrivalPosition:
        """Return how far the arrivals of a collection reach: their number, and the last of them."""
        columns = ARRIVALS.c
        query = select(func.count(columns.id), func.max(columns.id))
        with self._database.reading() as connection:
            count, last = connection.execute(query.where(columns.collection == collection)).one()
            newest = select(columns.document_id, columns.version, columns.recorded_at)
            row = connection.execute(newest.where(columns.id == last)).first()
        return ArrivalPosition(count, last, *(row or ("", "", "")))

    def arrival_span(self, collection: str) -> tuple[str | None, str | None]:
        """Return the moments of the first and last arrival of a collection; None where none is."""
        moment = ARRIVALS.c.recorded_at
        query = select(func.min(moment), func.max(moment))
        with self._database.reading() as connection:
            first, last = connection.execute(query.where(ARRIVALS.c.collection == collection)).one()
        return first, last

    def knows(self, collection: str) -> bool:
        """Whether any object of a collection was ever recorded."""
        query = select(ARRIVALS.c.id).where(ARRIVALS.c.collection == collection).limit(1)
        with self._database.reading() as connection:
            return connection.execute(query).first() is not None

    def last_arrival_ids(self, collection: str) -> dict[str, int]:
        """Return the place of each document's last arrival in the ledger's order, by its id."""
        last = select(ARRIVALS.c.document_id, func.max(ARRIVALS.c.id))
        query = last.where(ARRIVALS.c.collection == collection).group_by(ARRIVALS.c.document_id)
        with self._database.reading() as connection:
            return {document: int(id_) for document, id_ in connection.execute(query)}

    def objects_of(self, collection: str, documents: Iterable[str]) -> dict[str, Arrival]:
        """Return the last arrival of some documents, as far as they were ever seen."""
        wanted = sorted(set(documents))
        columns = [ARRIVALS.c[name] for name in Arrival._fields]
        query = select(*columns).where(ARRIVALS.c.collection == collection)
        found: dict[str, Arrival] = {}
        with self._database.reading() as connection:
            for start in range(0, len(wanted), CHUNK):
                part = query.where(ARRIVALS.c.document_id.in_(wanted[start : start + CHUNK]))
                found = _last_of_each(found, connection.execute(part.order_by(ARRIVALS.c.id)))
        return found

    def first_arrivals(self, collection: str) -> dict[str, str]:
        """Return when each document was seen first, by document id."""
        columns = ARRIVALS.c
        first = select(columns.document_id, func.min(columns.recorded_at))
        query = first.where(columns.collection == collection).group_by(columns.document_id)
        with self._database.reading() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def last_changes(self, collection: str) -> dict[str, str]:
        """Return when each document appeared or changed last, by id, in the order of arrival."""
        moment = func.max(ARRIVALS.c.recorded_at)
        query = select(ARRIVALS.c.document_id, moment).where(ARRIVALS.c.collection == collection)
        query = query.group_by(ARRIVALS.c.document_id).order_by(func.min(ARRIVALS.c.id))
        with self._database.reading() as connection:
            return {document: at for document, at in connection.execute(query)}


def _last_of_each(held: dict[str, Arrival], rows: Iterable[AnyRow]) -> dict[str, Arrival]:
    batches: dict[str, str] = {}
    last = dict(held)
    for row in rows:
        document_id, key, batch, event, version = tuple(row)
        shared = batches.setdefault(batch, batch)
        last[document_id] = Arrival(document_id, key, shared, event, version)
    return last
