"""Upgrade the rows of an older export: in a temporary ledger of their version."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, MetaData, Table

from autolabel_core.ledger.database import Database
from autolabel_core.ledger.store import Ledger
from autolabel_core.ledger.upgrading import VERSION_TABLE, apply_revisions

Insert = Callable[[Connection, dict[str, Table]], None]


@contextmanager
def upgraded(version: str, insert: Insert) -> Iterator[Ledger]:
    """Fill a temporary ledger of an older version, and open it as one of today.

    Args:
        version: a revision.
        insert: inserts the rows; it is given that version's tables by name.

    Yields:
        Ledger: with the rows, as the revisions since then leave them.
    """
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'ledger.sqlite'}"
        with Database(url).writing() as connection:
            apply_revisions(connection, version)
            then = MetaData()
            then.reflect(connection)
            insert(connection, {n: t for n, t in then.tables.items() if n != VERSION_TABLE})
        yield Ledger(url)
