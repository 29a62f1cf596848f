"""Files of a bucket, on disk or on S3, and how addresses in a manifest are resolved."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Hashable, Iterable
from pathlib import Path
from threading import Lock
from typing import Protocol
from urllib.parse import unquote, urlsplit

from autolabel_core.foundation.errors import StoreUnavailableError, UnreadableItemError
from autolabel_core.storage.buckets.allow_list import AllowList
from autolabel_core.storage.buckets.stored_objects import Blob, file_blob, file_version
from autolabel_core.storage.s3 import SCHEME, S3Bucket, S3Entry, S3Settings, split_uri

ABSOLUTE = ("http://", "https://", "file://", SCHEME)


class BucketFile(Protocol):
    """One file; nothing is read before it is asked for."""

    @property
    def name(self) -> str:
        """The last part of its path."""

    @property
    def identity(self) -> Hashable:
        """Equal for the same file, however it is referred to."""

    def version(self) -> str:
        """Return a text that changes whenever the file does."""

    def blob(self, property_name: str | None = None, kind: str | None = None) -> Blob:
        """Return the file as a blob."""


class Base(Protocol):
    """The place of a manifest, from which its relative addresses start."""

    allowed: AllowList
    """What may be referred to."""

    def file(self, address: str) -> BucketFile | None:
        """Return the file that an address means; None for one that is fetched, not watched.

        One that may not be referred to is an `UnreadableItemError`.
        """


class LocalFile:
    """A file on the disk; its path is a text, for a listing makes one of these for each file."""

    __slots__ = ("_path",)

    def __init__(self, path: str) -> None:
        self._path = path

    @property
    def name(self) -> str:
        """The file's name."""
        return Path(self._path).name

    @property
    def identity(self) -> Hashable:
        """The path without detours."""
        return os.path.normpath(self._path)

    def version(self) -> str:
        """Return size and times."""
        return file_version(self._path)

    def blob(self, property_name: str | None = None, kind: str | None = None) -> Blob:
        """Return the file as a blob."""
        return file_blob(Path(self._path), property_name, kind)


class S3Reader:
    """Objects on S3 as one piece of work sees them: each folder is listed once."""

    def __init__(self, settings: S3Settings) -> None:
        self._settings = settings
        self._buckets: dict[str, S3Bucket] = {}
        self._listed: dict[tuple[str, str], dict[str, S3Entry]] = {}
        self._refused: set[str] = set()
        self._listing = Lock()

    def bucket(self, name: str) -> S3Bucket:
        """Return a bucket."""
        return self._buckets.setdefault(name, S3Bucket(name, self._settings))

    def file(self, uri: str) -> S3File:
        """Return the object at `s3://bucket/key`."""
        return S3File(self, *split_uri(uri))

    def learn(self, bucket: str, entries: Iterable[S3Entry]) -> None:
        """Take over what a listing found, so that it is not asked for again."""
        for entry in entries:
            folder = posixpath.dirname(entry.key)
            self._listed.setdefault((bucket, folder), {})[entry.key] = entry

    def refuses(self, bucket: str) -> bool:
        """Whether a bucket that a manifest refers to could not be listed."""
        return bucket in self._refused

    def entry(self, bucket: str, key: str) -> S3Entry | None:
        """Return an object's entry; its folder is listed where that has not happened yet.

        Args:
            bucket: its bucket; where one refuses to be listed, it is not asked again.
            key: its key.

        Returns:
            The entry, or None where there is none or nothing can be known.
        """
        folder = posixpath.dirname(key)
        with self._listing:
            if bucket not in self._refused and (bucket, folder) not in self._listed:
                self._list(bucket, folder)
        return self.known(bucket, key)

    def _list(self, bucket: str, folder: str) -> None:
        try:
            entries = self.bucket(bucket).entries_in(folder)
            self._listed[bucket, folder] = {entry.key: entry for entry in entries}
        except StoreUnavailableError:
            self._refused.add(bucket)

    def known(self, bucket: str, key: str) -> S3Entry | None:
        """Return an object's entry where it was listed already."""
        return self._listed.get((bucket, posixpath.dirname(key)), {}).get(key)


class S3File:
    """An object on S3."""

    __slots__ = ("_reader", "bucket", "key")

    def __init__(self, reader: S3Reader, bucket: str, key: str) -> None:
        self._reader, self.bucket, self.key = reader, bucket, key

    @property
    def uri(self) -> str:
        """Its address."""
        return f"{SCHEME}{self.bucket}/{self.key}"

    @property
    def name(self) -> str:
        """The last part of its key."""
        return posixpath.basename(self.key)

    @property
    def identity(self) -> Hashable:
        """Its address."""
        return self.uri

    def version(self) -> str:
        """Return ETag and size."""
        entry = self._reader.entry(self.bucket, self.key)
        if entry is None:
            return "unlisted" if self._reader.refuses(self.bucket) else "missing"
        return entry.version

    def read(self) -> bytes:
        """Return its content.

        Returns:
            All of it.

        Raises:
            UnreadableItemError: it is gone.
        """
        try:
            return self._reader.bucket(self.bucket).read(self.key)[0]
        except FileNotFoundError as error:
            raise UnreadableItemError("is gone from the bucket") from error

    def blob(self, property_name: str | None = None, kind: str | None = None) -> Blob:
        """Return the object as a blob."""
        entry = self._reader.known(self.bucket, self.key)
        suffix = posixpath.splitext(self.key)[1].lower()
        size = None if entry is None else entry.size
        return Blob(property_name, kind, size, self.read, suffix, self.uri)


class LocalBase:
    """A folder on the disk that holds a manifest."""

    def __init__(self, folder: Path, s3: S3Reader, allowed: AllowList) -> None:
        self._folder, self._s3, self.allowed = folder, s3, allowed

    def file(self, address: str) -> BucketFile | None:
        """Return the file that an address means; None for http."""
        if address.startswith(SCHEME):
            self.allowed.check_object(address, None)
            return self._s3.file(address)
        if address.startswith("file://"):
            path = Path(unquote(url_path(address)))
        elif address.startswith(ABSOLUTE):
            return None
        else:
            path = self._folder / address
        self.allowed.check_file(path, self._folder)
        return LocalFile(str(path))


class S3Base:
    """A folder on S3 that holds a manifest; local files have no place in it."""

    def __init__(self, bucket: str, folder: str, s3: S3Reader, allowed: AllowList) -> None:
        self._bucket, self._folder, self._s3, self.allowed = bucket, folder, s3, allowed

    def file(self, address: str) -> BucketFile | None:
        """Return the object that an address means; None for http, and for `file://`."""
        if address.startswith(ABSOLUTE) and not address.startswith(SCHEME):
            return None
        if not address.startswith(SCHEME):
            key = posixpath.normpath(posixpath.join("/", self._folder, address)).lstrip("/")
            address = f"{SCHEME}{self._bucket}/{key}"
        self.allowed.check_object(address, f"{SCHEME}{self._bucket}/{self._folder}")
        return self._s3.file(address)


def url_path(address: str) -> str:
    """Return the path of a URL, or the text itself where it is none."""
    try:
        return urlsplit(address).path
    except ValueError:
        return address
