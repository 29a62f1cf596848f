"""`autolabel query`: SQL over the tables of all collections."""

from __future__ import annotations

import click

from autolabel_app.as_of import as_of_option, project_as_of
from autolabel_app.options import json_option
from autolabel_app.output import emit_json, emit_table, shown

MAX_LIST = 40


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
@as_of_option
@json_option
def query(sql: str, timeout: float, memory: int, as_of: str | None, as_json: bool) -> None:
    """Run one reading SQL statement (DuckDB).

    Tables: <collection>.documents, <collection>.raw_objects, <collection>.annotations.
    """
    from autolabel_core.operations.sql import SqlLimits, run_sql

    with project_as_of(as_of) as project:
        names, rows = run_sql(project.workspace, sql, SqlLimits(timeout, memory))
        problems = project.workspace.declared.problems
    for problem in problems:
        click.echo(f"Left out: {problem}", err=True)
    records = [dict(zip(names, row, strict=True)) for row in rows]
    if as_json:
        emit_json(records)
        return
    shortened = [{name: _shortened(value) for name, value in r.items()} for r in records]
    emit_table(shortened, empty="No rows.")
    if shortened != records:
        click.echo(f"Lists are cut at {MAX_LIST} characters; --json prints them whole.", err=True)


def _shortened(value: object) -> object:
    """Cut a list that would fold over many lines, such as the neighbours of a document."""
    if not isinstance(value, list) or len(shown(value)) <= MAX_LIST:
        return value
    return shown(value)[: MAX_LIST - 1] + "…"
