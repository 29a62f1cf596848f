"""Compares a project at two moments, collection by collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autolabel_core.operations.as_of import Moment, past
from autolabel_core.operations.collection_state import (
    CollectionState,
    StateDifference,
    collection_state,
    difference,
)
from autolabel_core.operations.snapshots import find_moment
from autolabel_core.tables.workspace import Workspace


@dataclass(frozen=True)
class ComparedMoments:
    """What differs between two moments.

    Attributes:
        differences: by collection, of those that were swept at either.
        notes: what could not be shown as it stood.
    """

    differences: Mapping[str, StateDifference]
    notes: Sequence[str]


def compare_moments(
    workspace: Workspace, a: str, b: str, names: Sequence[str] | None = None
) -> ComparedMoments:
    """Compare two moments; both are looked at by the same code, in copies.

    Args:
        workspace: the project.
        a: a moment, as `find_moment` reads it.
        b: another one.
        names: of the collections; None is all.

    Returns:
        What differs.
    """
    wanted = sorted(workspace.collections) if names is None else list(names)
    wanted = [name for name in wanted if workspace.ledger.knows(name)]
    if not wanted:
        return ComparedMoments({}, [])
    moments = [find_moment(workspace, text) for text in (a, b)]
    (before, old_notes), (after, new_notes) = (_states(workspace, m, wanted) for m in moments)
    notes = [f"{a}: {note}" for note in old_notes] + [f"{b}: {note}" for note in new_notes]
    return ComparedMoments({name: difference(before[name], after[name]) for name in wanted}, notes)


def _states(
    workspace: Workspace, moment: Moment, names: Sequence[str]
) -> tuple[dict[str, CollectionState], list[str]]:
    with past(workspace, moment, names) as then:
        return {name: collection_state(then.workspace, name) for name in names}, then.notes
