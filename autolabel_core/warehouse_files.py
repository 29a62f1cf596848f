"""The files of the warehouse on a local disk, and what any place for them must offer."""

from __future__ import annotations

import errno
import os
import resource
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path, PurePath
from typing import Protocol

from autolabel_core.errors import AutolabelError

SPARE_HANDLES = 256


class WarehouseFiles(Protocol):
    """A tree of files that are replaced in one step; `PurePath` because it may be elsewhere."""

    def path(self, *parts: str) -> PurePath:
        """Return the path of a file or folder."""

    def address(self, path: PurePath) -> str:
        """Return where a file is, for a person to read."""

    def exists(self, path: PurePath) -> bool:
        """Whether there is such a file."""

    def files_in(self, folder: PurePath, pattern: str) -> list[PurePath]:
        """Return the files directly in a folder whose names fit, ascending."""

    def folders_in(self, folder: PurePath) -> list[PurePath]:
        """Return the folders directly in a folder, ascending."""

    def remove(self, folder: PurePath) -> None:
        """Remove a folder with all that it holds; an absent one is no error."""

    def local(self, path: PurePath) -> Path:
        """Return the file on this machine's disk; `FileNotFoundError` where there is none."""

    def write(self, path: PurePath, fingerprint: str | None, write: Callable[[Path], None]) -> None:
        """Let `write` make a file, and put it in its place in one step."""

    def note(self, path: PurePath) -> str | None:
        """Return the fingerprint where it is known without the file, else None."""

    def folder(self, path: PurePath) -> AbstractContextManager[Path]:
        """A folder on the disk; what is in it at the end is what `path` holds."""


class LocalFiles:
    """A folder on the disk."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, *parts: str) -> Path:
        """Return the path of a file or folder."""
        return self.root.joinpath(*parts)

    def address(self, path: PurePath) -> str:
        """Return the path."""
        return str(path)

    def exists(self, path: PurePath) -> bool:
        """Whether there is such a file."""
        return Path(path).exists()

    def files_in(self, folder: PurePath, pattern: str) -> list[PurePath]:
        """Return the files directly in a folder whose names fit, ascending."""
        return sorted(Path(folder).glob(pattern))

    def folders_in(self, folder: PurePath) -> list[PurePath]:
        """Return the folders directly in a folder, ascending."""
        if not Path(folder).is_dir():
            return []
        return sorted(path for path in Path(folder).iterdir() if path.is_dir())

    def remove(self, folder: PurePath) -> None:
        """Remove a folder with all that it holds."""
        shutil.rmtree(folder, ignore_errors=True)

    def local(self, path: PurePath) -> Path:
        """Return the path itself."""
        return Path(path)

    def write(self, path: PurePath, fingerprint: str | None, write: Callable[[Path], None]) -> None:
        """Write beside the file and rename over it."""
        write_atomically(Path(path), write)

    def note(self, path: PurePath) -> str | None:
        """Nothing is known without the file, which is near."""
        return None

    @contextmanager
    def folder(self, path: PurePath) -> Iterator[Path]:
        """The folder itself: who writes into it takes care that it is replaced in one step."""
        yield Path(path)


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Write to a temporary name beside `path`, flush it to the disk, and rename it over.

    Args:
        path: where the file shall stand; it is replaced in one step, or left as it was.
        write: writes the content to the path that it is given.

    Raises:
        AutolabelError: the disk is full, or refuses the file.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(part)
        with part.open("rb+") as handle:
            os.fsync(handle.fileno())
        part.replace(path)
    except OSError as error:
        raise AutolabelError(_explained(error, path)) from error
    finally:
        part.unlink(missing_ok=True)


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
