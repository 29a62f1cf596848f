"""Copies of a home, to try something in: a ledger of its own, and files that are shared.

The files of the warehouse are replaced and never written to, so that another name for each is
enough. Objects are looked at by symbolic links: a second name would change when their status was
changed last, and so their version. What is done to the copy stays there, and it is gone at the end.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from autolabel_core.declarations import Collection as Declared
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.partial_folders import partial_folder
from autolabel_core.foundation.paths import Paths, sqlite_url
from autolabel_core.ledger import Ledger
from autolabel_core.ledger.backup import backup, restore
from autolabel_core.operations.staleness_plan import tables_of
from autolabel_core.operations.sweep import sweep_order
from autolabel_core.storage.s3 import SCHEME
from autolabel_core.tables.promoted_copies import PROMOTED
from autolabel_core.tables.workspace import Workspace

LABELLING = frozenset(
    {"raw_objects", "detections", "embeddings", "reference_set", "taxonomy_labels"}
)
"""The tables that labels come from."""


@contextmanager
def copied_home(
    workspace: Workspace,
    names: Iterable[str],
    without: Collection[str] = (),
    written: Collection[str] = (),
) -> Iterator[Workspace]:
    """Copy the ledger and share the tables of some collections.

    Args:
        workspace: the stores that are copied.
        names: of the collections; those that they have their references in are copied too.
        without: folders of each collection in the warehouse that are left out.
        written: collections whose buckets in the home are written to; what is added stays in the
            copy.

    Yields:
        Workspace: the copy.

    Raises:
        AutolabelError: the warehouse is not on a disk.
    """
    paths = workspace.paths
    if paths.warehouse_place.startswith(SCHEME):
        raise AutolabelError(
            "A dry run, or a look back, needs the warehouse on a disk, and it is "
            f"{paths.warehouse_place}. Copy it, name the copy in AUTOLABEL_WAREHOUSE, and try "
            "there."
        )
    with partial_folder(paths.cache / "copied_home") as folder:
        copy = Paths(folder, paths.collections, sqlite_url(folder / "ledger.sqlite"))
        _copy_ledger(workspace.ledger, folder)
        for declared in [one.declaration for one in sweep_order(workspace, names)]:
            place = Path(paths.warehouse_place) / declared.collection_name
            for inner in sorted(place.iterdir()) if place.is_dir() else ():
                if inner.name not in without:
                    _share(inner, copy.warehouse / declared.collection_name / inner.name)
            _link_buckets(paths, copy, declared, declared.collection_name in written)
        for shared in ("models", "pretrained"):
            with suppress(FileNotFoundError):
                (folder / shared).symlink_to(paths.home / shared)
        yield Workspace(copy, workspace.s3, workspace.override)


def label_copy(copy: Workspace, name: str) -> None:
    """Bring the labels of a collection up to date, as far as objects are registered.

    Args:
        copy: a workspace that nobody else uses.
        name: of the collection; the one that has its references goes before it.
    """
    for one in sweep_order(copy, [name]):
        for table in tables_of(one.declaration):
            opened = table(one)
            for batch in opened.stale() if table.name in LABELLING else []:
                opened.refresh(batch)


def _copy_ledger(ledger: Ledger, folder: Path) -> None:
    if ledger.database.is_sqlite:
        backup(ledger, folder / "ledger.sqlite")
        return
    backup(ledger, folder / "ledger.jsonl")
    restore(Ledger(sqlite_url(folder / "ledger.sqlite")), folder / "ledger.jsonl")


def _link_buckets(paths: Paths, copy: Paths, declared: Declared, is_written: bool) -> None:
    """Link to the buckets in the home; where one is written to, to what lies in it.

    Promotions alone write, and into a folder of their own: each of its files is linked to.
    """
    for bucket in declared.source.buckets:
        name = bucket.bucket_name or declared.collection_name
        place, link = paths.buckets / name, copy.buckets / name
        if bucket.uri is not None or not place.is_dir() or link.exists():
            continue
        link.parent.mkdir(exist_ok=True)
        if not is_written:
            link.symlink_to(place)
            continue
        link.mkdir()
        for inner in place.iterdir():
            if inner.name == PROMOTED and inner.is_dir():
                shutil.copytree(inner, link / PROMOTED, copy_function=os.symlink)
            else:
                (link / inner.name).symlink_to(inner)


def _share(place: Path, copy: Path) -> None:
    """Make another name for a file, or for each of a folder; where the disk has none, a copy."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    if place.is_dir():
        shutil.copytree(place, copy, copy_function=_link, symlinks=True)
    elif place.is_file():
        _link(str(place), str(copy))


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except FileNotFoundError:
        return
    except OSError:
        shutil.copy2(source, target)
