"""The embedded vector index: opened, and where it is damaged set aside, so that it is made anew."""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from autolabel_core.foundation.errors import AutolabelError

if TYPE_CHECKING:
    import chromadb

DATABASE = "chroma.sqlite3"
HEADER_BYTES = 100
JOURNALS = ("-journal", "-wal")
SECOND_LOOK_SECONDS = 0.05
MAGIC = b"SQLite format 3\0"
NOT_OF_THE_INDEX = (AutolabelError, KeyboardInterrupt, SystemExit, GeneratorExit)
LOGGER = logging.getLogger("autolabel")


def open_index(folder: Path) -> chromadb.ClientAPI:
    """Open the embedded vector index; only one process may write to it at a time."""
    # Chroma reads both before its settings are made.
    os.environ["ANONYMIZED_TELEMETRY"] = "False"
    import chromadb
    from chromadb.config import Settings

    settings = Settings(anonymized_telemetry=False)
    return chromadb.PersistentClient(path=str(folder), settings=settings)


@contextmanager
def usable_index(folder: Path) -> Iterator[chromadb.ClientAPI]:
    """Open the index for writing; one that fails is set aside with its notes."""
    try:
        yield open_index(folder)
    except NOT_OF_THE_INDEX:
        raise
    except BaseException as error:  # Chroma's Rust code panics with no Exception.
        raise AutolabelError(_failed(folder, error)) from error


def _failed(folder: Path, error: BaseException) -> str:
    problem = " ".join(str(error).split())[:200]
    aside = set_aside(folder, problem)
    return (
        f"The vector index {folder} failed ({problem}); it is set aside as {aside.name}. "
        "It is derived: run `autolabel sweep` once more, and it is made anew."
    )


def is_damaged(folder: Path) -> bool:
    """Whether the index's database is shorter than its own header says, or no database.

    While somebody writes, the header is ahead of the file for a moment; what a killed writer left
    is rolled back when the database is opened. Both have a journal beside them.

    Args:
        folder: where it lies; none at all is no damage.

    Returns:
        What two looks at the first bytes tell.
    """
    if not _is_no_whole_database(folder) or _has_journal(folder):
        return False
    # A writer may have ended between the look at the file and the look for its journal.
    time.sleep(SECOND_LOOK_SECONDS)
    return _is_no_whole_database(folder) and not _has_journal(folder)


def _has_journal(folder: Path) -> bool:
    return any((folder / f"{DATABASE}{ending}").exists() for ending in JOURNALS)


def _is_no_whole_database(folder: Path) -> bool:
    database = folder / DATABASE
    try:
        with database.open("rb") as opened:
            header = opened.read(HEADER_BYTES)
            size = os.fstat(opened.fileno()).st_size
    except FileNotFoundError:
        return (folder / "notes").is_dir()
    except OSError:
        return False
    if len(header) < HEADER_BYTES or not header.startswith(MAGIC):
        return True
    page_bytes = int.from_bytes(header[16:18], "big")
    page_bytes = 65_536 if page_bytes == 1 else page_bytes
    return size < page_bytes * int.from_bytes(header[28:32], "big")


def set_aside(folder: Path, problem: str) -> Path:
    """Rename the index's folder, in place of one set aside before.

    Args:
        folder: where it lies.
        problem: what is wrong with it, for the log.

    Returns:
        Where it is now.

    Raises:
        AutolabelError: it cannot be renamed.
    """
    aside = folder.with_name(f"{folder.name}.damaged")
    _close_clients()
    try:
        shutil.rmtree(aside, ignore_errors=True)
        folder.rename(aside)
    except FileNotFoundError:
        return aside
    except OSError as error:
        raise AutolabelError(
            f"The vector index {folder} is damaged and cannot be set aside: {error.strerror}. It "
            "is derived: delete the folder, and `autolabel sweep` makes it anew."
        ) from error
    LOGGER.warning(
        "The vector index %s was damaged (%s); it is set aside as %s, and `autolabel sweep` makes "
        "it anew.",
        *(folder, problem, aside.name),
    )
    return aside


def discard_index(folder: Path) -> None:
    """Remove the index with its notes, and what was set aside of it; the next sweep makes it anew.

    Deleting vectors in the index would not do: its database keeps them in a log and in free pages.
    """
    _close_clients()
    for place in (folder, folder.with_name(f"{folder.name}.damaged")):
        shutil.rmtree(place, ignore_errors=True)


def _close_clients() -> None:
    """Forget clients of this process, which would go on with the files that were renamed."""
    import sys

    if "chromadb" in sys.modules:
        from chromadb.api.shared_system_client import SharedSystemClient

        SharedSystemClient.clear_system_cache()
