"""Read-only SQL over the derived tables and the ledger's annotations."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from threading import Timer
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from autolabel_core.declarations.cluster_fields import COLUMN_OF, enriching
from autolabel_core.documents.documents import Documents, quote
from autolabel_core.foundation.atomic_files import held_open
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.ledger import Annotation
from autolabel_core.tables.object_rows import SCHEMA as RAW_SCHEMA
from autolabel_core.tables.raw_objects import RawObjects
from autolabel_core.tables.workspace import OpenCollection, Workspace

if TYPE_CHECKING:
    import pyarrow.dataset as ds
    from duckdb import DuckDBPyConnection

MAX_ROWS = 1_000_000
ROWS_AT_ONCE = 10_000
EXPLAINING = re.compile(r"\s*EXPLAIN(\s+ANALYZE)?\s", re.IGNORECASE)
SETTINGS = (
    # First: DuckDB counts its own temporary folder among the files that a query may read and write.
    "SET temp_directory = ''",
    "SET enable_external_access = false",
    "SET python_enable_replacements = false",
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
)


@dataclass(frozen=True)
class SqlLimits:
    """What one query may take.

    Attributes:
        seconds: from its start to the last row.
        memory_mb: of the query engine.
    """

    seconds: float = 60.0
    memory_mb: int = 2000


def run_sql(
    workspace: Workspace, sql: str, limits: SqlLimits | None = None
) -> tuple[list[str], list[tuple[object, ...]]]:
    """Run one reading statement.

    The tables are `<collection>.documents`, `<collection>.raw_objects` and
    `<collection>.annotations`, and where clusters are declared `<collection>.clusters` and
    `<collection>.cluster_members`; documents have their label as `label` and under the label
    field's own name, and the fields that clusters enrich. The data is handed to DuckDB by us; it
    may open no file, attach no database and load no extension.

    Args:
        workspace: the stores.
        sql: one SELECT (or WITH, FROM, SUMMARIZE, DESCRIBE …), or EXPLAIN of one.
        limits: of time and memory.

    Returns:
        Column names and rows, at most `MAX_ROWS`.

    Raises:
        AutolabelError: the SQL is wrong, not a single reading statement, or takes too much.
    """
    import duckdb

    limits = limits or SqlLimits()
    with ExitStack() as opened, duckdb.connect() as connection:
        for setting in (*SETTINGS, f"SET memory_limit = '{limits.memory_mb}MB'"):
            connection.execute(setting)
        _register(workspace, connection, opened)
        connection.execute("SET lock_configuration = true")
        stop = Timer(limits.seconds, connection.interrupt)
        stop.start()
        try:
            _check_reading(connection, sql)
            result = connection.execute(sql)
            names = _unique([column[0] for column in result.description])
            return names, list(_rows(result))
        except duckdb.InterruptException as error:
            raise AutolabelError(
                f"The query took more than {limits.seconds:g} s and was stopped. Narrow it, or "
                "give it longer with --timeout."
            ) from error
        except duckdb.OutOfMemoryException as error:
            raise AutolabelError(
                f"The query needs more than {limits.memory_mb} MB and was stopped. Narrow it, or "
                "give it more with --memory."
            ) from error
        except duckdb.Error as error:
            message = " ".join(str(error).partition("\n\nLINE ")[0].split())
            left_out = "".join(f" {problem}" for problem in workspace.declared.problems)
            raise AutolabelError(f"The query failed: {message}{left_out}") from error
        finally:
            stop.cancel()


def _rows(result: DuckDBPyConnection) -> Iterator[tuple[object, ...]]:
    """Yield rows, as long as they fit into what a person or program can look at."""
    count = 0
    while part := result.fetchmany(ROWS_AT_ONCE):
        count += len(part)
        if count > MAX_ROWS:
            raise AutolabelError(
                f"The query gives more than {MAX_ROWS:,} rows. Add a LIMIT, or write the "
                "documents to files with `autolabel export`."
            )
        yield from part


def _check_reading(connection: DuckDBPyConnection, sql: str) -> None:
    """Refuse all but one SELECT by DuckDB's own parser; EXPLAIN ANALYZE runs what it explains."""
    kinds = _kinds(connection, sql)
    if kinds == ["EXPLAIN"]:
        explained = EXPLAINING.match(sql)
        kinds = _kinds(connection, sql[explained.end() :]) if explained else ["EXPLAIN"]
        kinds = kinds if kinds == ["SELECT"] else ["EXPLAIN of no plain SELECT"]
    if kinds != ["SELECT"]:
        raise AutolabelError(
            f"`query` runs one reading statement (SELECT …), found "
            f"{', '.join(kinds) or 'nothing'}. To write files use `autolabel export`."
        )


