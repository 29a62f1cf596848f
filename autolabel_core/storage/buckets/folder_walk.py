"""Lists every file below a folder, through links too, in time linear in the folders.

What a link leads to may be closed to us, or be the link itself: that is an entry that cannot be
read, with the reason, and no reason to stop. A folder of the bucket itself that cannot be listed
does stop: its objects would seem deleted.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from autolabel_core.foundation.errors import AutolabelError, UnreadableItemError
from autolabel_core.storage.buckets.bucket_files import BucketFile, LocalFile
from autolabel_core.storage.buckets.stored_objects import Blob, Listed

UNREADABLE_LINK = "unreadable link"
"""The version of a link that may lead to a folder: what lay below it is not gone."""
UNREADABLE = (errno.ELOOP, errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE)


@dataclass(frozen=True)
class UnreadableLink:
    """A link that leads to nothing which can be read: to itself, or where we may not go."""

    path: Path
    reason: str

    @property
    def name(self) -> str:
        """The link's name."""
        return self.path.name

    @property
    def identity(self) -> Hashable:
        """The path without detours."""
        return os.path.normpath(self.path)

    def version(self) -> str:
        """Return a text that no file has."""
        return UNREADABLE_LINK

    def blob(self, property_name: str | None = None, kind: str | None = None) -> Blob:
        """Return a blob that gives the reason instead of a content."""

        def refuse() -> bytes:
            raise UnreadableItemError(f"cannot be read: {self.reason}")

        return Blob(property_name, kind, None, refuse, self.path.suffix.lower())


def unseen_prefixes(listed: Iterable[Listed]) -> tuple[str, ...]:
    """Return what the keys of objects begin with that a listing could not see."""
    return tuple(f"{one.key}/" for one in listed if one.version == UNREADABLE_LINK)


def local_file(path: Path) -> BucketFile | None:
    """Return the file at a path, as a listing would; None where it would list none."""
    try:
        mode = path.stat().st_mode
    except ValueError:
        return None
    except OSError as error:
        return _unreadable(path, error) if error.errno in UNREADABLE else None
    if stat.S_ISREG(mode):
        return LocalFile(str(path))
    if stat.S_ISDIR(mode) and path.is_symlink():
        entries = _entries(str(path))
        return _closed(path, entries) if isinstance(entries, OSError) else None
    return None


def walk(root: str, suffix: str = "") -> Iterator[tuple[str, BucketFile]]:
    """Yield relative path and file of everything below a folder, in an order of its own.

    A link to a folder is followed, so that its files have a second key. A link back to a folder
    above is not, and below a followed link each folder is entered once at most: folders that link
    to each other have as many paths as there are orders of them.

    Args:
        root: the folder.
        suffix: how the names of wanted files end; others are passed over quickly.

    Yields:
        tuple[str, BucketFile]: names that begin with a dot are left out.

    Raises:
        AutolabelError: a folder cannot be listed that is no link's.
    """
    entered: set[str] = set()
    waiting = [_Folder(root, "", (os.path.realpath(root),), 0)]
    while waiting:
        folder = waiting.pop()
        entries = _entries(folder.path)
        if isinstance(entries, FileNotFoundError):
            continue
        if isinstance(entries, OSError):
            if not folder.links:
                raise AutolabelError(_cannot_list(folder.path, entries)) from entries
            yield folder.prefix.rstrip("/"), _closed(Path(folder.path), entries)
            continue
        below = []
        for entry in entries:
            try:
                if entry.is_dir():
                    below += [one] if (one := folder.below(entry, entered)) else []
                elif entry.name.endswith(suffix) and entry.is_file():
                    yield folder.prefix + entry.name, LocalFile(entry.path)
            except OSError as error:
                yield folder.prefix + entry.name, _unreadable(Path(entry.path), error)
        waiting += reversed(below)


@dataclass(frozen=True)
class _Folder:
    """A folder to be listed; `above` holds the real paths of itself and all that lead to it."""

    path: str
    prefix: str
    above: tuple[str, ...]
    links: int

    def below(self, entry: os.DirEntry[str], entered: set[str]) -> _Folder | None:
        """Return a folder in this one, or None where it is not to be entered (again)."""
        prefix = f"{self.prefix}{entry.name}/"
        if not entry.is_symlink():
            real = f"{self.above[-1]}/{entry.name}"
            return _Folder(entry.path, prefix, (*self.above, real), self.links)
        real = os.path.realpath(entry.path)
        if real in self.above or (self.links and real in entered):
            return None
        entered |= {real} if self.links else set()
        return _Folder(entry.path, prefix, (*self.above, real), self.links + 1)


def _entries(folder: str) -> list[os.DirEntry[str]] | OSError:
    try:
        with os.scandir(folder) as scanned:
            entries = [entry for entry in scanned if not entry.name.startswith(".")]
    except OSError as error:
        return error
    return sorted(entries, key=lambda entry: entry.name)


def _closed(path: Path, error: OSError) -> UnreadableLink:
    reason = f"a link to the folder {os.path.realpath(path)}: {error.strerror}"
    return UnreadableLink(path, reason)


def _unreadable(path: Path, error: OSError) -> UnreadableLink:
    if error.errno == errno.ELOOP:
        return UnreadableLink(path, "a link that leads to itself")
    link = "a link: " if path.is_symlink() else ""
    return UnreadableLink(path, f"{link}{error.strerror}")


def _cannot_list(folder: str, error: OSError) -> str:
    return (
        f"The bucket's folder {folder} cannot be listed: {error.strerror}. Nothing is "
        "registered, or its objects would seem deleted; correct its permissions."
    )
