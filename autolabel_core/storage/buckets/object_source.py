"""Combines the buckets of a collection: keys start with the bucket's prefix."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from autolabel_core.declarations.collection import Bucket, Collection
from autolabel_core.foundation.errors import AutolabelError, UnreadableItemError
from autolabel_core.foundation.paths import Paths
from autolabel_core.storage.buckets.allow_list import AllowList
from autolabel_core.storage.buckets.bucket import BucketLayout
from autolabel_core.storage.buckets.folder_bucket import FolderBucket
from autolabel_core.storage.buckets.s3_bucket import ObjectStoreBucket
from autolabel_core.storage.buckets.schema_check import schema_problem
from autolabel_core.storage.buckets.stored_objects import Listed, StoredObject
from autolabel_core.storage.s3 import SCHEME, S3Settings


class ObjectSource:
    """The objects of a collection, wherever they lie."""

    def __init__(self, collection: Collection, paths: Paths, s3: S3Settings | None = None) -> None:
        self.collection = collection
        self._buckets = [
            (bucket, open_bucket(bucket, collection, paths, s3))
            for bucket in collection.source.buckets
        ]

    def list(self) -> Iterator[Listed]:
        """List keys, with their bucket's prefix, and versions; two buckets never hold one key."""
        if [bucket.key_prefix for bucket, _ in self._buckets] == [""]:
            yield from self._buckets[0][1].list()
            return
        seen: dict[str, str] = {}
        for bucket, store in self._buckets:
            for key, version in store.list():
                full = bucket.key_prefix + key
                if full in seen and seen[full] != bucket.key_prefix:
                    raise AutolabelError(
                        f"Two buckets of `{self.collection.collection_name}` hold the key "
                        f"{full!r}; give one of them another key_prefix"
                    )
                seen[full] = bucket.key_prefix
                yield Listed(full, version)

    @property
    def ignored(self) -> Sequence[str]:
        """Keys of files that the last listing took for no objects, such as `Thumbs.db`."""
        return [bucket.key_prefix + key for bucket, store in self._buckets for key in store.ignored]

    def open(self, key: str) -> StoredObject:
        """Return an object, checked against its bucket's schema.

        Args:
            key: as listed.

        Returns:
            The object; its blobs are not read yet.

        Raises:
            UnreadableItemError: it is gone, malformed, or does not fit the schema.
        """
        bucket, store = self._bucket_of(key)
        stored = store.open(key.removeprefix(bucket.key_prefix))
        mappings = self.collection.feature_extractor.input_mappings
        problem = schema_problem(stored, bucket.bucket_schema, set(mappings.values()))
        if problem:
            raise UnreadableItemError(problem)
        return StoredObject(key, stored.blobs, stored.metadata)

    def version(self, key: str) -> str | None:
        """Return the present version of one object, or None where there is none."""
        bucket, store = self._bucket_of(key)
        return store.version(key.removeprefix(bucket.key_prefix))

    def is_as_listed(self, key: str, version: str) -> bool:
        """Whether one object's file is as it was listed; False where that takes a longer look."""
        fitting = [entry for entry in self._buckets if key.startswith(entry[0].key_prefix)]
        if len(fitting) != 1:
            return False
        (bucket, store), *_ = fitting
        return store.is_as_listed(key.removeprefix(bucket.key_prefix), version)

    def add(self, key: str, data: bytes, metadata: Mapping[str, object]) -> None:
        """Write an object that is not there yet, for a promotion; nothing is overwritten."""
        bucket, store = self._bucket_of(key)
        store.add(key.removeprefix(bucket.key_prefix), data, metadata)

    def _bucket_of(self, key: str) -> tuple[Bucket, BucketLayout]:
        fitting = [entry for entry in self._buckets if key.startswith(entry[0].key_prefix)]
        if not fitting:
            raise UnreadableItemError("is in no bucket of the collection")
        fitting.sort(key=lambda entry: len(entry[0].key_prefix), reverse=True)
        for bucket, store in fitting if len(fitting) > 1 else ():
            if store.version(key.removeprefix(bucket.key_prefix)) is not None:
                return bucket, store
        return fitting[0]


def open_bucket(
    bucket: Bucket, collection: Collection, paths: Paths, s3: S3Settings | None = None
) -> BucketLayout:
    """Open a declared bucket, on the disk or on S3."""
    allowed = AllowList(bucket.allow)
    if bucket.uri is not None and bucket.uri.startswith(SCHEME):
        return ObjectStoreBucket(bucket.uri, s3, allowed)
    return FolderBucket(bucket_folder(bucket, collection, paths), s3, allowed)


def bucket_folder(bucket: Bucket, collection: Collection, paths: Paths) -> Path:
    """Return the local folder (or manifest) of a bucket; the embedded default is created.

    Args:
        bucket: the declaration.
        collection: its collection, which names the default folder.
        paths: where default folders lie.

    Returns:
        An absolute path.

    Raises:
        AutolabelError: the scheme is not supported.
    """
    if bucket.uri is None:
        folder = paths.buckets / (bucket.bucket_name or collection.collection_name)
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    if bucket.uri.startswith("file://"):
        return Path(os.path.normpath(unquote(urlsplit(bucket.uri).path)))
    if "://" in bucket.uri:
        raise AutolabelError(
            f"The bucket URI {bucket.uri} of `{collection.collection_name}` is not supported: "
            "use a folder, a .jsonl manifest, file:// or s3://"
        )
    return Path(bucket.uri)
