"""`autolabel annotators`: how often each annotator is right, and who agrees with whom."""

from __future__ import annotations

import click

from autolabel_app.options import json_option
from autolabel_app.output import emit_json, emit_table, percent, shown
from autolabel_core.tables.workspace import Workspace


@click.command()
@click.argument("collection")
@json_option
def annotators(collection: str, as_json: bool) -> None:
    """Say how often each annotator of COLLECTION is probably right, and how far people agree.

    The accuracy is estimated from what the other references and other people say. Agreement is over
    documents that two people labelled, beyond what chance would give: 1 is everywhere, 0 is chance.
    """
    from autolabel_core.labelling.annotator_agreement import agreement

    report = agreement(Workspace.from_environment().open(collection))
    if as_json:
        emit_json(report)
        return
    rows = [{**one, "accuracy": percent(one["accuracy"])} for one in report["annotators"]]
    emit_table(rows, empty="Nobody has labelled a document yet.")
    if report["pairs"]:
        click.echo("")
        emit_table([dict(pair) for pair in report["pairs"]])
    if rows:
        click.echo(
            f"\n{report['documents']} documents have labels of two people or more, "
            f"{report['conflicts']} of them different ones; Krippendorff's alpha "
            f"{shown(report['alpha'])}."
        )
    if report["conflicts"]:
        click.echo(f"`autolabel doubts {report['collection']} --because people` lists them.")
