"""One bucket on S3: list, read, write, remove, sign."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from autolabel_core.foundation.errors import AutolabelError, UnreadableItemError
from autolabel_core.storage.s3.entries import S3Entry, list_all
from autolabel_core.storage.s3.messages import code_of, explained, is_unaddressable
from autolabel_core.storage.s3.settings import SCHEME, S3Settings, open_store

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import S3Store

LISTED_AT_ONCE = 1000
SIGNED_SECONDS = 3600
BROKEN_LISTING = "ListResponseBody"
FIRST_PAUSE_SECONDS = 0.1

Result = TypeVar("Result")


class S3Bucket:
    """One bucket; each request is tried again, a bounded number of times."""

    def __init__(self, name: str, settings: S3Settings) -> None:
        self.name = name
        self._settings = settings

    @property
    def _store(self) -> S3Store:
        return open_store(self.name, self._settings)

    def entries(self, prefix: str) -> list[S3Entry]:
        """Return all objects below a folder, by key; what cannot be listed is an error, not empty.

        Args:
            prefix: the folder's key, empty for the whole bucket.

        Returns:
            The objects; markers of folders (keys that end with `/`) are left out.

        Raises:
            AutolabelError: the server refuses, or does not answer.
        """
        import obstore

        def ask() -> list[S3Entry]:
            chunks = obstore.list(self._store, prefix or None, chunk_size=LISTED_AT_ONCE)
            return [_entry(meta) for chunk in chunks for meta in chunk]

        try:
            entries = self._ask(ask, prefix, is_listing=True)
        except AutolabelError as error:
            # One such key would hide the whole page that it is listed on.
            if not is_unaddressable(str(error.__cause__)):
                raise
            entries = list(list_all(self.name, prefix, self._settings))
        return self._without_markers(entries)

    def entries_in(self, prefix: str) -> list[S3Entry]:
        """Return the objects directly in a folder, by key.

        Args:
            prefix: the folder's key, empty for the bucket's top.

        Returns:
            The objects.
        """
        import obstore

        def ask() -> list[S3Entry]:
            objects = obstore.list_with_delimiter(self._store, prefix or None)["objects"]
            return [_entry(meta) for meta in objects]

        return self._ask(ask, prefix, is_listing=True)

    def _without_markers(self, entries: list[S3Entry]) -> list[S3Entry]:
        """The client shows `folder/` as `folder`; only a request tells it from an empty object."""
        by_key = {entry.key: entry for entry in entries}
        for entry in [e for e in by_key.values() if e.size == 0]:
            if entry.key.endswith("/") or self.head(entry.key) is None:
                del by_key[entry.key]
        return sorted(by_key.values())

    def head(self, key: str) -> S3Entry | None:
        """Return an object's entry, or None where there is none."""
        import obstore

        try:
            return _entry(self._ask(lambda: obstore.head(self._store, key), key))
        except FileNotFoundError:
            return None

    def note(self, key: str, name: str) -> tuple[S3Entry, str | None] | None:
        """Return an object's entry and one text of its metadata, or None where there is none."""
        import obstore

        try:
            response = self._ask(lambda: obstore.get(self._store, key, options={"head": True}), key)
        except FileNotFoundError:
            return None
        return _entry(response.meta), dict(response.attributes).get(name)

    def read(self, key: str) -> tuple[bytes, S3Entry]:
        """Return an object's content and its entry.

        Args:
            key: which.

        Returns:
            Both of the same moment.
        """
        import obstore

        def ask() -> tuple[bytes, S3Entry]:
            response = obstore.get(self._store, key)
            return bytes(response.bytes()), _entry(response.meta)

        return self._ask(ask, key)

    def write(
        self,
        key: str,
        data: bytes | Path,
        notes: Mapping[str, str] | None = None,
        new_only: bool = False,
    ) -> str:
        """Write an object in one step.

        Args:
            key: which.
            data: its content, or the file that holds it.
            notes: texts of its metadata.
            new_only: refuse with `FileExistsError` where there is an object already.

        Returns:
            Its ETag.
        """
        import obstore

        def ask() -> str:
            done = obstore.put(
                self._store,
                key,
                data,
                attributes=dict(notes or {}),
                use_multipart=False,
                mode="create" if new_only else "overwrite",
            )
            return _plain(done["e_tag"])

        return self._ask(ask, key)

    def remove(self, keys: Sequence[str]) -> None:
        """Remove objects; one that is gone already is no error."""
        import obstore

        for key in keys:
            try:
                self._ask(functools.partial(obstore.delete, self._store, key), key)
            except FileNotFoundError:
                continue

    def sign(self, keys: Sequence[str], seconds: int = SIGNED_SECONDS) -> Iterable[str]:
        """Return addresses that anybody may read the objects by, for a while.

        Args:
            keys: which.
            seconds: how long, from 1 to 604,800 (a week).

        Returns:
            One address each, in order.
        """
        import obstore

        if not keys:
            return []
        expires = timedelta(seconds=seconds)
        return self._ask(lambda: obstore.sign(self._store, "GET", list(keys), expires), keys[0])

    def _ask(self, request: Callable[[], Result], what: str, is_listing: bool = False) -> Result:
        """Make a request; `FileNotFoundError` and `FileExistsError` pass, others are explained."""
        from obstore.exceptions import AlreadyExistsError, BaseError

        address = f"{SCHEME}{self.name}/{what}"
        try:
            return self._patiently(request)
        except FileNotFoundError as error:
            if code_of(str(error)) == "NoSuchBucket":
                raise explained(str(error), address, self._settings, is_listing) from error
            raise
        except AlreadyExistsError as error:
            raise FileExistsError(address) from error
        except AutolabelError:
            raise
        except ValueError as error:
            raise UnreadableItemError(
                f"{address} cannot be addressed; rename it: no empty, `.` or `..` parts"
            ) from error
        except BaseError as error:
            raise explained(str(error), address, self._settings, is_listing) from error

    def _patiently(self, request: Callable[[], Result]) -> Result:
        """The client tries failed requests again, but not a listing that breaks off."""
        from obstore.exceptions import GenericError

        for attempt in range(self._settings.max_retries):
            try:
                return request()
            except GenericError as error:
                if BROKEN_LISTING not in str(error):
                    raise
                time.sleep(FIRST_PAUSE_SECONDS * 2**attempt)
        return request()


def _entry(meta: ObjectMeta) -> S3Entry:
    return S3Entry(meta["path"], _plain(meta["e_tag"]), meta["size"])


def _plain(e_tag: str | None) -> str:
    return (e_tag or "").strip('"')
