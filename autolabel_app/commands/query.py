"""`autolabel query`: SQL over the tables of all collections."""

from __future__ import annotations

import click

from autolabel_app.options import json_option
from autolabel_app.output import emit_json, emit_table
from autolabel_core.tables.workspace import Workspace


@click.command()
@click.argument("sql")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.0, min_open=True),
    default=60.0,
    show_default=True,
    help="Seconds after which the query is stopped.",
)
@click.option(
    "--memory",
    type=click.IntRange(min=16),
    default=2000,
    show_default=True,
    help="Megabytes that the query may take.",
)
@json_option
def query(sql: str, timeout: float, memory: int, as_json: bool) -> None:
    """Run one reading SQL statement (DuckDB).

    Tables: <collection>.documents, <collection>.raw_objects, <collection>.annotations.
    """
    from autolabel_core.operations.sql import SqlLimits, run_sql

    workspace = Workspace.from_environment()
    names, rows = run_sql(workspace, sql, SqlLimits(timeout, memory))
    for problem in workspace.declared.problems:
        click.echo(f"Left out: {problem}", err=True)
    records = [dict(zip(names, row, strict=True)) for row in rows]
    if as_json:
        emit_json(records)
        return
    emit_table(records, empty="No rows.")
