"""How far a ledger reaches: the last row of each table, now or at an earlier moment.

Rows are appended and keep their ids, so that a ledger of an earlier moment is the beginning of each
table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from sqlalchemy import ColumnElement, delete, func, select

from autolabel_core.ledger.database import Database
from autolabel_core.ledger.schema import metadata


class TablePosition(TypedDict):
    """How many rows a table has, the greatest id, and when that row was recorded."""

    rows: int
    last: int
    recorded_at: str


Positions = Mapping[str, TablePosition]
"""By table."""


def positions_at(database: Database, moment: str | None = None) -> dict[str, TablePosition]:
    """Return how far each table reached.

    A row counts where it and all before it were recorded by then: clocks may go back, ids do not.

    Args:
        database: the ledger's.
        moment: ISO 8601 in UTC, as the ledger writes it; None is now.

    Returns:
        By table.
    """
    found: dict[str, TablePosition] = {}
    with database.reading(whole=True) as connection:
        for name, table in metadata.tables.items():
            until: ColumnElement[bool] | None = None
            if moment is not None:
                later = select(func.min(table.c.id)).where(table.c.recorded_at > moment)
                first_later = connection.execute(later).scalar()
                until = None if first_later is None else table.c.id < first_later
            query = select(func.count(table.c.id), func.max(table.c.id))
            rows, last = connection.execute(query if until is None else query.where(until)).one()
            recorded = select(table.c.recorded_at).where(table.c.id == last)
            at = connection.execute(recorded).scalar() or ""
            found[name] = {"rows": rows, "last": last or 0, "recorded_at": at}
    return found


def differing_tables(database: Database, positions: Positions) -> list[str]:
    """Return the tables that do not begin as they did when the positions were taken.

    Args:
        database: the ledger's.
        positions: what `positions_at` gave.

    Returns:
        Names of tables, in order; none where this is the same ledger, or one that goes on from it.
    """
    different: list[str] = []
    with database.reading(whole=True) as connection:
        for name, position in sorted(positions.items()):
            table = metadata.tables.get(name)
            if table is None:
                different.append(name)
                continue
            count = select(func.count(table.c.id)).where(table.c.id <= position["last"])
            at = select(table.c.recorded_at).where(table.c.id == position["last"])
            rows = connection.execute(count).scalar()
            recorded_at = connection.execute(at).scalar() or ""
            if (rows, recorded_at) != (position["rows"], position["recorded_at"]):
                different.append(name)
    return different


def keep_until(copy: Database, positions: Positions) -> None:
    """Make a copy of a ledger one of an earlier moment; never done to the ledger itself.

    Args:
        copy: of a ledger.
        positions: how far its tables shall reach; a table that is not named had no row then.
    """
    with copy.writing() as connection:
        for name, table in metadata.tables.items():
            last = positions[name]["last"] if name in positions else 0
            connection.execute(delete(table).where(table.c.id > last))
