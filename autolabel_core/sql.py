"""SQL over the derived tables and the ledger's annotations: reading only, nothing outside."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from autolabel_core.derived.raw_objects import RawObjects
from autolabel_core.documents import Documents, quote
from autolabel_core.errors import AutolabelError
from autolabel_core.ledger import Annotation
from autolabel_core.workspace import Workspace

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

READING = {"SELECT", "EXPLAIN"}


def run_sql(workspace: Workspace, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Run one reading statement.

    The tables are `<collection>.documents`, `<collection>.raw_objects` and
    `<collection>.annotations`. The data is handed to DuckDB by us; it may open no file, attach no
    database and load no extension.

    Args:
        workspace: the stores.
        sql: one SELECT (or WITH, FROM, SUMMARIZE, DESCRIBE …) or EXPLAIN.

    Returns:
        Column names and rows.

    Raises:
        AutolabelError: the SQL is wrong, or not a single reading statement.
    """
    import duckdb

    with duckdb.connect() as connection:
        for setting in (
            "SET python_enable_replacements = false",
            "SET enable_external_access = false",
            "SET autoinstall_known_extensions = false",
            "SET autoload_known_extensions = false",
        ):
            connection.execute(setting)
        _register(workspace, connection)
        connection.execute("SET lock_configuration = true")
        try:
            _check_reading(connection, sql)
            result = connection.execute(sql)
            return [column[0] for column in result.description], result.fetchall()
        except duckdb.Error as error:
            raise AutolabelError(f"The query failed: {error}") from error


def _check_reading(connection: DuckDBPyConnection, sql: str) -> None:
    statements = connection.extract_statements(sql)
    kinds = [statement.type.name for statement in statements]
    if len(kinds) != 1 or kinds[0] not in READING:
        raise AutolabelError(
            f"`query` runs one reading statement (SELECT …), found {', '.join(kinds) or 'nothing'}. "
            "To write files use `autolabel export`."
        )


def _register(workspace: Workspace, connection: DuckDBPyConnection) -> None:
    import pyarrow.dataset as ds

    for name, collection in workspace.collections.items():
        raw = RawObjects(workspace, collection)
        files = [str(raw.path(b)) for b in raw.batches if raw.path(b).exists()]
        events = [asdict(e) for e in workspace.ledger.annotations(name)]
        tables: dict[str, Any] = {
            "documents": _dataset(ds, Documents(workspace, collection).files),
            "raw_objects": _dataset(ds, files),
            "annotations": _annotations(events),
        }
        connection.execute(f"CREATE SCHEMA {quote(name)}")
        for table, data in tables.items():
            if data is not None:
                held = f"{name}__{table}"
                connection.register(held, data)
                view = f"{quote(name)}.{quote(table)}"
                connection.execute(f"CREATE VIEW {view} AS SELECT * FROM {quote(held)}")


def _dataset(ds: Any, files: list[str]) -> Any:
    return ds.dataset(files, format="parquet", partitioning=None) if files else None


def _annotations(events: list[dict[str, Any]]) -> pa.Table:
    names = [n for n in Annotation.__dataclass_fields__ if n not in ("fields", "provenance")]
    return pa.table({n: pa.array([e[n] for e in events], pa.string()) for n in names})
