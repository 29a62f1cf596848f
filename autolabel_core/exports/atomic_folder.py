"""Writes an export's folder beside its place and renames it into it: complete, or not at all."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.partial_folders import SHOWN_CHARACTERS, partial_folder

MARKER = ".autolabel-export.json"
REVOKED_MARK = "REVOKED.txt"
"""Put into an export later, where annotations that it rests on were revoked."""
# Files that desktops leave in any folder that somebody looked at, and ultralytics beside labels.
_LITTER = frozenset(
    {".DS_Store", "Thumbs.db", "desktop.ini", "train.cache", "val.cache", "test.cache"}
)


@contextmanager
def replacing(out: Path, fmt: str) -> Iterator[Path]:
    """An empty folder to write into, which becomes `out` at the end, or vanishes on any error.

    Args:
        out: where the export shall be: absent, empty, or an earlier export.
        fmt: name of the format, for the marker file that later exports recognise.

    Yields:
        Path: The folder to write into, beside `out`.

    Raises:
        AutolabelError: when `out` holds anything else, or the disk is full.
        OSError: when the folder cannot be written for another reason.
    """
    place = out.resolve()
    _refuse_foreign(place)
    try:
        with partial_folder(place) as fresh:
            yield fresh
            _mark(fresh, fmt)
            _swap(fresh, place)
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise AutolabelError(
            f"Expected room for the export in {place.parent}, found a full disk ({error}). "
            "Nothing was changed there: free some space or choose another folder."
        ) from error


def _refuse_foreign(place: Path) -> None:
    if place.is_dir():
        ours = set(_written_before(place)) | {MARKER, REVOKED_MARK}
        strangers = (name for name in _files_under(place) if name not in ours)
        stranger = next((name for name in strangers if Path(name).name not in _LITTER), None)
        if stranger is None:
            return
        found = f"a folder with a file that no export wrote: {stranger}"
    elif place.exists():
        found = "a file"
    else:
        return
    raise AutolabelError(
        f"Expected {place} to be absent, empty or an earlier export, found {found}. "
        "Choose another folder, or move away what is there."
    )


def _written_before(place: Path) -> list[str]:
    try:
        marker = json.loads((place / MARKER).read_text(encoding="utf-8"))
        return [str(name) for name in marker["files"]]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return []


def _mark(folder: Path, fmt: str) -> None:
    marker = {
        "written_by": "autolabel export",
        "format": fmt,
        "files": sorted(_files_under(folder)),
    }
    text = json.dumps(marker, ensure_ascii=False, indent=0) + "\n"
    (folder / MARKER).write_text(text, encoding="utf-8", newline="\n")


def _files_under(folder: Path) -> Iterator[str]:
    for root, _, names in os.walk(folder):
        for name in sorted(names):
            yield (Path(root) / name).relative_to(folder).as_posix()


def _swap(fresh: Path, place: Path) -> None:
    """Put `fresh` in the place of the earlier export, which stays until the new one is there."""
    earlier = fresh.with_suffix(".earlier")
    if place.exists():
        place.rename(earlier)
    try:
        fresh.rename(place)
    except OSError:
        if earlier.exists():
            earlier.rename(place)
        raise
    shutil.rmtree(earlier, ignore_errors=True)
    for folder in _left_beside(place):
        shutil.rmtree(folder, ignore_errors=True)


def _left_beside(place: Path) -> list[Path]:
    """Earlier exports that a kill in the middle of a swap left, now that there is a new one.

    A longer name is cut, so that it may be another place's.
    """
    if len(place.name) > SHOWN_CHARACTERS:
        return []
    ours = re.compile(rf"\.{re.escape(place.name)}\.[0-9a-f]{{32}}\.earlier")
    return [folder for folder in place.parent.iterdir() if ours.fullmatch(folder.name)]
