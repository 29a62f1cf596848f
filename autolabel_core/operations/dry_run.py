"""Dry runs: what an action would change in the labels, found by doing it to a copy.

The very code that would do it does it there, so that nothing can come out differently.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Collection as AnyCollection
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from autolabel_core.declarations.collections_folder import CollectionsFolder
from autolabel_core.documents.documents import Documents
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.labelling.promotion import Promotion, promote
from autolabel_core.operations.copied_home import copied_home, label_copy
from autolabel_core.operations.registration import register
from autolabel_core.tables.workspace import OpenCollection, Workspace

Result = TypeVar("Result")


class LabelChange(NamedTuple):
    """A document whose label, or where that is from, would be another; None is no label."""

    key: str
    label_before: str | None
    source_before: str | None
    label_after: str | None
    source_after: str | None


@dataclass(frozen=True)
class DryRun:
    """What would change, by key.

    Attributes:
        changes: the documents whose label or source would be another.
        unchanged: how many documents would stay as they are.
    """

    changes: Sequence[LabelChange]
    unchanged: int

    @property
    def counted(self) -> list[tuple[str | None, str | None, int]]:
        """Each label before and after, with the number of documents, the most frequent first."""
        pairs = Counter((c.label_before, c.label_after) for c in self.changes)
        return [(*pair, n) for pair, n in sorted(pairs.items(), key=lambda i: (-i[1], str(i[0])))]


def dry_run(
    collection: OpenCollection,
    act: Callable[[OpenCollection], Result],
    override: CollectionsFolder | None = None,
    written: AnyCollection[str] = (),
) -> tuple[Result, DryRun]:
    """Do something to a copy of a collection, and compare its labels before and after.

    What waits for the next sweep already is done to the copy first, and is not counted. Whatever
    `act` raises is raised, and an `AutolabelError` where the warehouse is not on a disk.

    Args:
        collection: whose labels are compared; it stays as it is.
        act: what is tried; it is given the copy.
        override: declarations that are tried too, in place of those in use.
        written: collections whose buckets `act` writes to.

    Returns:
        What `act` returned, and what would change.
    """
    name = collection.name
    with copied_home(collection.workspace, [name], written=written) as copy:
        label_copy(copy, name)
        before = labels_of(copy, name)
        result = act(copy.open(name))
        # Opened anew: what was read of the ledger and the tables is remembered.
        copy = Workspace(copy.paths, copy.s3, override or copy.override)
        label_copy(copy, name)
        after = labels_of(copy, name)
    return result, changes_between(before, after)


Labels = Mapping[str, tuple[str | None, str | None]]
"""Label and source of each document, by key."""


def changes_between(before: Labels, after: Labels) -> DryRun:
    """Compare labels.

    Args:
        before: the labels of one moment.
        after: the labels of another.

    Returns:
        What differs; a document that is absent has no label.
    """
    nothing = (None, None)
    keys = sorted(set(before) | set(after))
    pairs = [(key, before.get(key, nothing), after.get(key, nothing)) for key in keys]
    changes = [LabelChange(key, *old, *new) for key, old, new in pairs if old != new]
    return DryRun(changes, len(keys) - len(changes))


def labels_of(workspace: Workspace, name: str) -> Labels:
    """Return the labels of a collection as they stand in its tables."""
    with Documents(workspace.open(name), clusters=False).connect() as connection:
        rows = connection.execute("SELECT key, label, label_source FROM documents").fetchall()
    return {key: (label, source) for key, label, source in rows}


def dry_run_of_promotion(
    collection: OpenCollection, chosen: list[Promotion], reviewer: str
) -> tuple[int, DryRun]:
    """Try a promotion, as `dry_run` does.

    Args:
        collection: whose documents would be promoted.
        chosen: what the reviewer would accept.
        reviewer: who reviews.

    Returns:
        How many labels would be recorded, and what would change.

    Raises:
        AutolabelError: objects would be copied into a bucket that is no part of the home.
    """
    target = collection.workspace.open(str(collection.declaration.reference_collection))
    if target.name == collection.name:
        return dry_run(collection, lambda copy: promote(copy, chosen, reviewer))
    elsewhere = [b.uri for b in target.declaration.source.buckets if b.uri is not None]
    if elsewhere:
        raise AutolabelError(
            f"A promotion copies objects into the bucket of `{target.name}`, {elsewhere[0]}, and a "
            "dry run copies nothing there. Promote a few with --limit, sweep, and look."
        )

    def act(copy: OpenCollection) -> int:
        recorded = promote(copy, chosen, reviewer)
        register(copy.workspace.open(target.name))
        return recorded

    return dry_run(collection, act, written=[target.name])
