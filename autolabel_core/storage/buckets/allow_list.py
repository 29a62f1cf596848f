"""What a manifest may refer to: its own folder, allowed folders and hosts, the public internet.

Whoever writes a manifest chooses what this machine reads. Without a limit that is every file that
the machine can read, and every service that only it can reach.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from autolabel_core.foundation.errors import UnreadableItemError
from autolabel_core.foundation.paths import is_within
from autolabel_core.storage.s3 import SCHEME

PORTS = {"http": 80, "https": 443}


class AllowList:
    """The addresses of one bucket's `allow`; None stands for the default.

    By default the manifest's own folder may be read, any `s3://` object that this machine's
    credentials reach, and https of public hosts. With a list only what is below one of its
    addresses, and the manifest's own folder as before.
    """

    def __init__(self, entries: Sequence[str] | None = None) -> None:
        self._entries = None if entries is None else tuple(entries)
        self._roots = [
            os.path.realpath(unquote(urlsplit(entry).path))
            for entry in entries or ()
            if entry.startswith("file://")
        ]
        self._real_folders: dict[str, str] = {}

    def check_file(self, path: Path, own: Path) -> None:
        """Refuse a file that lies neither in the manifest's own folder nor in an allowed one.

        Args:
            path: the file; links are followed before it is judged.
            own: the manifest's folder.

        Raises:
            UnreadableItemError: naming the folder that would have to be allowed.
        """
        real = self._real(path)
        if not any(is_within(real, root) for root in (self._real_folder(str(own)), *self._roots)):
            folder = Path(real).parent.as_uri()
            raise UnreadableItemError(_refusal(f"file://{path}", f"{folder.rstrip('/')}/"))

    def check_object(self, uri: str, own: str | None) -> None:
        """Refuse an `s3://` object where a list is given and it is not below one of its addresses.

        Args:
            uri: the object.
            own: address of the manifest's folder, where that is on S3.

        Raises:
            UnreadableItemError: naming the bucket that would have to be allowed.
        """
        own_too = [own] if own else []
        if self._entries is not None and not _is_below(uri, [*self._entries, *own_too]):
            raise UnreadableItemError(_refusal(uri, f"{SCHEME}{urlsplit(uri).netloc}/"))

    def check_url(self, url: str) -> None:
        """Refuse an http address; called for the first one and for each redirect.

        Args:
            url: http(s) address.

        Raises:
            UnreadableItemError: naming the host that would have to be allowed.
        """
        parts = urlsplit(url)
        public = self._entries is None and url.startswith("https://")
        if parts.hostname and not public and not _is_below(url, self._entries or ()):
            raise UnreadableItemError(
                _refusal(url, f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/")
            )

    def may_be_private(self, host: str, port: int) -> bool:
        """Whether a host was allowed by name, so that it may be in the private network."""
        origins = [_origin(entry) for entry in self._entries or ()]
        return any((host.lower(), port) == origin[1:] for origin in origins)

    def _real(self, path: Path) -> str:
        """The path without links; folders are resolved once for many files."""
        found = Path(self._real_folder(str(path.parent)), path.name)
        if path.name in ("", "..") or _is_link(found):
            return os.path.realpath(found)
        return str(found)

    def _real_folder(self, folder: str) -> str:
        if folder not in self._real_folders:
            try:
                self._real_folders[folder] = os.path.realpath(folder)
            except ValueError as error:
                raise UnreadableItemError(f"cannot be read: {error} in its path") from error
        return self._real_folders[folder]


def _is_link(path: Path) -> bool:
    try:
        return path.is_symlink()
    except OSError:
        return False


def _refusal(address: str, entry: str) -> str:
    return (
        f"{address:.200} is not among what this manifest may refer to; nothing was read. If it is "
        f"meant, add it to the bucket in the collection's YAML: `allow: [{entry}]`"
    )


def _is_below(url: str, entries: Sequence[str]) -> bool:
    origin, path = _origin(url), _path(url)
    return any(_origin(entry) == origin and is_within(path, _path(entry)) for entry in entries)


def _origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port; an address that has none is equal to no other."""
    try:
        parts = urlsplit(url)
        return (
            parts.scheme,
            (parts.hostname or "").lower(),
            parts.port or PORTS.get(parts.scheme, 0),
        )
    except ValueError:
        return "", url, -1


def _path(url: str) -> str:
    """The path without detours, so that `/allowed/../secret` is not below `/allowed`."""
    path = urlsplit(url).path
    while (plain := unquote(path)) != path:
        path = plain
    return posixpath.normpath(f"/{path}").replace("//", "/")
