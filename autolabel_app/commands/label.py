"""`autolabel label`: a person's decisions enter the ledger."""

from __future__ import annotations

from pathlib import Path

import click

from autolabel_app.output import emit_json
from autolabel_core.foundation.paths import annotator_name
from autolabel_core.tables.workspace import Workspace


def pairs(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    """Parse repeated `NAME=VALUE` options into a dict."""
    fields = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{value!r}: expected NAME=VALUE")
        fields[name] = text
    return fields


@click.command()
@click.argument("collection")
@click.argument("key", required=False)
@click.argument("label_", metavar="LABEL", required=False)
@click.option(
    "--csv", "csv_file", type=click.Path(path_type=Path), help="CSV with columns key,label."
)
@click.option("--withdraw", is_flag=True, help="Withdraw the label of KEY.")
@click.option(
    "--field",
    "fields",
    multiple=True,
    callback=pairs,
    metavar="FIELD=VALUE",
    help="A further field given with the label; may be repeated.",
)
@click.option("--annotator", help="Who is labelling [default: AUTOLABEL_ANNOTATOR or the login].")
@click.option("--reason", help="Why, for `explain`.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def label(
    collection: str,
    key: str | None,
    label_: str | None,
    csv_file: Path | None,
    withdraw: bool,
    fields: dict[str, str],
    annotator: str | None,
    reason: str | None,
    as_json: bool,
) -> None:
    """Label the document KEY of COLLECTION, or many from a CSV: all or nothing.

    The label is a fact in the ledger at once; `autolabel sweep` (or the running daemon) lets it
    flow over all data. A correction is simply a new label.
    """
    from autolabel_core.labelling.give_labels import GivenLabel, give_labels, read_label_csv

    workspace = Workspace.from_environment()
    declared = workspace.collection(collection)
    if csv_file is not None:
        if key is not None or withdraw or fields:
            raise click.UsageError(
                "--csv stands alone: give neither KEY, LABEL, --withdraw nor --field."
            )
        given, origin = read_label_csv(csv_file, declared.label_field), "csv"
    elif key is None or (label_ is None) != withdraw:
        raise click.UsageError("Give KEY and LABEL, or KEY and --withdraw, or --csv FILE.")
    else:
        given, origin = [GivenLabel(key, label_, fields)], "cli"
    warnings = give_labels(
        workspace, declared, given, annotator or annotator_name(), origin, reason
    )
    if as_json:
        emit_json({"recorded": len(given), "warnings": [str(w) for w in warnings]})
        return
    for warning in warnings:
        click.echo(f"Warning: {warning}", err=True)
    what = "withdrawal" if withdraw else "label"
    click.echo(
        f"{len(given)} {what}{'' if len(given) == 1 else 's'} recorded; "
        f"`autolabel sweep {collection}` lets {'it' if len(given) == 1 else 'them'} flow."
    )
