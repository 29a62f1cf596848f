"""Dry runs: what an action would change in the labels, found by doing it to a copy.

The copy has a ledger of its own and shares the files of the warehouse, which are replaced and never
written to. The very code that would do it does it there, so that nothing can come out differently.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

from autolabel_core.declarations import Collection
from autolabel_core.documents.documents import Documents
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.partial_folders import partial_folder
from autolabel_core.foundation.paths import Paths, sqlite_url
from autolabel_core.labelling.promotion import Promotion, promote
from autolabel_core.ledger import Ledger
from autolabel_core.ledger.backup import backup, restore
from autolabel_core.operations.registration import register
from autolabel_core.operations.staleness_plan import tables_of
from autolabel_core.operations.sweep import sweep_order
from autolabel_core.storage.s3 import SCHEME
from autolabel_core.tables.workspace import OpenCollection, Workspace

LABELLING = frozenset(
    {"raw_objects", "detections", "embeddings", "reference_set", "taxonomy_labels"}
)
"""The tables that labels come from."""
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
    collection: OpenCollection, act: Callable[[OpenCollection], Result]
) -> tuple[Result, DryRun]:
    """Do something to a copy of a collection, and compare its labels before and after.

    What waits for the next sweep already is done to the copy first, and is not counted. Whatever
    `act` raises is raised, and an `AutolabelError` where the warehouse is not on a disk.

    Args:
        collection: whose labels are compared; it stays as it is.
        act: what is tried; it is given the copy.

    Returns:
        What `act` returned, and what would change.
    """
    with _copied(collection) as copy:
        _label(copy)
        before = _labels(copy)
        result = act(copy)
        # Opened anew: what was read of the ledger and the tables is remembered.
        copy = OpenCollection(Workspace(copy.paths, copy.workspace.s3), copy.declaration)
        _label(copy)
        after = _labels(copy)
    nothing = (None, None)
    keys = sorted(set(before) | set(after))
    pairs = [(key, before.get(key, nothing), after.get(key, nothing)) for key in keys]
    changes = [LabelChange(key, *old, *new) for key, old, new in pairs if old != new]
    return result, DryRun(changes, len(keys) - len(changes))


def _labels(collection: OpenCollection) -> dict[str, tuple[str | None, str | None]]:
    with Documents(collection, clusters=False).connect() as connection:
        rows = connection.execute("SELECT key, label, label_source FROM documents").fetchall()
    return {key: (label, source) for key, label, source in rows}


def _label(collection: OpenCollection) -> None:
    """Bring the labels up to date, as far as objects are registered."""
    for one in sweep_order(collection.workspace, [collection.name]):
        for table in tables_of(one.declaration):
            opened = table(one)
            for batch in opened.stale() if table.name in LABELLING else []:
                opened.refresh(batch)


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

    return dry_run(collection, act)


@contextmanager
def _copied(collection: OpenCollection) -> Iterator[OpenCollection]:
    """Make a copy of the stores; it is gone at the end."""
    paths = collection.paths
    if paths.warehouse_place.startswith(SCHEME):
        raise AutolabelError(
            f"A dry run needs the warehouse on a disk, and it is {paths.warehouse_place}. Copy it, "
            "name the copy in AUTOLABEL_WAREHOUSE, and try there."
        )
    with partial_folder(paths.cache / "dry_run") as folder:
        copy = Paths(folder, paths.collections, sqlite_url(folder / "ledger.sqlite"))
        _copy_ledger(collection.workspace.ledger, folder)
        chain = sweep_order(collection.workspace, [collection.name])
        for declared in [one.declaration for one in chain]:
            _share(
                Path(paths.warehouse_place) / declared.collection_name,
                copy.warehouse / declared.collection_name,
            )
            _share_bucket(paths, copy, declared)
        for shared in ("models", "pretrained"):
            with suppress(FileNotFoundError):
                (folder / shared).symlink_to(paths.home / shared)
        workspace = Workspace(copy, collection.workspace.s3)
        yield OpenCollection(workspace, workspace.collection(collection.name))


def _copy_ledger(ledger: Ledger, folder: Path) -> None:
    if ledger.database.is_sqlite:
        backup(ledger, folder / "ledger.sqlite")
        return
    backup(ledger, folder / "ledger.jsonl")
    restore(Ledger(sqlite_url(folder / "ledger.sqlite")), folder / "ledger.jsonl")


def _share_bucket(paths: Paths, copy: Paths, declared: Collection) -> None:
    """Share buckets that lie in the home, so that what is added to the copy stays there."""
    for bucket in declared.source.buckets:
        if bucket.uri is None:
            name = bucket.bucket_name or declared.collection_name
            if not (copy.buckets / name).exists():
                _share(paths.buckets / name, copy.buckets / name)


def _share(folder: Path, place: Path) -> None:
    """Make another name for each file of a folder; where the disk has none, a copy."""
    if not folder.is_dir():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(folder, place, copy_function=_link, symlinks=True)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except FileNotFoundError:
        return
    except OSError:
        shutil.copy2(source, target)
