"""Writes files in one step, and reads them as one version."""

from __future__ import annotations

import errno
import fcntl
import os
import resource
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from autolabel_core.foundation.errors import AutolabelError

SPARE_HANDLES = 256
SUFFIX = ".autolabel.part"
"""Of files being written; other programs leave unfinished files of theirs as `.part`."""
_CLEARED: set[Path] = set()
"""Folders in which this process has looked for what killed writers left."""


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Write to a temporary name beside `path`, flush it to the disk, and rename it over.

    Args:
        path: where the file shall stand; it is replaced in one step, or left as it was.
        write: writes the content to the path that it is given.

    Raises:
        AutolabelError: the disk is full, or refuses the file.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _clear_once(path.parent)
        with _part_of(path) as part:
            write(part)
            with part.open("rb+") as handle:
                os.fsync(handle.fileno())
            part.replace(path)
    except OSError as error:
        raise AutolabelError(_explained(error, path)) from error


def clear_killed_writes(folder: Path, below: bool = False) -> None:
    """Remove the unfinished files that killed writers left in a folder, and no live writer's.

    Args:
        folder: it may be absent.
        below: whether the folders below it are looked at too.
    """
    names = os.walk(folder) if below else [(str(folder), [], _files_in(folder))]
    for place, _, files in names:
        for name in files:
            if name.startswith(".") and name.endswith(SUFFIX):
                _remove_if_free(Path(place) / name)


def _clear_once(folder: Path) -> None:
    if folder not in _CLEARED:
        _CLEARED.add(folder)
        clear_killed_writes(folder)


def _files_in(folder: Path) -> list[str]:
    with suppress(OSError), os.scandir(folder) as entries:
        return [e.name for e in entries if e.name.endswith(SUFFIX) and e.is_file()]
    return []


def _remove_if_free(part: Path) -> None:
    with suppress(OSError), part.open("rb") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        part.unlink(missing_ok=True)


@contextmanager
def _part_of(path: Path) -> Iterator[Path]:
    """Name a file to be written, locked as long; the system ends the lock with the process.

    Its name is that of `path`, so that what a killed writer left is written over. While another
    writer has that, it is a name of its own: two would rename what the other has half written.
    """
    names = (path.name, f"{path.name}.{uuid4().hex[:8]}")
    for part in (path.with_name(f".{name}{SUFFIX}") for name in names):
        with part.open("ab") as handle:
            if not _is_locked(handle, part):
                continue
            try:
                yield part
            except BaseException:
                part.unlink(missing_ok=True)
                raise
            return


def _is_locked(handle: BinaryIO, part: Path) -> bool:
    """Lock an open file; False where another has it, or its name leads to another by now."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # File systems without locks (some of a network) never clear one.
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(handle.fileno()), part.stat())
    return False


def _explained(error: OSError, path: Path) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"The disk is full: {path} could not be written and stays as it was. "
            "Free some space and run the same command again; nothing is lost."
        )
    return (
        f"{path} could not be written and stays as it was: {error.strerror or error}. "
        "Correct that and run the same command again; nothing is lost."
    )


@contextmanager
def held_open(files: Sequence[Path]) -> Iterator[list[str]]:
    """Name files so that whoever opens them, however often, reads one version of each.

    DuckDB and Arrow open a Parquet file once for its footer and again for its rows; were it
    replaced in between, the old footer would be laid over the new rows.

    Args:
        files: on this machine's disk; what is gone already is left out.

    Yields:
        list[str]: a path for each file, in their order; valid inside the `with` alone.

    Raises:
        AutolabelError: a file cannot be opened, or this process may not hold so many open.
    """
    _allow_open_files(len(files))
    with ExitStack() as stack:
        names = []
        for file in files:
            try:
                handle = stack.enter_context(file.open("rb"))
            except FileNotFoundError:
                continue
            except OSError as error:
                raise AutolabelError(
                    f"{file} could not be opened: {error.strerror}. {len(files)} files are to be "
                    "read at once; if those are too many, raise the limit (`ulimit -n`), or the "
                    "collection's `batch_size`."
                ) from error
            names.append(f"/dev/fd/{handle.fileno()}")
        yield names


def _allow_open_files(count: int) -> None:
    """Raise the soft limit: one handle holds each file, another reads it."""
    wanted = 2 * count + SPARE_HANDLES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
