"""`autolabel demo-detect`: detect, review, train and detect again, on real handwritten digits."""

from __future__ import annotations

import click

from autolabel_app.output import emit_json
from autolabel_core.foundation.paths import Paths, sqlite_url


@click.command("demo-detect")
@click.option(
    "--json", "as_json", is_flag=True, help="Print the report as JSON, without the story."
)
def demo_detect(as_json: bool) -> None:
    """Detect, review, train, compare, redeploy, twice round, with a control; about ten minutes.

    Works in the folder demo-detect/ of AUTOLABEL_HOME and writes report.json there.
    """
    from autolabel_app.demos.detection import run_demo_detect

    home = Paths.from_environment().home / "demo-detect"
    paths = Paths(home, home / "collections", sqlite_url(home / "ledger.sqlite"))
    report = run_demo_detect(paths, (lambda line: None) if as_json else click.echo)
    if as_json:
        emit_json(report)
    else:
        click.echo(f"\nThe report is in {home / 'report.json'}.")
