"""`autolabel query`: SQL over the tables of all collections."""

from __future__ import annotations

import click

from autolabel_app.options import json_option
from autolabel_app.output import emit_json, emit_table
from autolabel_core.tables.workspace import Workspace


@click.command()
@click.argument("sql")
@json_option
def query(sql: str, as_json: bool) -> None:
    """Run one reading SQL statement (DuckDB).

    Tables: <collection>.documents, <collection>.raw_objects, <collection>.annotations.
    """
    from autolabel_core.operations.sql import run_sql

    names, rows = run_sql(Workspace.from_environment(), sql)
    records = [dict(zip(names, row, strict=True)) for row in rows]
    if as_json:
        emit_json(records)
        return
    emit_table(records, empty="No rows.")
