"""`autolabel demo-identify`: recognise a card that is held before a camera."""

from __future__ import annotations

import click

from autolabel_app.output import emit_json
from autolabel_core.foundation.paths import Paths


@click.command("demo-identify")
@click.option(
    "--json", "as_json", is_flag=True, help="Print the report as JSON, without the story."
)
def demo_identify(as_json: bool) -> None:
    """Identify 150 rendered cards by one picture each, before and after a head is trained.

    Works in the folder demo-identify/ of AUTOLABEL_HOME and writes report.json there, and
    verify.html with the most confusable pairs.
    """
    from autolabel_app.demos.identify.story import run_identify_demo

    home = Paths.from_environment().home / "demo-identify"
    report = run_identify_demo(home, (lambda line: None) if as_json else click.echo)
    if as_json:
        emit_json(report)
    else:
        click.echo(f"\n{report['seconds']:.0f} s. The report is in {home / 'report.json'}.")
