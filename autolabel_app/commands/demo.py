"""`autolabel demo`: labelling by references on real handwritten digits."""

from __future__ import annotations

import click

from autolabel_app.output import emit_json
from autolabel_core.foundation.paths import Paths


@click.command()
@click.option(
    "--json", "as_json", is_flag=True, help="Print the report as JSON, without the story."
)
def demo(as_json: bool) -> None:
    """Show the loop turn: upload, label ten of each, the rest label themselves, correct, relabel.

    Works in the folder demo/ of AUTOLABEL_HOME and writes report.json there.
    """
    from autolabel_app.demos.labelling import run_demo

    home = Paths.from_environment().home / "demo"
    paths = Paths(home, home / "collections", f"sqlite:///{home / 'ledger.sqlite'}")
    report = run_demo(paths, (lambda line: None) if as_json else click.echo)
    if as_json:
        emit_json(report)
    else:
        click.echo(
            f"\nThe report is in {home / 'report.json'}. {home} is a project: in it, "
            "`autolabel status digits` shows its state, and `autolabel dev` shows it in Dagster."
        )
