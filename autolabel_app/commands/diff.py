"""`autolabel diff`: what differs between two moments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from autolabel_app.dry_runs import MAX_SHOWN, change_counts
from autolabel_app.options import json_option
from autolabel_app.output import emit_json, emit_table, shown
from autolabel_core.operations.project import Project

if TYPE_CHECKING:
    from autolabel_core.operations.collection_state import StateDifference


@click.command()
@click.argument("a")
@click.argument("b", default="now")
@click.option("--collection", help="Only this collection [default: all].")
@json_option
def diff(a: str, b: str, collection: str | None, as_json: bool) -> None:
    """Show what differs between the moments A and B [default: now].

    A moment is a snapshot's name, a date or moment (UTC), a length of time ago such as 7d, or
    `now`. Compared are labels, references, thresholds, vocabulary, class ids and models.
    """
    from autolabel_core.operations.compare_moments import compare_moments

    workspace = Project.open().workspace
    names = [workspace.collection(collection).collection_name] if collection else None
    compared = compare_moments(workspace, a, b, names)
    for note in compared.notes:
        click.echo(f"Note: {note}", err=True)
    if as_json:
        collections = {name: _record(found) for name, found in compared.differences.items()}
        emit_json({"a": a, "b": b, "notes": compared.notes, "collections": collections})
        return
    for name, found in compared.differences.items():
        _show(name, found)
    if not compared.differences:
        click.echo("No collection was swept at either moment.")


def _show(name: str, found: StateDifference) -> None:
    labels, references = found.labels, found.references
    click.echo(
        f"{name}: {len(labels.changes)} labels or their sources differ, "
        f"{labels.unchanged} are the same; "
        f"{len(references.changes)} references differ, {references.unchanged} are the same."
    )
    if found.labels.changes:
        rows = change_counts(found.labels, "label in A", "in B")
        emit_table(rows[:MAX_SHOWN])
    for change in found.labels.changes[:MAX_SHOWN]:
        before, after = shown(change.label_before), shown(change.label_after)
        sources = f"{change.source_before or '–'} → {change.source_after or '–'}"
        click.echo(f"  {shown(change.key)}: {before} → {after} ({sources})")
    if len(found.labels.changes) > MAX_SHOWN:
        click.echo(f"  … and {len(found.labels.changes) - MAX_SHOWN} more; --json lists all.")
    _show_pairs("threshold", found.thresholds)
    _show_pairs("references of", found.vocabulary)
    _show_pairs("class id of", found.class_ids)
    _show_pairs("in service:", found.models)
    if found.rule:
        click.echo(f"  declared otherwise: {', '.join(found.rule)}")


def _show_pairs(what: str, pairs: Mapping[str, tuple[object, object]]) -> None:
    for name, (before, after) in pairs.items():
        click.echo(f"  {what} {shown(name)}: {shown(before)} → {shown(after)}")


def _record(found: StateDifference) -> dict[str, object]:
    changes = {
        part: {
            "unchanged": compared.unchanged,
            "changes": [change._asdict() for change in compared.changes],
        }
        for part, compared in (("labels", found.labels), ("references", found.references))
    }
    return {**asdict(found), **changes}
