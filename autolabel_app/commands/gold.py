"""`autolabel gold`: documents that judge the rule, and how rules did on them over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from autolabel_app.options import json_option
from autolabel_app.output import emit_json, emit_table, percent
from autolabel_core.tables.workspace import Workspace

if TYPE_CHECKING:
    from autolabel_core.labelling.gold_report import GoldReport

SHOWN_KEYS = 10


@click.command()
@click.argument("collection")
@click.option(
    "--draw",
    type=click.IntRange(min=1),
    metavar="N",
    help="Draw documents until the gold set has N; those drawn before stay.",
)
@json_option
def gold(collection: str, draw: int | None, as_json: bool) -> None:
    """Show the gold set of COLLECTION, and how each rule, model and threshold did on it.

    Its documents are drawn by the hash of their content, and never take part in labelling others,
    whoever labels them. Label them as any other; each sweep judges the rule by them then.
    """
    from autolabel_core.labelling.gold_report import gold_report
    from autolabel_core.labelling.gold_set import draw_gold

    opened = Workspace.from_environment().open(collection)
    drawn = None if draw is None else draw_gold(opened, draw)
    report = gold_report(opened)
    if as_json:
        emit_json(report)
        return
    if drawn is not None:
        click.echo(f"{drawn} documents were drawn.")
    _show(report)


def _show(report: GoldReport) -> None:
    name = report["collection"]
    if not report["documents"]:
        click.echo(f"`{name}` has no gold set; `autolabel gold {name} --draw 200` draws one.")
        return
    click.echo(
        f"{report['documents']} documents, {report['labelled']} labelled by people"
        + (f"; {report['gone']} are gone" if report["gone"] else "")
        + "."
    )
    rows = [
        {
            "judged at": one["recorded_at"][:16].replace("T", " "),
            "judged": one["judged"],
            "precision": percent(one["precision"]),
            "95 % interval": f"{percent(one['low'])} to {percent(one['high'])}",
            "coverage": percent(one["coverage"]),
            "accuracy": percent(one["accuracy"]),
            "score": one["score"],
            "threshold": one["threshold"],
            "features": one["feature_uri"],
        }
        for one in report["judgements"]
    ]
    emit_table(rows, empty="No rule was judged yet: label the first of them, then sweep.")
    if report["judgements"] and (near := report["judgements"][-1]["near_duplicates"]):
        click.echo(f"{near} were left out: a reference shows nearly the same.")
    if report["next"]:
        more = ", …" if len(report["next"]) > SHOWN_KEYS else ""
        click.echo(f"To label, in this order: {', '.join(report['next'][:SHOWN_KEYS])}{more}")
