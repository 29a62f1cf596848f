"""The base of all ledger tables: append in one transaction, read in order, cache what was read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from sqlalchemy import Column, Connection, Row, Table, func, select

from autolabel_core.ledger.database import Database

CHUNK = 1000
"""Values in one statement: databases limit the number of parameters."""

AnyColumn: TypeAlias = "Column[Any]"
"""A column of any type."""
AnyRow: TypeAlias = "Row[Any]"
"""A row as the database gives it."""
NewRow: TypeAlias = Mapping[str, Any]
"""Values by column, to be appended."""

Fact = TypeVar("Fact")
Result = TypeVar("Result")


class RecordedFact(Protocol):
    """What is appended: fields are columns, and an empty moment is that of the appending."""

    @property
    def recorded_at(self) -> str:
        """When it was said, ISO 8601 in UTC; empty where that is now."""


class Rows:
    """One ledger's database and clock; the nouns of the ledger add their methods."""

    def __init__(self, database: Database, now: Callable[[], str]) -> None:
        self._database = database
        self._now = now

    def _listed(
        self,
        kind: Callable[..., Fact],
        table: Table,
        equal: Mapping[str, object],
        after: int = 0,
        limit: int | None = None,
    ) -> list[Fact]:
        """Read rows in order as dataclasses whose fields are columns.

        Args:
            kind: the dataclass.
            table: its table.
            equal: wanted values by column; None is any.
            after: only rows with a greater id.
            limit: at most so many.

        Returns:
            The facts.
        """
        query = select(*columns_of(kind, table)).where(table.c.id > after).order_by(table.c.id)
        for name, value in equal.items():
            if value is not None:
                query = query.where(table.c[name] == value)
        with self._database.reading() as connection:
            return [kind(**row._mapping) for row in connection.execute(query.limit(limit))]

    def _append_unknown(self, column: AnyColumn, facts: Sequence[RecordedFact]) -> int:
        """Append, in one transaction, the facts that are not known yet.

        Args:
            column: identifies them; rows go to its table.
            facts: in order.

        Returns:
            How many were appended.
        """
        with self._database.writing() as connection:
            at = self._now()
            given = [{**vars(fact), "recorded_at": fact.recorded_at or at} for fact in facts]
            rows = unknown(connection, column, given)
            append(connection, column.table, rows)
        return len(rows)


def columns_of(kind: Any, table: Table) -> list[AnyColumn]:
    """Return the columns that the fields of a dataclass are stored in."""
    return [table.c[field.name] for field in fields(kind)]


def last_id(connection: Connection, table: Table, collection: str | None = None) -> int:
    """Return the greatest id of a table, or of one collection in it; 0 where there is none."""
    query = select(func.max(table.c.id))
    if collection is not None:
        query = query.where(table.c.collection == collection)
    return connection.execute(query).scalar() or 0


def length_of(connection: Connection, table: Table, collection: str) -> tuple[int, int]:
    """Return how many rows a collection has in a table, and the greatest id; ids only grow."""
    query = select(func.count(table.c.id), func.max(table.c.id))
    count, last = connection.execute(query.where(table.c.collection == collection)).one()
    return count, last or 0


def append(connection: Connection, table: Table, rows: Sequence[NewRow]) -> None:
    """Insert rows in their order; no rows are no statement."""
    if rows:
        connection.execute(table.insert(), rows)


def unknown(
    connection: Connection, column: AnyColumn, rows: Iterable[NewRow], **equal: str
) -> list[NewRow]:
    """Leave out rows whose identifying value is in the table, and repetitions among them.

    Args:
        connection: a transaction.
        column: the identifying one.
        rows: what would be appended.
        **equal: look only at rows with these values of other columns.

    Returns:
        The rows that are new.
    """
    # A dict keeps the order of insertion, so the rows that are new stay in their order.
    first: dict[str, NewRow] = {}
    for row in rows:
        first.setdefault(row[column.name], row)
    for known in present(connection, column, list(first), **equal):
        del first[known]
    return list(first.values())


def present(
    connection: Connection, column: AnyColumn, values: Sequence[str], **equal: str
) -> set[str]:
    """Return those of the values that a column holds, in rows with the wanted other values."""
    existing: set[str] = set()
    for start in range(0, len(values), CHUNK):
        query = select(column).distinct().where(column.in_(values[start : start + CHUNK]))
        for name, value in equal.items():
            query = query.where(column.table.c[name] == value)
        existing.update(connection.execute(query).scalars())
    return existing


def recorded(
    connection: Connection, column: AnyColumn, rows: Iterable[NewRow]
) -> set[tuple[str, str]]:
    """Return collection and value of those rows whose collection has the column's value already."""
    values: dict[str, set[str]] = {}
    for row in rows:
        values.setdefault(row["collection"], set()).add(row[column.name])
    return {
        (collection, value)
        for collection, asked in values.items()
        for value in present(connection, column, sorted(asked), collection=collection)
    }


class Remembered(Generic[Result]):
    """The last result for each collection; only rows with a greater id are read again.

    That is right because rows are appended and never edited, and ids grow in the order of commits.

    Args:
        table: where the rows are.
        columns: what is read of each row.
        empty: the result of no rows.
        extend: makes the result of more rows; it leaves the one it is given as it is.
    """

    def __init__(
        self,
        table: Table,
        columns: Sequence[AnyColumn],
        empty: Result,
        extend: Callable[[Result, Iterable[AnyRow]], Result],
    ) -> None:
        self._table = table
        self._query = select(*columns).order_by(table.c.id)
        self._empty = empty
        self._extend = extend
        self._results: dict[str, tuple[int, Result]] = {}

    def read(self, connection: Connection, collection: str) -> Result:
        """Return the result of all rows of a collection."""
        ids = self._table.c.id
        seen, result = self._results.get(collection, (0, self._empty))
        last = last_id(connection, self._table, collection)
        # Ids only grow, so fewer than before is another database: it was restored or replaced.
        if last < seen:
            seen, result = 0, self._empty
        if last > seen:
            # Without the upper bound a row committed meanwhile would be read now, and again later.
            fresh = self._query.where(
                self._table.c.collection == collection, ids > seen, ids <= last
            )
            result = self._extend(result, connection.execute(fresh))
            self._results[collection] = (last, result)
        return result
