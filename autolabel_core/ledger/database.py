"""The ledger's database engine: SQLite or PostgreSQL, one writer at a time, errors in one line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import local
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import NullPool

from autolabel_core.foundation.errors import AutolabelError

BUSY_SECONDS = 60
CONNECT_SECONDS = 10
WRITER_LOCK = 0x6175746F
CURE = (
    "Check AUTOLABEL_LEDGER_URL, such as sqlite:////data/ledger.sqlite or "
    "postgresql+psycopg://user@host/database."
)


class Database:
    """Opens transactions. The order of ids is the order of commits, because writers take turns."""

    def __init__(self, url: str) -> None:
        self.url = _parse(url)
        self._own = local()
        try:
            self.engine = _sqlite(self.url) if self.is_sqlite else _postgresql(self.url)
        except (ArgumentError, ImportError, OSError) as error:
            raise AutolabelError(f"The ledger cannot be opened: {error}. {CURE}") from error

    @property
    def is_sqlite(self) -> bool:
        """Whether this is a file of SQLite; else it is PostgreSQL."""
        return self.url.get_backend_name() == "sqlite"

    @property
    def shown(self) -> str:
        """The URL as a person may see it: without the password and without parameters."""
        return self.url.set(query={}).render_as_string(hide_password=True)

    @contextmanager
    def reading(self, whole: bool = False) -> Iterator[Connection]:
        """Open a connection to read; with `whole` all reads see the same moment."""
        with self._connected() as connection:
            if whole and not self.is_sqlite:
                connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that no other writer shares, committed when the block ends well.

        Within one of the same thread this takes part in that one, and commits nothing itself.
        """
        outer: Connection | None = getattr(self._own, "transaction", None)
        if outer is not None:
            yield outer
            return
        with self._connected() as connection:
            writer = connection.execution_options(ledger_write=True)
            with writer.begin():
                if not self.is_sqlite:
                    lock = "SELECT pg_advisory_xact_lock(%s, hashtext(current_schema()))"
                    writer.exec_driver_sql(lock, (WRITER_LOCK,))
                self._own.transaction = writer
                try:
                    yield writer
                finally:
                    self._own.transaction = None

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        try:
            with self.engine.connect() as connection:
                yield connection
        except DBAPIError as error:
            said = " ".join(str(error.orig).split())
            if self.url.password:
                said = said.replace(str(self.url.password), "***")
            raise AutolabelError(
                f"The ledger at {self.shown} cannot be used: {said}. Nothing was recorded. "
                f"{self._cure}"
            ) from error

    @property
    def _cure(self) -> str:
        if self.is_sqlite:
            return "Check the path or AUTOLABEL_LEDGER_URL, and that the disk has room."
        return "Check that the server runs, and host, user and database in AUTOLABEL_LEDGER_URL."


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise AutolabelError(
            f"The ledger cannot be opened: its URL is unreadable. {CURE}"
        ) from error
    if "@" in (parsed.host or ""):
        raise AutolabelError(
            "The ledger cannot be opened: user or password in its URL hold an `@`. Write it as "
            "%40 in AUTOLABEL_LEDGER_URL."
        )
    if parsed.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise AutolabelError(
            f"The ledger cannot be opened: `{parsed.drivername}` is neither SQLite nor PostgreSQL. "
            f"{CURE}"
        )
    if parsed.database in (None, "", ":memory:"):
        raise AutolabelError(
            f"The ledger cannot be opened: SQLite in memory would lose every label. {CURE}"
        )
    return parsed


def _sqlite(url: URL) -> Engine:
    file = Path(url.database or "")
    read_only = file.is_file() and not os.access(file.parent, os.W_OK)
    if not read_only:
        file.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        _read_only(file) if read_only else url,
        poolclass=NullPool,
        connect_args={"timeout": BUSY_SECONDS},
    )

    @event.listens_for(engine, "connect")
    def configure(dbapi_connection: Any, _record: Any) -> None:
        dbapi_connection.isolation_level = None
        dbapi_connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
        if read_only:
            return
        dbapi_connection.execute("PRAGMA journal_mode = WAL")
        dbapi_connection.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writing = connection.get_execution_options().get("ledger_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def _read_only(file: Path) -> str:
    """Return the URL of a file in a folder where nothing can be written, to read it.

    SQLite needs a file of its own beside a database in WAL mode, unless it is told that the
    database does not change; where a log is left over it has to be read, so that is not told.
    """
    log = file.with_name(f"{file.name}-wal")
    still = "" if log.is_file() and log.stat().st_size else "&immutable=1"
    return f"sqlite:///file:{quote(str(file))}?mode=ro{still}&uri=true"


def _postgresql(url: URL) -> Engine:
    waiting = {} if "connect_timeout" in url.query else {"connect_timeout": CONNECT_SECONDS}
    engine = create_engine(url, pool_pre_ping=True, connect_args=waiting)

    @event.listens_for(engine, "connect")
    def configure(dbapi_connection: Any, _record: Any) -> None:
        dbapi_connection.autocommit = True
        _enter_schema(dbapi_connection)
        dbapi_connection.execute(f"SET lock_timeout = '{BUSY_SECONDS}s'")
        dbapi_connection.autocommit = False

    return engine


def _enter_schema(connection: Any) -> None:
    """Stay in the first schema of the search path, made if it is missing, and see no other.

    A table that is missing there must not be found in another one: namespaces would mix.
    """
    wanted = "SELECT current_schema(), current_setting('search_path')"
    current, path = connection.execute(wanted).fetchone()
    first = path.partition(",")[0].strip()
    named = first[1:-1].replace('""', '"') if first.startswith('"') else first.lower()
    if named not in ("$user", current, ""):
        connection.execute("SELECT pg_advisory_lock(%s)", (WRITER_LOCK,))
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {_quoted(named)}")
        connection.execute("SELECT pg_advisory_unlock(%s)", (WRITER_LOCK,))
        current = named
    connection.execute(
        "SELECT set_config('search_path', %s, false)", (_quoted(current or "public"),)
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
