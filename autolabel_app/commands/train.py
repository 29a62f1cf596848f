"""`autolabel train`: train a new version of detector or head; the promotion gate judges it."""

from __future__ import annotations

import sys

import click

from autolabel_app.options import json_option
from autolabel_app.output import emit_json, emit_table, shown
from autolabel_core.foundation.paths import annotator_name
from autolabel_core.tables.workspace import Workspace


@click.command()
@click.argument("collection")
@click.option("--by", help="Who asks [default: AUTOLABEL_ANNOTATOR or the login].")
@json_option
def train(collection: str, by: str | None, as_json: bool) -> None:
    """Train what COLLECTION declares on its annotations; the gate evaluates the new version.

    A detector learns from all reviewed images; with `fine_tune: true` a head on the features learns
    from all labels. A training that was killed is gone on with. Promoted weights are used from the
    next sweep on.
    """
    from autolabel_app.runs import sweep
    from autolabel_app.runs import train as run_training
    from autolabel_core.operations.automation import ask_for_training
    from autolabel_core.operations.staleness_plan import weights_of
    from autolabel_core.tables.table import WHOLE

    def tell(line: str) -> None:
        if not as_json:
            click.echo(line, err=True)

    bar = sys.stderr.isatty() and not as_json
    workspace = Workspace.from_environment()
    declared = workspace.open(collection)
    table_of = weights_of(declared.declaration)
    sweep(workspace, [collection], bar, tell)
    table = table_of(declared)
    table.check()
    if not table.waits_for_training:
        ask_for_training(declared, by or annotator_name())
    run_training(workspace, collection, bar, tell)
    report = table_of(declared).report(WHOLE)
    if as_json:
        emit_json(report)
        return
    for name, value in report.items():
        if not isinstance(value, list):
            click.echo(f"{name:<24} {shown(value)}")
    for name, value in report.items():
        if isinstance(value, list):
            click.echo(f"\n{name}:")
            emit_table(value)