def _kinds(connection: DuckDBPyConnection, sql: str) -> list[str]:
    return [statement.type.name for statement in connection.extract_statements(sql)]


def _register(workspace: Workspace, connection: DuckDBPyConnection, opened: ExitStack) -> None:
    for name, collection in workspace.collections.items():
        raw = RawObjects(OpenCollection(workspace, collection))
        paths = (raw.path(batch) for batch in raw.batches)
        raw_files = [
            workspace.warehouse.local(path) for path in paths if workspace.warehouse.exists(path)
        ]
        documents = Documents(OpenCollection(workspace, collection))
        annotations = workspace.ledger.annotations(name)
        tables: dict[str, pa.Table | ds.Dataset] = {
            "documents": _dataset(
                opened.enter_context(held_open(documents.files)), documents.columns
            ),
            "raw_objects": _dataset(opened.enter_context(held_open(raw_files)), RAW_SCHEMA.names),
            "annotations": _annotations(annotations),
            **_clusters(OpenCollection(workspace, collection)),
        }
        connection.execute(f"CREATE SCHEMA {quote(name)}")
        for table, data in tables.items():
            relation = f"{name}__{table}"
            connection.register(relation, data)
            if table != "documents":
                view = f"{quote(name)}.{quote(table)}"
                connection.execute(f"CREATE VIEW {view} AS SELECT * FROM {quote(relation)}")
    for collection in workspace.collections.values():
        connection.execute(_documents_view(OpenCollection(workspace, collection)))


def _clusters(collection: OpenCollection) -> dict[str, pa.Table]:
    if not collection.declaration.clusters:
        return {}
    from autolabel_core.clusters.table import cluster_tables

    return cluster_tables(collection)


def _documents_view(collection: OpenCollection) -> str:
    """Return the view of the documents, with the fields that clusters enrich."""
    name = collection.name
    columns, joined = "d.*", ""
    if collection.declaration.label_field != "label":
        columns += f", d.label AS {quote(collection.declaration.label_field)}"
    enriched = enriching(collection.workspace.collections, name)
    if enriched is not None:
        owner, definition = enriched
        columns += "".join(f", m.{COLUMN_OF[part]}" for part in definition.enrich)
        joined = (
            f" LEFT JOIN {quote(owner)}.cluster_members AS m ON m.document_id = d.document_id "
            f"AND m.cluster_name = '{definition.cluster_name}'"
        )
    relation = quote(f"{name}__documents")
    return f"CREATE VIEW {quote(name)}.documents AS SELECT {columns} FROM {relation} AS d{joined}"


def _dataset(files: list[str], columns: Sequence[str]) -> pa.Table | ds.Dataset:
    """The rows of Parquet files; before the first sweep a table without rows."""
    import pyarrow.dataset as ds

    if not files:
        return pa.table({name: pa.array([], pa.string()) for name in columns})
    schemas = [pq.read_schema(file) for file in files]
    return ds.dataset(
        files,
        schema=pa.unify_schemas(schemas),
        format="parquet",
        partitioning=None,
    )


def _unique(names: list[str]) -> list[str]:
    """Columns of one name get a number, so that none hides another."""
    unique: list[str] = []
    for name in names:
        fresh, number = name, 1
        while fresh in unique:
            number += 1
            fresh = f"{name}_{number}"
        unique.append(fresh)
    return unique


def _annotations(annotations: Sequence[Annotation]) -> pa.Table:
    names = [n for n in Annotation.__dataclass_fields__ if n not in ("fields", "provenance")]
    return pa.table({n: pa.array([getattr(a, n) for a in annotations], pa.string()) for n in names})
