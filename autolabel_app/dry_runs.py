"""Shows what a dry run found, for every command that has `--dry-run`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from autolabel_app.output import emit_json, emit_table

if TYPE_CHECKING:
    from autolabel_core.labelling.give_labels import GivenLabel, LabelReport
    from autolabel_core.operations.dry_run import DryRun
    from autolabel_core.operations.project_collection import ProjectCollection

MAX_SHOWN = 20

dry_run_option = click.option(
    "--dry-run",
    is_flag=True,
    help="Record nothing: show which labels would change after the next sweep.",
)


def dry_run_of_labels(
    handle: ProjectCollection, given: list[GivenLabel], origin: str, annotator: str | None
) -> tuple[LabelReport, DryRun]:
    """Try labels and withdrawals.

    Args:
        handle: the collection.
        given: labels and withdrawals.
        origin: where they come from, such as `cli` or `csv`.
        annotator: who says so; None: as on the command line.

    Returns:
        What would be recorded, and which labels would change.
    """
    from autolabel_core.labelling.give_labels import give_labels
    from autolabel_core.operations.dry_run import dry_run

    who = annotator or handle.annotator
    return dry_run(handle.opened, lambda copy: give_labels(copy, given, who, origin))


def show_dry_run(found: DryRun, as_json: bool) -> None:
    """Print the changes: counted by label, and the first of them by key.

    Args:
        found: what would change.
        as_json: whether a program reads it; then all are listed.
    """
    if as_json:
        changes = [change._asdict() for change in found.changes]
        emit_json({"dry_run": True, "unchanged": found.unchanged, "changes": changes})
        return
    click.echo(
        f"Nothing is recorded. {len(found.changes)} documents would change, {found.unchanged} stay."
    )
    if not found.changes:
        return
    emit_table(change_counts(found))
    click.echo()
    emit_table(
        [
            {
                "key": change.key,
                "label now": _named(change.label_before, change.source_before),
                "then": _named(change.label_after, change.source_after),
            }
            for change in found.changes[:MAX_SHOWN]
        ]
    )
    if len(found.changes) > MAX_SHOWN:
        click.echo(f"… and {len(found.changes) - MAX_SHOWN} more; --json lists all.")


def change_counts(
    found: DryRun, before: str = "label now", after: str = "then"
) -> list[dict[str, object]]:
    """Return rows for a table: labels before and after, with the number of documents."""
    return [
        {before: old or "–", after: new or "–", "documents": n} for old, new, n in found.counted
    ]


def _named(label: str | None, source: str | None) -> str:
    return "–" if source is None else f"{label or '–'} ({source})"
