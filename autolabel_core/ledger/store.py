"""The ledger's one door to its database: append in one transaction, read in the order of events."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, create_engine, event, func, select
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError
from sqlalchemy.pool import NullPool

from autolabel_core.errors import AutolabelError
from autolabel_core.ledger import schema
from autolabel_core.ledger.annotations import Annotation

BUSY_SECONDS = 60
WRITER_LOCK = 0x6175746F


class Arrival(NamedTuple):
    """An object appeared, changed or went; its batch never changes after the first event."""

    document_id: str
    key: str
    batch: str
    event: Literal["created", "updated", "deleted"]
    version: str


@dataclass(frozen=True)
class AuditVerdict:
    """A person looked at an auto-label: `right`, or `wrong` with the label that is right."""

    document_id: str
    key: str
    content_hash: str
    auto_label: str
    verdict: Literal["right", "wrong"]
    corrected_label: str | None
    auditor: str


def utc_now() -> str:
    """Return the present moment as ISO 8601 text in UTC, which sorts by time."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


class Ledger:
    """Append-only facts in SQLite or PostgreSQL; several processes may write at once.

    The tables of a new database are made when it is opened. `now` is the clock.
    """

    def __init__(self, url: str, now: Callable[[], str] = utc_now) -> None:
        self._now = now
        try:
            self._engine = _open_engine(url)
        except (ArgumentError, ImportError, OSError) as error:
            raise AutolabelError(
                f"The ledger cannot be opened: {error}. Check AUTOLABEL_LEDGER_URL, such as "
                "sqlite:////data/ledger.sqlite or postgresql+psycopg://user@host/database."
            ) from error
        with self._writing() as connection:
            schema.metadata.create_all(connection)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._connected() as connection:
            writer = connection.execution_options(ledger_write=True)
            with writer.begin():
                if writer.dialect.name == "postgresql":
                    writer.execute(select(func.pg_advisory_xact_lock(WRITER_LOCK)))
                yield writer

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except DatabaseError as error:
            where = self._engine.url.render_as_string(hide_password=True)
            raise AutolabelError(
                f"The ledger at {where} cannot be used: {error.orig}. Nothing was recorded. Check "
                "the path or AUTOLABEL_LEDGER_URL, and that the disk has room."
            ) from error

    def record_arrivals(
        self, collection: str, decide: Callable[[dict[str, Arrival]], list[Arrival]]
    ) -> list[Arrival]:
        """Compare and append in one transaction, so that two sweeps never assign an object twice.

        Args:
            collection: name of the collection.
            decide: given the last arrival of each document, returns the events to append.

        Returns:
            What was appended.
        """
        with self._writing() as connection:
            events = decide(_last_arrivals(connection, collection))
            at = self._now()
            rows = [{**e._asdict(), "collection": collection, "recorded_at": at} for e in events]
            if rows:
                connection.execute(schema.ARRIVALS.insert(), rows)
        return events

    def objects(self, collection: str) -> dict[str, Arrival]:
        """Return the last arrival of each document ever seen, deleted ones included."""
        with self._connected() as connection:
            return _last_arrivals(connection, collection)

    def append_annotations(self, annotations: Sequence[Annotation]) -> int:
        """Append all or nothing; events whose `event_id` is known already are left out.

        Args:
            annotations: events in order.

        Returns:
            How many were appended.
        """
        with self._writing() as connection:
            fresh = {a.event_id: a for a in reversed(annotations)}
            known = _known_events(connection, list(fresh))
            at = self._now()
            rows = [
                {**vars(a), "recorded_at": a.recorded_at or at}
                for a in annotations
                if a.event_id not in known and fresh[a.event_id] is a
            ]
            if rows:
                connection.execute(schema.ANNOTATIONS.insert(), rows)
        return len(rows)

    def annotations(self, collection: str, document_id: str | None = None) -> list[Annotation]:
        """Return the annotations of a collection, or of one document, in order."""
        table = schema.ANNOTATIONS
        query = select(*(c for c in table.c if c.name != "id")).order_by(table.c.id)
        query = query.where(table.c.collection == collection)
        if document_id is not None:
            query = query.where(table.c.document_id == document_id)
        with self._connected() as connection:
            return [Annotation(**row._mapping) for row in connection.execute(query)]

    def append_audits(self, collection: str, verdicts: Sequence[AuditVerdict]) -> None:
        """Append verdicts, all or nothing."""
        at = self._now()
        rows = [{**vars(v), "collection": collection, "recorded_at": at} for v in verdicts]
        if rows:
            with self._writing() as connection:
                connection.execute(schema.AUDITS.insert(), rows)

    def audits(self, collection: str) -> list[AuditVerdict]:
        """Return all verdicts of a collection, in order."""
        table = schema.AUDITS
        columns = [table.c[name] for name in AuditVerdict.__dataclass_fields__]
        query = select(*columns).where(table.c.collection == collection).order_by(table.c.id)
        with self._connected() as connection:
            return [AuditVerdict(**row._mapping) for row in connection.execute(query)]


def _open_engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(url)
    if parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def configure(dbapi_connection: Any, _record: Any) -> None:
        dbapi_connection.isolation_level = None
        dbapi_connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
        dbapi_connection.execute("PRAGMA journal_mode = WAL")
        dbapi_connection.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writing = connection.get_execution_options().get("ledger_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def _last_arrivals(connection: Connection, collection: str) -> dict[str, Arrival]:
    table = schema.ARRIVALS
    last = select(func.max(table.c.id)).where(table.c.collection == collection)
    query = select(*(table.c[name] for name in Arrival._fields)).where(
        table.c.id.in_(last.group_by(table.c.document_id))
    )
    return {row[0]: Arrival(*row) for row in connection.execute(query)}


def _known_events(connection: Connection, event_ids: list[str]) -> set[str]:
    column = schema.ANNOTATIONS.c.event_id
    known: set[str] = set()
    for start in range(0, len(event_ids), 500):
        chunk = event_ids[start : start + 500]
        known.update(connection.execute(select(column).where(column.in_(chunk))).scalars())
    return known
