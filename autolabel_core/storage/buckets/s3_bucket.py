"""A bucket on S3: the keys below a prefix, as one listing returned them."""

from __future__ import annotations

import posixpath
from functools import cached_property

from autolabel_core.foundation.errors import AutolabelError, NotFoundError
from autolabel_core.storage.buckets.allow_list import AllowList
from autolabel_core.storage.buckets.bucket import MANIFEST, BucketLayout, Files
from autolabel_core.storage.buckets.bucket_files import Base, S3Base, S3File, S3Reader
from autolabel_core.storage.s3 import SCHEME, S3Settings, split_uri


class ObjectStoreBucket(BucketLayout):
    """The objects below `s3://bucket/prefix`, or a single manifest there.

    It is listed once, when it is first asked for something: open one for one piece of work. What
    cannot be listed is an error, never an empty bucket.
    """

    def __init__(
        self, uri: str, s3: S3Settings | None = None, allowed: AllowList | None = None
    ) -> None:
        super().__init__()
        self._allowed = allowed or AllowList()
        self._bucket, self._prefix = split_uri(uri)
        self._s3 = S3Reader(s3 or S3Settings.from_environment())
        self._is_manifest = self._prefix.endswith(MANIFEST)

    def address(self, key: str) -> str:
        """Return the object's address."""
        return f"{SCHEME}{self._bucket}/{self._full(key)}"

    def _full(self, key: str) -> str:
        if self._is_manifest:
            raise AutolabelError(
                f"The bucket {SCHEME}{self._bucket}/{self._prefix} is a manifest, in which files "
                "have no place; point `source.uri` at its folder."
            )
        full = posixpath.join(self._prefix, key)
        if key.startswith("/") or posixpath.normpath(full) != full:
            raise NotFoundError(f"The key {key!r} is not a plain relative path in the bucket.")
        return full

    @cached_property
    def _listing(self) -> dict[str, S3File]:
        return self._list_now()

    def _list_now(self) -> dict[str, S3File]:
        if self._is_manifest:
            return {}
        entries = self._s3.bucket(self._bucket).entries(self._prefix)
        self._s3.learn(self._bucket, entries)
        start = len(self._prefix) + 1 if self._prefix else 0
        named = ((entry.key[start:], entry.key) for entry in entries)
        return {
            key: S3File(self._s3, self._bucket, full)
            for key, full in named
            if key and not _is_hidden(key)
        }

    def _files(self) -> Files:
        try:
            self.__dict__["_listing"] = listing = self._list_now()
        except AutolabelError as error:
            raise type(error)(
                f"{error} Nothing is registered, or its objects would seem deleted."
            ) from error
        return listing

    def _file(self, key: str) -> S3File | None:
        if self._is_manifest:
            self._full(key)
        return self._listing.get(key)

    def _may_hold(self, key: str) -> bool:
        return key in self._listing

    def _manifest_contents(self, files: Files) -> list[tuple[str, bytes, Base]]:
        manifests = [self._full(key) for key in sorted(files) if key.endswith(MANIFEST)]
        if self._is_manifest:
            manifests = [self._prefix]
        return [(self._name(key), self._content(key), self._base(key)) for key in manifests]

    def _name(self, key: str) -> str:
        return posixpath.relpath(key, self._prefix or ".") if not self._is_manifest else key

    def _base(self, key: str) -> Base:
        return S3Base(self._bucket, posixpath.dirname(key), self._s3, self._allowed)

    def _content(self, key: str) -> bytes:
        try:
            return self._s3.bucket(self._bucket).read(key)[0]
        except FileNotFoundError as error:
            raise AutolabelError(
                f"The manifest {SCHEME}{self._bucket}/{key} does not exist. Nothing is registered, "
                "or its objects would seem deleted; correct `source.uri`, or put it back."
            ) from error

    def _write(self, key: str, data: bytes) -> None:
        self._s3.bucket(self._bucket).write(self._full(key), data, new_only=True)
        self._listing[key] = S3File(self._s3, self._bucket, self._full(key))


def _is_hidden(key: str) -> bool:
    """Whether a part of a key begins with a dot; `.` and `..` hide nothing, they are odd names."""
    return any(part.startswith(".") and part not in (".", "..") for part in key.split("/"))
