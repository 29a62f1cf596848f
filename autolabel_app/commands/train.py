"""`autolabel train`: a new version of the detector, judged by the gate."""

from __future__ import annotations

import sys

import click

from autolabel_app.output import emit_json, emit_table, shown
from autolabel_core.paths import annotator_name
from autolabel_core.workspace import Workspace


@click.command()
@click.argument("collection")
@click.option("--by", help="Who asks [default: AUTOLABEL_ANNOTATOR or the login].")
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON.")
def train(collection: str, by: str | None, as_json: bool) -> None:
    """Train the detector of COLLECTION on all reviewed images, and let the gate judge it.

    A training that was killed is gone on with. Promoted weights detect from the next sweep on.
    """
    from autolabel_app.runs import sweep
    from autolabel_app.runs import train as run_training
    from autolabel_core.automation import ask_for_training
    from autolabel_core.derived.fine_tuned_weights import FineTunedWeights
    from autolabel_core.training.data import check_enough

    def tell(line: str) -> None:
        if not as_json:
            click.echo(line, err=True)

    bar = sys.stderr.isatty() and not as_json
    workspace = Workspace.from_environment()
    declared = workspace.collection(collection)
    workspace.detector(declared)
    sweep(workspace, [collection], bar, tell)
    table = FineTunedWeights(workspace, declared)
    check_enough(collection, table.data)
    if not table.waits_for_training:
        ask_for_training(workspace, declared, by or annotator_name())
    run_training(workspace, collection, bar, tell)
    report = FineTunedWeights(workspace, declared).report()
    if as_json:
        emit_json(report)
        return
    classes, versions = report.pop("classes"), report.pop("versions")
    for name, value in report.items():
        click.echo(f"{name:<24} {shown(value)}")
    emit_table(classes, empty="No gold images yet.")
    emit_table(versions, empty="No version has looked at the gold images yet.")
