"""The warehouse's files on S3, read through a local cache of copies named by ETag."""

from __future__ import annotations

import fnmatch
import hashlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath, PurePosixPath

from autolabel_core.foundation.atomic_files import write_atomically
from autolabel_core.foundation.partial_folders import partial_folder
from autolabel_core.storage.s3 import SCHEME, S3Bucket, S3Settings, split_uri

NOTE = "autolabel-fingerprint"
OLD_SECONDS = 3600.0


class S3Files:
    """Objects below `s3://bucket/prefix`; a file is one PUT, with its fingerprint as metadata.

    Copies that were read or written are kept in `cache`, which may be deleted at any time. One
    machine writes at a time: the locks are files of that machine.
    """

    def __init__(self, uri: str, cache: Path, settings: S3Settings) -> None:
        bucket, self._prefix = split_uri(uri)
        self._bucket = S3Bucket(bucket, settings)
        place = hashlib.sha256(f"{settings.endpoint_url} {uri}".encode()).hexdigest()[:12]
        self._cache = cache / place

    def path(self, *parts: str) -> PurePath:
        """Return the key of a file or folder, as a path."""
        return PurePosixPath(self._prefix, *parts)

    def address(self, path: PurePath) -> str:
        """Return the `s3://` address."""
        return f"{SCHEME}{self._bucket.name}/{path}"

    def exists(self, path: PurePath) -> bool:
        """Whether there is such an object."""
        return self._bucket.head(str(path)) is not None

    def files_in(self, folder: PurePath, pattern: str) -> list[PurePath]:
        """Return the objects directly below a prefix whose names fit, ascending."""
        keys = (entry.key for entry in self._bucket.entries_in(str(folder)))
        paths = [PurePosixPath(key) for key in keys]
        return sorted(path for path in paths if fnmatch.fnmatchcase(path.name, pattern))

    def folders_in(self, folder: PurePath) -> list[PurePath]:
        """Return what has objects below it, directly in a folder, ascending."""
        start = len(folder.parts)
        paths = [PurePosixPath(entry.key) for entry in self._bucket.entries(str(folder))]
        names = {path.parts[start] for path in paths if len(path.parts) > start + 1}
        return sorted(folder / name for name in names)

    def remove(self, folder: PurePath) -> None:
        """Remove all objects below a prefix, and their copies."""
        self._bucket.remove([entry.key for entry in self._bucket.entries(str(folder))])
        shutil.rmtree(self._cache / str(folder), ignore_errors=True)

    def local(self, path: PurePath) -> Path:
        """Return a copy of the object as it is now.

        Args:
            path: which.

        Returns:
            A file that is never written again.

        Raises:
            FileNotFoundError: there is no such object.
        """
        entry = self._bucket.head(str(path))
        if entry is None:
            raise FileNotFoundError(self.address(path))
        copy = self._copy(path, entry.e_tag)
        if not copy.exists() or copy.stat().st_size != entry.size:
            data, entry = self._bucket.read(str(path))
            copy = self._copy(path, entry.e_tag)
            write_atomically(copy, lambda part: _write_all(part, data))
            self._forget_old(copy)
        return copy

    def write(self, path: PurePath, fingerprint: str | None, write: Callable[[Path], None]) -> None:
        """Make the file beside the copies, PUT it, and keep it as the copy."""
        with partial_folder(self._cache / str(path)) as folder:
            part = folder / path.name
            write(part)
            notes = {} if fingerprint is None else {NOTE: fingerprint}
            e_tag = self._bucket.write(str(path), part, notes)
            part.replace(copy := self._copy(path, e_tag))
        self._forget_old(copy)

    def note(self, path: PurePath) -> str | None:
        """Return the fingerprint in the object's metadata; None where it is missing."""
        entry_and_note = self._bucket.note(str(path), NOTE)
        return None if entry_and_note is None else entry_and_note[1]

    def written_in(self, folder: PurePath) -> list[PurePath]:
        """Return nothing: the store itself keeps objects as they were written."""
        return []

    def forget(self, path: PurePath) -> None:
        """Do nothing: nothing is noted of single objects."""

    @contextmanager
    def folder(self, path: PurePath) -> Iterator[Path]:
        """A temporary folder; its files replace what the prefix held, file by file."""
        with tempfile.TemporaryDirectory() as place:
            out = Path(place) / path.name
            yield out
            files = sorted(file for file in out.rglob("*") if file.is_file())
            keys = {str(path / file.relative_to(out).as_posix()): file for file in files}
            held = self._bucket.entries(str(path))
            for key, file in keys.items():
                self._bucket.write(key, file)
            self._bucket.remove([entry.key for entry in held if entry.key not in keys])

    def _copy(self, path: PurePath, e_tag: str) -> Path:
        tag = hashlib.sha256(e_tag.encode()).hexdigest()[:16]
        return self._cache / str(path.parent) / f"{path.stem}@{tag}{path.suffix}"

    def _forget_old(self, copy: Path) -> None:
        """Remove copies of earlier versions that nobody has been reading for an hour."""
        stem = copy.name.rpartition("@")[0]
        before = time.time() - OLD_SECONDS
        for other in copy.parent.iterdir():
            is_earlier = other != copy and other.name.rpartition("@")[0] == stem
            if is_earlier and other.stat().st_mtime < before:
                other.unlink(missing_ok=True)


def _write_all(part: Path, data: bytes) -> None:
    part.write_bytes(data)
