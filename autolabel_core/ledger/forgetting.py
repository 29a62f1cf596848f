"""Forgets documents on request: the one edit of what was recorded; the order of facts is kept.

Rows stay where they are, with their ids and times, so that whoever reads on from an id misses
nothing; what they say of the document is blanked.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from sqlalchemy import Connection, Table, Text, cast, or_, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.elements import ColumnElement

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.json_types import JsonObject
from autolabel_core.ledger.database import BUSY_SECONDS
from autolabel_core.ledger.judgement_schema import DOUBT_DECISIONS
from autolabel_core.ledger.rows import AnyColumn, Rows
from autolabel_core.ledger.schema import (
    ALERT_FIRINGS,
    ANNOTATIONS,
    ARRIVALS,
    AUDITS,
    BOX_ANNOTATIONS,
    CERTIFICATIONS,
    CLUSTER_EVENTS,
    CLUSTER_RUNS,
    EVENTS,
    REQUESTS,
)

FORGOTTEN = "(forgotten)"
_BLANK_PAYLOAD: JsonObject = {"forgotten": True}
_LISTING = (REQUESTS, ALERT_FIRINGS, CLUSTER_RUNS, CLUSTER_EVENTS, CERTIFICATIONS, DOUBT_DECISIONS)
"""Tables whose payloads list documents beside others."""


class ForgettingRows(Rows):
    """Blanks what the ledger says of documents."""

    def forget_documents(self, collection: str, keys: Mapping[str, str]) -> dict[str, int]:
        """Blank every row about documents and the boxes on them, in one transaction.

        Args:
            collection: theirs.
            keys: of the documents, by document id.

        Returns:
            How many rows were blanked, by table.
        """
        counts: dict[str, int] = {}
        with self._database.writing() as connection:
            for document, key in keys.items():
                for table, blanked in _blanks(document).items():
                    found = _blank(connection, table, collection, blanked)
                    counts[table.name] = counts.get(table.name, 0) + found
                for table in (*_LISTING, ANNOTATIONS):
                    found = _take_out(connection, table, document, key)
                    counts[table.name] = counts.get(table.name, 0) + found
        return {name: count for name, count in counts.items() if count}

    def compact(self) -> None:
        """Write the database anew, so that what was blanked is in no free page of its file.

        Raises:
            AutolabelError: somebody else uses the database.
        """
        database = self._database
        try:
            if database.is_sqlite:
                _compact_file(str(database.url.database))
            else:
                engine = database.engine.execution_options(isolation_level="AUTOCOMMIT")
                with engine.connect() as connection:
                    connection.exec_driver_sql("VACUUM")
        except (sqlite3.Error, DBAPIError) as error:
            raise AutolabelError(
                f"The ledger at {database.shown} was blanked, but its file still holds old pages: "
                f"{error}. Stop what else uses it (sensors, servers), and forget once more."
            ) from error


def _compact_file(file: str) -> None:
    """Write a SQLite file anew; that works in no transaction, which the engine always begins."""
    with closing(sqlite3.connect(file, timeout=BUSY_SECONDS, isolation_level=None)) as connection:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _blanks(document: str) -> dict[Table, tuple[ColumnElement[bool], dict[str, Any]]]:
    """Return for each table which rows are about a document, and what they say from now on."""
    label: dict[str, Any] = {
        "action": "withdraw",
        "label": None,
        "fields": {},
        "reason": None,
        "provenance": {},
    }
    box: dict[str, Any] = {
        "predicted_class": None,
        "true_class": None,
        "reasoning": None,
        "payload": {},
    }
    return {
        ARRIVALS: (_about(ARRIVALS.c.document_id, document), {"key": FORGOTTEN}),
        ANNOTATIONS: (
            _about(ANNOTATIONS.c.document_id, document),
            {**label, "key": FORGOTTEN, "content_hash": ""},
        ),
        AUDITS: (
            _about(AUDITS.c.document_id, document),
            {
                **{"key": FORGOTTEN, "content_hash": "", "auto_label": FORGOTTEN},
                "corrected_label": None,
            },
        ),
        DOUBT_DECISIONS: (
            _about(DOUBT_DECISIONS.c.document_id, document),
            {
                **{"key": FORGOTTEN, "content_hash": "", "label": FORGOTTEN, "new_label": None},
                "payload": _BLANK_PAYLOAD,
            },
        ),
        BOX_ANNOTATIONS: (
            _about(BOX_ANNOTATIONS.c.image_id, document),
            {**box, "payload": {}, "image_key": FORGOTTEN, "content_hash": ""},
        ),
        EVENTS: (_about(EVENTS.c.subject, document), {"payload": _BLANK_PAYLOAD}),
    }


def _about(column: AnyColumn, document: str) -> ColumnElement[bool]:
    return or_(column == document, column.startswith(f"{document}_det_", autoescape=True))


def _blank(
    connection: Connection,
    table: Table,
    collection: str,
    blanked: tuple[ColumnElement[bool], dict[str, Any]],
) -> int:
    condition, values = blanked
    found = connection.execute(
        update(table).where(table.c.collection == collection, condition).values(values)
    )
    return int(found.rowcount)


def _take_out(connection: Connection, table: Table, document: str, key: str) -> int:
    """Take a document out of the lists that payloads hold, of any collection."""
    column = table.c.provenance if table is ANNOTATIONS else table.c.payload
    text = cast(column, Text)
    named = or_(
        text.contains(document, autoescape=True),
        text.contains(json.dumps(key)[1:-1], autoescape=True),
    )
    changed = 0
    for id_, payload in connection.execute(select(table.c.id, column).where(named)).all():
        kept = without(payload, document, key)
        if kept != payload:
            connection.execute(update(table).where(table.c.id == id_).values({column.name: kept}))
            changed += 1
    return changed


def without(value: Any, document: str, key: str) -> Any:
    """Return a JSON value with each text that names a document, or a box on it, blanked.

    Args:
        value: texts, numbers, lists and objects.
        document: its id.
        key: its key.

    Returns:
        The same with `(forgotten)` in place of such texts, as values and as names.
    """
    if isinstance(value, str):
        own = value in (document, key) or value.startswith((f"{document}_det_", f"{key}#det_"))
        return FORGOTTEN if own else value
    if isinstance(value, list):
        return [without(one, document, key) for one in value]
    if isinstance(value, dict):
        return {without(n, document, key): without(v, document, key) for n, v in value.items()}
    return value
