"""`autolabel impact`: everything that rests on one annotation, or on a document's labels."""

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
@click.argument("collection", metavar="[COLLECTION | ANNOTATION_ID]")
@click.argument("key", required=False)
@json_option
def impact(collection: str, key: str | None, as_json: bool) -> None:
    """Show what rests on an annotation, or on the labels of the document KEY of COLLECTION.

    Auto-labels that have it as evidence, references promoted by it, copies that moved with the
    object, exports written from it, models trained on it, and the labels that would change without
    it, found in a copy. Nothing is changed. `autolabel annotations list COLLECTION` shows the ids.
    """
    from autolabel_core.operations.impact import impact as impact_of_document
    from autolabel_core.operations.impact import impact_of_annotation

    workspace = Workspace.from_environment()
    if key is None:
        found = impact_of_annotation(workspace, collection)
    else:
        found = impact_of_document(workspace.open(collection), key)
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
    if found.moved:
        click.echo(f"It moved with its object to{_some(found.moved)}.")
    for line in found.dependents.described:
        click.echo(f"Rests on it: {line}.")
    if found.dependents.perhaps:
        versions = ", ".join(f"{m.kind} {m.version}" for m in found.dependents.perhaps)
        click.echo(f"Trained since, and may have learned from it: {versions}.")


def _some(keys: list[str]) -> str:
    more = ", …" if len(keys) > SHOWN_KEYS else ""
    return f" ({', '.join(keys[:SHOWN_KEYS])}{more})" if keys else ""


def _record(found: Impact) -> dict[str, object]:
    return {
        "annotations": [vars(annotation) for annotation in found.annotations],
        "promoted": found.promoted,
        "moved": found.moved,
        "collections": [
            {
                "collection": one.collection,
                "auto_labels": one.auto_labels,
                "unchanged": one.without.unchanged,
                "changes": [change._asdict() for change in one.without.changes],
            }
            for one in found.collections
        ],
        "exports": [vars(export) for export in found.dependents.exports],
        "models": [f"{m.kind} {m.version}" for m in found.dependents.models],
        "perhaps_models": [f"{m.kind} {m.version}" for m in found.dependents.perhaps],
    }
