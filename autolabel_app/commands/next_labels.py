"""`autolabel next`: list the documents to label next."""

from __future__ import annotations

import click

from autolabel_app.options import json_option
from autolabel_app.output import emit_json, emit_table, percent
from autolabel_core.operations.project import Project


@click.command("next")
@click.argument("collection")
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="At most so many documents.",
)
@json_option
def next_labels(collection: str, limit: int, as_json: bool) -> None:
    """List the documents of COLLECTION that a person should label next.

    First those that most others are like, then those that the references are in doubt about, no
    two of them alike. Label them, sweep, and ask again. Before the first label it works too.
    """
    queue = Project.open().collection(collection).next(limit)
    if as_json:
        emit_json({"collection": collection, "documents": queue})
        return
    rows = [
        {
            "key": document["key"],
            "suggested": document["suggested_label"],
            "gain": percent(document["gain"]),
            "why": document["why"],
        }
        for document in queue
    ]
    emit_table(rows, empty="Nothing to ask: what is left is labelled, or nearly equal to it.")
