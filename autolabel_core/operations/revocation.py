"""Revocations of a whole project: tried in a copy, recorded, undone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autolabel_core.labelling.revocation import RevocationFilter, reinstate, revocable, revoke
from autolabel_core.ledger import Annotation, Ledger
from autolabel_core.operations.dry_run import DryRun, dry_run
from autolabel_core.operations.impact import referring
from autolabel_core.tables.carry_over import record_moves
from autolabel_core.tables.raw_objects import RawObjects
from autolabel_core.tables.workspace import OpenCollection, Workspace


@dataclass(frozen=True)
class CollectionChanges:
    """What would change in the labels of one collection."""

    collection: str
    changes: DryRun


def try_revocation(
    workspace: Workspace, collections: Sequence[str], wanted: RevocationFilter
) -> list[CollectionChanges]:
    """Find which labels a revocation would change, by doing it in copies; nothing is changed.

    Args:
        workspace: the stores.
        collections: whose annotations.
        wanted: which.

    Returns:
        One for each collection that has such annotations, or references among them.
    """
    found = revocable(workspace.ledger, collections, wanted)

    def act(copy: OpenCollection) -> None:
        revoke(copy.ledger, collections, wanted, "dry run")

    affected = _affected(workspace, {event.collection for event in found.annotations})
    return [CollectionChanges(one.name, dry_run(one, act)[1]) for one in affected]


def try_reinstatement(
    workspace: Workspace, collections: Sequence[str], revocation_id: str
) -> list[CollectionChanges]:
    """Find which labels the undoing of a revocation would change; nothing is changed.

    Args:
        workspace: the stores.
        collections: whose annotations it took back.
        revocation_id: its id, or how that begins.

    Returns:
        One for each collection that gets annotations back, or references among them.
    """
    given_back: set[str] = set()

    def act(copy: OpenCollection) -> None:
        events = undo_revocation(copy.workspace, collections, revocation_id, "dry run")
        given_back.update(event.collection for event in events)

    tried = [(one, dry_run(one, act)[1]) for one in _affected(workspace, collections)]
    names = {one.name for one in _affected(workspace, given_back)}
    return [CollectionChanges(one.name, changes) for one, changes in tried if one.name in names]


def undo_revocation(
    workspace: Workspace, collections: Sequence[str], revocation_id: str, by: str
) -> list[Annotation]:
    """Undo a revocation; labels whose object was renamed since go where it lies now.

    Args:
        workspace: the stores.
        collections: where it may have taken something back.
        revocation_id: its id, or how that begins.
        by: who undoes it.

    Returns:
        What counts again.
    """
    events = reinstate(workspace.ledger, collections, revocation_id, by)
    for name in sorted({event.collection for event in events}):
        objects = RawObjects(workspace.open(name))
        # Where the bucket was not read yet, the next sweep reads it and does the same.
        if not objects.stale():
            record_moves(objects, {})
    return events


def _affected(workspace: Workspace, names: Iterable[str]) -> list[OpenCollection]:
    """Return collections, and those that have their references in them."""
    found = {one.name: one for name in sorted(names) for one in referring(workspace.open(name))}
    return list(found.values())


def what_stays(ledger: Ledger, collections: Sequence[str], wanted: RevocationFilter) -> list[str]:
    """Say what else a person said that a revocation does not take back.

    Args:
        ledger: where it is.
        collections: whose.
        wanted: names the person; nothing is said where it does not.

    Returns:
        A line for each kind.
    """
    notes: list[str] = []
    for name in collections if wanted.annotator else ():
        boxes = [e for e in ledger.box_annotations(name) if e.annotator == wanted.annotator]
        verdicts = [v for v in ledger.audits(name) if v.auditor == wanted.annotator]
        if boxes:
            notes.append(
                f"{name}: {len(boxes)} box annotations by {wanted.annotator} stay; "
                f"`autolabel annotate {name} --withdraw` ends single ones."
            )
        if verdicts:
            notes.append(f"{name}: {len(verdicts)} audit verdicts by {wanted.annotator} stay.")
    return notes
