"""The warehouse's files on a local disk, and the interface for other places."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path, PurePath
from typing import Protocol

from autolabel_core.foundation.atomic_files import write_atomically
from autolabel_core.foundation.partial_folders import partial_folder
from autolabel_core.storage.checksums import DAMAGED, FOLDER, Checksums


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

    def written_in(self, folder: PurePath) -> list[PurePath]:
        """Return all files that were written below a folder, also those that are gone since."""

    def forget(self, path: PurePath) -> None:
        """Count a file that is gone as never written."""

    def folder(self, path: PurePath) -> AbstractContextManager[Path]:
        """A folder on the disk; what is in it at the end is what `path` holds."""


class LocalFiles:
    """A folder on the disk."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._checksums = Checksums(root)

    def path(self, *parts: str) -> Path:
        """Return the path of a file or folder."""
        return self.root.joinpath(*parts)

    def address(self, path: PurePath) -> str:
        """Return the path."""
        return str(path)

    def exists(self, path: PurePath) -> bool:
        """Whether there is such a file; a damaged one is set aside."""
        return not self._checksums.is_missing(Path(path))

    def files_in(self, folder: PurePath, pattern: str) -> list[PurePath]:
        """Return the files directly in a folder whose names fit, ascending; no damaged ones."""
        paths = [path for path in sorted(Path(folder).glob(pattern)) if path.suffix != DAMAGED]
        return [path for path in paths if not self._checksums.is_missing(path)]

    def folders_in(self, folder: PurePath) -> list[PurePath]:
        """Return the folders directly in a folder, ascending."""
        if not Path(folder).is_dir():
            return []
        folders = (path for path in Path(folder).iterdir() if path.is_dir())
        return sorted(path for path in folders if path.name != FOLDER)

    def remove(self, folder: PurePath) -> None:
        """Remove a folder with all that it holds."""
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(self._checksums.folder_of(Path(folder)), ignore_errors=True)

    def local(self, path: PurePath) -> Path:
        """Return the path itself; a damaged file is set aside, and then there is none."""
        self._checksums.is_missing(Path(path))
        return Path(path)

    def write(self, path: PurePath, fingerprint: str | None, write: Callable[[Path], None]) -> None:
        """Write beside the file, note its checksum, and rename over it."""

        def write_and_note(part: Path) -> None:
            write(part)
            self._checksums.expect(Path(path), part)

        write_atomically(Path(path), write_and_note)
        self._checksums.settle(Path(path))

    def note(self, path: PurePath) -> str | None:
        """Nothing is known without the file, which is near."""
        return None

    def written_in(self, folder: PurePath) -> list[PurePath]:
        """Return all files that were written below a folder, also those that are gone since."""
        notes = self._checksums.folder_of(Path(folder))
        names = (str(note.relative_to(notes)) for note in sorted(notes.rglob("*.crc32")))
        return [Path(folder) / name.removesuffix(".crc32") for name in names]

    def forget(self, path: PurePath) -> None:
        """Count a file that is gone as never written."""
        self._checksums.forget(Path(path))

    @contextmanager
    def folder(self, path: PurePath) -> Iterator[Path]:
        """A fresh folder, which takes the place of what is there, damaged or not."""
        place = Path(path)
        with partial_folder(place) as beside:
            fresh = beside / place.name
            yield fresh
            if place.exists():
                place.rename(beside / "earlier")
            fresh.rename(place)
        shutil.rmtree(self._checksums.folder_of(place), ignore_errors=True)
        for file in sorted(path for path in place.iterdir() if path.is_file()):
            self._checksums.expect(file, file)
            self._checksums.settle(file)
