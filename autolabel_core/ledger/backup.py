"""Backs up the whole ledger to a file, exports it as JSON Lines, restores it."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, cast

from sqlalchemy import Connection, Table, func, select

from autolabel_core.foundation.atomic_files import write_atomically
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.ledger.older_exports import upgraded
from autolabel_core.ledger.row_checks import FileRow, RowChecks, line_row, parsed, refusal
from autolabel_core.ledger.rows import append
from autolabel_core.ledger.schema import VERSION, metadata
from autolabel_core.ledger.store import Ledger

FORMAT = 1
FIRST_VERSION = "0002"
ROWS_AT_ONCE = 1000
SQLITE_MAGIC = b"SQLite format 3\0"
TABLES = dict(metadata.tables)
Lines = Iterable[str | bytes]


def backup(ledger: Ledger, file: Path) -> None:
    """Write a snapshot while others go on writing: a SQLite file, or JSON Lines from PostgreSQL.

    Args:
        ledger: the ledger.
        file: a new file.
    """
    _check_new(file)
    if ledger.database.is_sqlite:
        write_atomically(file, lambda part: _copy(ledger, part))
    else:
        export(ledger, file)


def export(ledger: Ledger, file: Path) -> dict[str, int]:
    """Write all rows of all tables as JSON Lines, as they were at one moment.

    Args:
        ledger: the ledger.
        file: a new file.

    Returns:
        The number of rows by table.
    """
    _check_new(file)
    counts: dict[str, int] = {}

    def write(part: Path) -> None:
        with part.open("w", encoding="utf-8", newline="\n") as handle:
            counts.update(export_lines(ledger, handle))

    write_atomically(file, write)
    return counts


def export_lines(ledger: Ledger, handle: IO[str]) -> dict[str, int]:
    """Write the header and one line for each row, ascending by id within a table.

    Args:
        ledger: the ledger.
        handle: where to.

    Returns:
        The number of rows by table.
    """
    with ledger.database.reading(whole=True) as connection:
        counts = _counts(connection)
        header = {"autolabel_ledger": FORMAT, "version": VERSION, "rows": counts}
        handle.write(_line(header))
        for row in _rows(connection):
            handle.write(_line({"table": row.table, "row": row.values}))
    return counts


def restore(ledger: Ledger, file: Path) -> dict[str, int]:
    """Fill an empty ledger from a backup or an export, of whichever database: all or nothing.

    Args:
        ledger: a ledger without a row.
        file: what `backup` or `export` wrote.

    Returns:
        The number of rows by table.

    Raises:
        AutolabelError: there is no such file.
    """
    if not file.is_file():
        raise AutolabelError(f"There is no file {file}. Name a backup or an export of a ledger.")
    with file.open("rb") as head:
        is_sqlite = head.read(len(SQLITE_MAGIC)) == SQLITE_MAGIC
    if is_sqlite:
        with _opened_copy(file) as source, source.database.reading() as connection:
            return _fill(ledger, _counts(connection), _rows(connection), file)
    with file.open("rb") as handle:
        return restore_lines(ledger, handle, file)


def restore_lines(ledger: Ledger, lines: Lines, named: Path) -> dict[str, int]:
    """Fill an empty ledger from the lines of an export: all or nothing.

    Args:
        ledger: a ledger without a row.
        lines: what `export_lines` wrote.
        named: what messages call it.

    Returns:
        The number of rows by table. Where the header is that of a newer autolabel, or a row is not
        one that `export_lines` wrote, an `AutolabelError` says so.
    """
    entries = parsed(lines, named)
    _, first = next(entries, (1, {}))
    version, counts = _announced(first, named)
    rows = (line_row(entry, number, named) for number, entry in entries)
    if version == VERSION:
        return _fill(ledger, counts, rows, named)
    with (
        upgraded(version, lambda older, tables: _insert(older, tables, rows, named)) as source,
        source.database.reading() as connection,
    ):
        return _fill(ledger, counts, _rows(connection), named)


def _announced(first: object, named: Path) -> tuple[str, dict[str, int]]:
    """Return the version and the number of rows by table that a header announces."""
    header = first if isinstance(first, dict) else {}
    version, counts = str(header.get("version")), header.get("rows", {})
    is_ours = header.get("autolabel_ledger") == FORMAT and _is_known(version)
    if not is_ours or not isinstance(counts, dict):
        raise AutolabelError(
            f"{named} is no export that this autolabel can read: it begins with "
            f"{_line(header).strip()[:100]}, expected format {FORMAT} and a version up to "
            f"{VERSION}. Restore with the autolabel that wrote it, or a newer one."
        )
    for name, count in counts.items():
        if name not in TABLES or type(count) is not int or count < 0:
            raise AutolabelError(
                refusal(
                    named,
                    "line 1",
                    f"`rows` has {json.dumps(name)[:60]}, expected tables and counts",
                )
            )
    return version, counts


def _fill(
    ledger: Ledger, expected: Mapping[str, int], rows: Iterable[FileRow], named: Path
) -> dict[str, int]:
    with ledger.database.writing() as connection:
        held = sum(_counts(connection).values())
        if held:
            raise AutolabelError(
                f"The ledger at {ledger.database.shown} holds {held} rows already; nothing was "
                "restored. Restore into an empty one: name a new AUTOLABEL_LEDGER_URL."
            )
        _insert(connection, TABLES, rows, named)
        counts = _counts(connection)
        if any(counts[name] != expected.get(name, 0) for name in counts):
            raise AutolabelError(
                f"{named} is not whole: it announces {sum(expected.values())} rows and holds "
                f"{sum(counts.values())}. Nothing was restored. Use another backup."
            )
        if not ledger.database.is_sqlite:
            _continue_sequences(connection)
    return counts


def _insert(
    connection: Connection,
    tables: Mapping[str, Table],
    rows: Iterable[FileRow],
    named: Path,
) -> None:
    checks = RowChecks(tables, named, with_lengths=connection.dialect.name != "sqlite")
    waiting: list[Mapping[str, object]] = []
    current = ""
    for row in rows:
        checks.check(row)
        if waiting and (row.table != current or len(waiting) >= ROWS_AT_ONCE):
            append(connection, tables[current], waiting)
            waiting = []
        current = row.table
        waiting.append(row.values)
    if waiting:
        append(connection, tables[current], waiting)


def _continue_sequences(connection: Connection) -> None:
    """Let PostgreSQL number new rows after the restored ones."""
    for name in TABLES:
        connection.exec_driver_sql(
            f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), max(id)) FROM {name} "
            "HAVING max(id) IS NOT NULL"
        )


def _counts(connection: Connection) -> dict[str, int]:
    return {
        name: connection.execute(select(func.count()).select_from(table)).scalar_one()
        for name, table in TABLES.items()
    }


def _rows(connection: Connection) -> Iterator[FileRow]:
    streaming = connection.execution_options(yield_per=ROWS_AT_ONCE)
    for name, table in TABLES.items():
        for row in streaming.execute(select(table).order_by(table.c.id)):
            yield FileRow(f"row {row.id} of `{name}`", name, row._asdict())


def _is_known(version: str) -> bool:
    """Revisions are numbered without a gap."""
    return re.fullmatch(r"\d{4}", version) is not None and FIRST_VERSION <= version <= VERSION


def _line(value: Mapping[str, object]) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")) + "\n"


def _check_new(file: Path) -> None:
    if file.exists():
        raise AutolabelError(f"{file} exists and is kept as it is. Name a new file.")
    if not file.parent.is_dir():
        raise AutolabelError(f"There is no folder {file.parent}. Make it, or name another file.")


def _copy(ledger: Ledger, part: Path) -> None:
    """Copy page by page (SQLite's online backup), into one file that needs no other beside it."""
    with closing(sqlite3.connect(part)) as copy:
        with ledger.database.reading() as connection:
            source = cast("sqlite3.Connection", connection.connection.driver_connection)
            source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")


@contextmanager
def _opened_copy(file: Path) -> Iterator[Ledger]:
    """Open a copy of a SQLite backup, which may be of an older version; the file stays as it is."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "ledger.sqlite"
        shutil.copyfile(file, copy)
        try:
            _check_tables_alone(copy, file)
            yield Ledger(f"sqlite:///{copy}")
        except (sqlite3.DatabaseError, ValueError, RecursionError) as error:
            raise AutolabelError(
                f"{file} is damaged or no backup of a ledger: {error}. Nothing was restored. "
                "Use another backup."
            ) from error


def _check_tables_alone(copy: Path, named: Path) -> None:
    """Refuse views, triggers and virtual tables: they run what the file says, even for ever."""
    query = (
        "SELECT type, name FROM sqlite_master WHERE type NOT IN ('table', 'index') "
        "OR sql LIKE 'CREATE VIRTUAL%'"
    )
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("PRAGMA trusted_schema = OFF")
        found = connection.execute(query).fetchone()
        damage = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found is not None:
        raise AutolabelError(
            refusal(named, f"{found[0]} `{found[1]}`", "a backup has nothing but tables")
        )
    if damage != "ok":
        problem = f"SQLite finds damage ({damage.strip()[:100]})"
        raise AutolabelError(refusal(named, "as a whole", problem))
