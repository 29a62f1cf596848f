"""`autolabel revoke`: take back what somebody said, with what rests on it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from autolabel_app.dry_runs import change_counts, dry_run_option
from autolabel_app.options import is_confirmed, json_option
from autolabel_app.output import emit_json, emit_table
from autolabel_core.foundation.paths import annotator_name
from autolabel_core.tables.workspace import Workspace

if TYPE_CHECKING:
    from autolabel_core.labelling.revocation import Revocable, RevocationFilter
    from autolabel_core.operations.revocation import CollectionChanges

SHOWN = 20
SHOWN_CHARACTERS = 8


@click.command()
@click.argument("collection", required=False)
@click.option("--annotator", help="What this person said.")
@click.option("--since", metavar="WINDOW", help="Only since: 24h, 7d, or a date (UTC).")
@click.option("--id", "ids", multiple=True, metavar="ID", help="This annotation; may be repeated.")
@click.option(
    "--import",
    "moment",
    metavar="MOMENT",
    help="What was recorded in one go at this moment, as `annotations list` shows it.",
)
@click.option("--batch", metavar="B", help="What was said of the objects of this batch.")
@click.option("--reason", help="Why; `explain` shows it.")
@click.option("--undo", metavar="ID", help="Undo the revocation with this id: it counts again.")
@click.option("--list", "listed", is_flag=True, help="List the revocations that stand.")
@click.option("--yes", is_flag=True, help="Record it without asking.")
@dry_run_option
@json_option
def revoke(
    collection: str | None,
    annotator: str | None,
    since: str | None,
    ids: tuple[str, ...],
    moment: str | None,
    batch: str | None,
    reason: str | None,
    undo: str | None,
    listed: bool,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Take back annotations of COLLECTION, or of all collections, as if nobody had given them.

    Promotions and moved labels that rest on them go with them, in one transaction; what they had
    displaced counts again; what other people said stays. Exports and models that rest on them are
    marked. Conditions are combined. The next sweep labels everything anew.
    """
    from autolabel_core.labelling.revocation import (
        RevocationFilter,
        find_annotation,
        standing_revocations,
    )

    workspace = Workspace.from_environment()
    names = _names(workspace, collection)
    if listed:
        records = standing_revocations(workspace.ledger, names)
        rows: list[dict[str, object]] = [
            {
                "id": r.revocation_id if as_json else r.revocation_id[:SHOWN_CHARACTERS],
                "at": r.recorded_at if as_json else r.recorded_at[:19],
                "by": r.revoked_by,
                "annotations": r.annotations,
                "reason": r.reason,
            }
            for r in records
        ]
        emit_json(rows) if as_json else emit_table(rows, empty="No revocation stands.")
        return
    if undo is not None:
        if any((annotator, since, ids, moment, batch, reason)):
            raise click.UsageError("--undo takes the id of a revocation and no other condition.")
        _undo(workspace, names, undo, dry_run, as_json)
        return
    wanted = RevocationFilter(
        annotator,
        _begin(since),
        moment,
        batch,
        frozenset(find_annotation(workspace.ledger, id_, names).event_id for id_ in ids),
    )
    _revoke(workspace, names, wanted, reason, yes, dry_run, as_json)


def _names(workspace: Workspace, collection: str | None) -> list[str]:
    if collection is None:
        for problem in workspace.declared.problems:
            click.echo(f"Left out: {problem}", err=True)
        return sorted(workspace.collections)
    return [workspace.collection(collection).collection_name]


def _begin(since: str | None) -> str | None:
    from autolabel_core.documents.quality import parse_since

    return None if since is None else parse_since(since, datetime.now(UTC))


