"""The files of the warehouse on a local disk, and what any place for them must offer."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path, PurePath
from typing import Protocol

from autolabel_core.foundation.atomic_files import write_atomically


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
