"""Folders that are written beside their place; what a killed process left of them is cleared.

A writer locks its folder for as long as it lives, and the system ends the lock with the process. A
folder whose lock is free is thus of a writer that was killed.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SHOWN_CHARACTERS = 40
SUFFIX = ".partial"


@contextmanager
def partial_folder(place: Path) -> Iterator[Path]:
    """Make a fresh folder beside a place, after clearing those of killed writers of that place.

    Args:
        place: what the folder, or something in it, is to be renamed to.

    Yields:
        Path: the empty folder; whatever is left of it at the end is removed.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    clear_killed(place)
    fresh, lock = _locked(place)
    try:
        yield fresh
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        os.close(lock)


def clear_killed(place: Path) -> None:
    """Remove the folders beside a place that killed writers left, and no live writer's.

    Args:
        place: as given to `partial_folder`.
    """
    ours = re.compile(rf"{re.escape(_start(place))}[0-9a-f]{{32}}{re.escape(SUFFIX)}")
    for folder in list(place.parent.iterdir()):
        if ours.fullmatch(folder.name) and folder.is_dir() and not folder.is_symlink():
            _clear_if_killed(folder)


def _clear_if_killed(folder: Path) -> None:
    try:
        lock = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)


def _locked(place: Path) -> tuple[Path, int]:
    """Make a folder and lock it; another process may clear it before the lock is there."""
    while True:
        fresh = place.parent / f"{_start(place)}{uuid.uuid4().hex}{SUFFIX}"
        fresh.mkdir()
        with suppress(FileNotFoundError):
            lock = os.open(fresh, os.O_RDONLY)
            # File systems without locks on folders (some of a network) never clear one.
            with suppress(OSError):
                fcntl.flock(lock, fcntl.LOCK_EX)
            if fresh.exists():
                return fresh, lock
            os.close(lock)


def _start(place: Path) -> str:
    return f".{place.name[:SHOWN_CHARACTERS]}."