def _revoke(
    workspace: Workspace,
    names: list[str],
    wanted: RevocationFilter,
    reason: str | None,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    from autolabel_core.labelling.revocation import revocable
    from autolabel_core.labelling.revocation import revoke as record
    from autolabel_core.operations.dependents import dependents, mark_exports
    from autolabel_core.operations.revocation import try_revocation, what_stays

    found = revocable(workspace.ledger, names, wanted)
    notes = what_stays(workspace.ledger, names, wanted)
    if dry_run:
        _show_changes(found, try_revocation(workspace, names, wanted), notes, as_json)
        return
    if not as_json:
        _show(found, notes)
    question = f"Revoke these {len(found.annotations)}?"
    accepted = is_confirmed(question, len(found.annotations), yes, as_json)
    used = dependents(workspace.ledger, found.annotations)
    if accepted:
        found = record(workspace.ledger, names, wanted, annotator_name(), reason)
        mark_exports(workspace.ledger, sorted(workspace.collections))
    if as_json:
        emit_json({**_record(found, notes), "rest_on_it": used.described, "recorded": accepted})
    elif accepted:
        for line in used.described:
            click.echo(f"Rests on them, and is marked: {line}.")
        click.echo(
            f"Revoked {len(found.annotations)} as {found.revocation_id[:SHOWN_CHARACTERS]}; "
            "`autolabel sweep` labels everything anew. "
            f"`autolabel revoke --undo {found.revocation_id[:SHOWN_CHARACTERS]}` undoes it."
        )
    elif found.annotations:
        click.echo("Nothing revoked: repeat with --yes, or look first with --dry-run.")


def _undo(
    workspace: Workspace, names: list[str], revocation_id: str, dry_run: bool, as_json: bool
) -> None:
    from autolabel_core.labelling.revocation import Revocable, standing_revocations
    from autolabel_core.operations.dependents import mark_exports
    from autolabel_core.operations.revocation import try_reinstatement, undo_revocation

    if dry_run:
        changes = try_reinstatement(workspace, names, revocation_id)
        _show_changes(Revocable(), changes, [], as_json)
        return
    events = undo_revocation(workspace, names, revocation_id, annotator_name())
    mark_exports(workspace.ledger, sorted(workspace.collections))
    standing = standing_revocations(workspace.ledger, names)
    left = sum(r.annotations for r in standing if r.revocation_id.startswith(revocation_id))
    if as_json:
        emit_json({"reinstated": len(events), "left_revoked": left})
        return
    click.echo(f"{len(events)} annotations count again; `autolabel sweep` labels by them.")
    if left:
        click.echo(
            f"{left} stay revoked: they rest on what another revocation took back. Undo that one, "
            "then this one again; `autolabel revoke --list` shows both."
        )


def _show(found: Revocable, notes: list[str]) -> None:
    counts = Counter((e.collection, e.annotator, e.label, e.origin) for e in found.annotations)
    rows: list[dict[str, object]] = [
        {
            "collection": name,
            "annotator": annotator,
            "label": label,
            "origin": origin,
            "annotations": n,
        }
        for (name, annotator, label, origin), n in counts.most_common()
    ]
    emit_table(rows[:SHOWN], empty="No annotation is meant that counts.")
    if len(rows) > SHOWN:
        click.echo(f"… and {len(rows) - SHOWN} more kinds; --json lists all.")
    if found.annotations:
        click.echo(f"{len(found.chosen)} chosen, {len(found.descendants)} rest on them.")
    for note in notes:
        click.echo(note)


def _show_changes(
    found: Revocable, changes: list[CollectionChanges], notes: list[str], as_json: bool
) -> None:
    if as_json:
        emit_json(
            {
                **_record(found, notes),
                "dry_run": True,
                "collections": [
                    {
                        "collection": one.collection,
                        "unchanged": one.changes.unchanged,
                        "changes": [change._asdict() for change in one.changes.changes],
                    }
                    for one in changes
                ],
            }
        )
        return
    click.echo("Nothing is recorded.")
    if found.annotations:
        _show(found, notes)
    for one in changes:
        click.echo(
            f"{one.collection}: {len(one.changes.changes)} documents would change, "
            f"{one.changes.unchanged} stay."
        )
        if one.changes.changes:
            emit_table(change_counts(one.changes))


def _record(found: Revocable, notes: list[str]) -> dict[str, object]:
    return {
        "revocation_id": found.revocation_id or None,
        "chosen": [vars(event) for event in found.chosen],
        "descendants": [vars(event) for event in found.descendants],
        "notes": notes,
    }
