"""`autolabel rename`: give a collection another name; its annotations are kept."""

from __future__ import annotations

import click

from autolabel_app.output import emit_json
from autolabel_core.foundation.paths import annotator_name
from autolabel_core.tables.workspace import Workspace


@click.command()
@click.argument("old")
@click.argument("new")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def rename(old: str, new: str, as_json: bool) -> None:
    """Give the labels, models and clusters of the collection OLD to NEW, all or nothing.

    Change the name in the YAML first: OLD is declared no more, NEW is. What is derived is made anew
    by the next sweep. Stop the daemon meanwhile.
    """
    from autolabel_core.operations.renaming import rename as rename_collection

    counts = rename_collection(Workspace.from_environment(), old, new, annotator_name())
    if as_json:
        emit_json({"from": old, "to": new, "renamed": counts})
        return
    shown = ", ".join(f"{rows} {name.replace('_', ' ')}" for name, rows in counts.items())
    click.echo(f"`{old}` is `{new}` now: {shown}. `autolabel sweep {new}` builds its tables again.")
