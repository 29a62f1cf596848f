"""The result of each attempt to deliver an event to an endpoint, and what is still pending."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, Select, func, select

from autolabel_core.ledger.database import Database
from autolabel_core.ledger.events import Event
from autolabel_core.ledger.rows import CHUNK, Rows, append, columns_of, last_id
from autolabel_core.ledger.schema import DELIVERIES, EVENTS

FINAL = ("delivered", "abandoned")


@dataclass(frozen=True)
class Delivery:
    """One attempt; `failed` is tried again at `next_attempt_at`, the other outcomes are final.

    `detail` is for people. `retry_after_seconds` is the pause that the receiver asked for. Marks of
    an endpoint (attempt 0) have `settled_to`, an id up to which no event is to be told, or
    `address_hash`, the address that is gone.
    """

    endpoint: str
    event_id: str
    attempt: int
    outcome: Literal["delivered", "failed", "abandoned"]
    status_code: int | None = None
    detail: str | None = None
    next_attempt_at: str | None = None
    recorded_at: str = ""
    retry_after_seconds: float | None = None
    settled_to: int | None = None
    address_hash: str | None = None


@dataclass(frozen=True)
class Pending:
    """An event that an endpoint is still to be told of, with the last attempt if there was one."""

    event: Event
    last: Delivery | None


@dataclass(frozen=True)
class Wanted:
    """The events that an endpoint is told of.

    Those after the id `after`, of one collection or of all (None), of the types named or of all
    (None), and of one subject or of all (None).
    """

    endpoint: str
    after: int = 0
    collection: str | None = None
    event_types: frozenset[str] | None = None
    subject: str | None = None


class DeliveryRows(Rows):
    """Deliveries in the ledger."""

    def __init__(self, database: Database, now: Callable[[], str]) -> None:
        super().__init__(database, now)
        self._settled_to: dict[Wanted, int] = {}

    def append_deliveries(self, deliveries: Sequence[Delivery]) -> None:
        """Append attempts, all or nothing."""
        at = self._now()
        rows = [vars(d) | {"recorded_at": d.recorded_at or at} for d in deliveries]
        if rows:
            with self._database.writing() as connection:
                append(connection, DELIVERIES, rows)

    def deliveries(
        self, endpoint: str | None = None, event_id: str | None = None, limit: int | None = None
    ) -> list[Delivery]:
        """Return the last `limit` attempts in order: of one endpoint, of one event, or all.

        Args:
            endpoint: None for all.
            event_id: None for all.
            limit: None for all.

        Returns:
            The attempts.
        """
        query = select(*columns_of(Delivery, DELIVERIES)).order_by(DELIVERIES.c.id.desc())
        if endpoint is not None:
            query = query.where(DELIVERIES.c.endpoint == endpoint)
        if event_id is not None:
            query = query.where(DELIVERIES.c.event_id == event_id)
        with self._database.reading() as connection:
            rows = connection.execute(query.limit(limit)).all()
        return [Delivery(**row._mapping) for row in reversed(rows)]

    def undelivered(self, endpoint: str) -> list[Delivery]:
        """Return the last attempt of each event that did not reach an endpoint, in order."""
        columns, outcome = columns_of(Delivery, DELIVERIES), DELIVERIES.c.outcome
        own = select(DELIVERIES.c.event_id).where(DELIVERIES.c.endpoint == endpoint)
        tried = own.where(outcome.in_(("failed", "abandoned"))).distinct()
        last = (
            select(func.max(DELIVERIES.c.id))
            .where(DELIVERIES.c.endpoint == endpoint, DELIVERIES.c.event_id.in_(tried))
            .group_by(DELIVERIES.c.event_id)
        )
        query = select(*columns).where(DELIVERIES.c.id.in_(last), outcome != "delivered")
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(DELIVERIES.c.id))
            return [Delivery(**row._mapping) for row in rows]

    def pending(self, wanted: Wanted, limit: int = 1000) -> list[Pending]:
        """Return the first events in order that have no final outcome at an endpoint.

        What is settled stays settled, so the next call begins at the first event that was pending.

        Args:
            wanted: the endpoint, and which events it is told of.
            limit: at most so many.

        Returns:
            The events, each with its last attempt.
        """
        with self._database.reading(whole=True) as connection:
            settled_to = self._settled_to.get(wanted, wanted.after)
            newest = last_id(connection, EVENTS)
            rows = connection.execute(_unsettled(wanted, settled_to).limit(limit)).all()
            events = [Event(**row._mapping) for row in rows]
            self._settled_to[wanted] = events[0].id - 1 if events else max(newest, settled_to)
            ids = [event.event_id for event in events]
            last = _last_attempts(connection, wanted.endpoint, ids)
        return [Pending(event, last.get(event.event_id)) for event in events]


def _unsettled(wanted: Wanted, after: int) -> Select[tuple[object, ...]]:
    # A scalar subquery is looked up row by row; PostgreSQL turns NOT EXISTS into a join, and before
    # it has statistics of the tables chooses one that takes hours.
    final = (
        select(DELIVERIES.c.outcome)
        .where(DELIVERIES.c.endpoint == wanted.endpoint)
        .where(DELIVERIES.c.event_id == EVENTS.c.event_id)
        .where(DELIVERIES.c.outcome.in_(FINAL))
        .limit(1)
        .scalar_subquery()
    )
    query = select(*columns_of(Event, EVENTS)).where(EVENTS.c.id > after, final.is_(None))
    if wanted.collection is not None:
        query = query.where(EVENTS.c.collection == wanted.collection)
    if wanted.event_types is not None:
        query = query.where(EVENTS.c.event_type.in_(sorted(wanted.event_types)))
    if wanted.subject is not None:
        query = query.where(EVENTS.c.subject == wanted.subject)
    return query.order_by(EVENTS.c.id)


def _last_attempts(
    connection: Connection, endpoint: str, event_ids: Sequence[str]
) -> dict[str, Delivery]:
    found: dict[str, Delivery] = {}
    for start in range(0, len(event_ids), CHUNK):
        last = (
            select(func.max(DELIVERIES.c.id))
            .where(DELIVERIES.c.endpoint == endpoint)
            .where(DELIVERIES.c.event_id.in_(event_ids[start : start + CHUNK]))
            .group_by(DELIVERIES.c.event_id)
        )
        query = select(*columns_of(Delivery, DELIVERIES)).where(DELIVERIES.c.id.in_(last))
        for row in connection.execute(query):
            found[row.event_id] = Delivery(**row._mapping)
    return found
