"""`autolabel demo-photos`: photographs labelled from one label each."""

from __future__ import annotations

import click

from autolabel_app.output import emit_json
from autolabel_core.foundation.paths import Paths


@click.command("demo-photos")
@click.option(
    "--json", "as_json", is_flag=True, help="Print the report as JSON, without the story."
)
def demo_photos(as_json: bool) -> None:
    """Label one frame of each of 22 photographs; frames of a moving camera label themselves.

    Works in the folder demo-photos/ of AUTOLABEL_HOME and writes report.json there, and
    photographs.jpg with the labels that frames got.
    """
    from autolabel_app.demos.photographs.story import SHEET, run_photograph_demo

    home = Paths.from_environment().home / "demo-photos"
    paths = Paths(home, home / "collections", f"sqlite:///{home / 'ledger.sqlite'}")
    report = run_photograph_demo(paths, (lambda line: None) if as_json else click.echo)
    if as_json:
        emit_json(report)
    else:
        click.echo(
            f"\nLook at {home / SHEET}; the report is in {home / 'report.json'}. {home} is a "
            "project: in it, `autolabel status photographs` shows its state."
        )
