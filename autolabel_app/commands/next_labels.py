"""`autolabel next`: list the documents to label next."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from autolabel_app.options import json_option
from autolabel_app.output import emit_json, emit_table, percent
from autolabel_core.operations.project import Project

if TYPE_CHECKING:
    from autolabel_core.labelling.next_labels import NextDocument
    from autolabel_core.matching.next_labels.pace import LabelPace


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
    handle = Project.open().collection(collection)
    queue, pace = handle.next(limit), handle.label_pace()
    if as_json:
        emit_json({"collection": collection, "documents": queue, "pace": pace and asdict(pace)})
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
    if queue:
        click.echo(f"\n{_answered(queue)}; {_duration(len(queue), pace)}.")


def _answered(queue: list[NextDocument]) -> str:
    share = percent(sum(document["gain"] for document in queue))
    return f"Labels of these {len(queue)} answer {share} of the doubt about labels"


def _duration(labels: int, pace: LabelPace | None) -> str:
    if pace is None:
        return "how long they take is not known before some labels were given one by one"
    return f"they take {pace.duration(labels)}, by the last {pace.decisions} decisions"
