"""`autolabel impact`: everything that rests on what people said of one document."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from autolabel_app.dry_runs import change_counts
from autolabel_app.options import json_option
from autolabel_app.output import emit_json, emit_table
from autolabel_core.tables.workspace import Workspace

if TYPE_CHECKING:
    from autolabel_core.operations.impact import Impact

SHOWN_KEYS = 10


@click.command()
@click.argument("collection")
@click.argument("key")
@json_option
def impact(collection: str, key: str, as_json: bool) -> None:
    """Show what rests on the labels of the document KEY of COLLECTION.

    Auto-labels that have it as evidence, references promoted by it, models trained since, and the
    labels that would change without it, found in a copy. Nothing is changed.
    """
    from autolabel_core.operations.impact import impact as find_impact

    found = find_impact(Workspace.from_environment().open(collection), key)
    if as_json:
        emit_json(_record(found))
        return
    for annotation in found.annotations:
        click.echo(
            f"{annotation.recorded_at[:19]}Z {annotation.annotator} ({annotation.origin}): "
            f"{annotation.label or 'no label'}"
        )
    for one in found.collections:
        click.echo(
            f"{one.collection}: {len(one.auto_labels)} auto-labels rest on it"
            f"{_some(one.auto_labels)}. Without it {len(one.without.changes)} documents would "
            f"change, {one.without.unchanged} stay."
        )
        if one.without.changes:
            emit_table(change_counts(one.without))
    click.echo(f"{len(found.promoted)} references were promoted by it{_some(found.promoted)}.")
    if found.models:
        click.echo(f"Trained since, and may have learned from it: {', '.join(found.models)}.")


def _some(keys: list[str]) -> str:
    more = ", …" if len(keys) > SHOWN_KEYS else ""
    return f" ({', '.join(keys[:SHOWN_KEYS])}{more})" if keys else ""


def _record(found: Impact) -> dict[str, object]:
    return {
        "annotations": [vars(annotation) for annotation in found.annotations],
        "promoted": found.promoted,
        "collections": [
            {
                "collection": one.collection,
                "auto_labels": one.auto_labels,
                "unchanged": one.without.unchanged,
                "changes": [change._asdict() for change in one.without.changes],
            }
            for one in found.collections
        ],
        "models": found.models,
    }
