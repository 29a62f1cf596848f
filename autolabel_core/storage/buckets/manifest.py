"""A JSON Lines manifest: each line `{key, metadata, blobs}` is an object."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypedDict, cast
from urllib.parse import unquote

from autolabel_core.foundation.errors import UnreadableItemError
from autolabel_core.foundation.json_types import Json
from autolabel_core.storage.buckets.bucket_files import ABSOLUTE, Base, BucketFile, url_path
from autolabel_core.storage.buckets.http import stream
from autolabel_core.storage.buckets.stored_objects import (
    Blob,
    Listed,
    StoredObject,
    inline_blob,
    parse_json,
)


class _Named(TypedDict, total=False):
    property: str | None
    type: str | None


class ManifestBlob(_Named):
    """A blob of a line: a text, or an object with `url` or `text`."""

    data: Json


class ManifestEntry(TypedDict, total=False):
    """A line whose shape is checked; what it does not know of keys is left alone."""

    key: Json
    key_prefix: Json
    metadata: dict[str, Json] | None
    blobs: list[ManifestBlob] | None


@dataclass(frozen=True)
class ManifestLine:
    """One line: its key, and its value or what is wrong with it."""

    key: str
    data: bytes
    value: ManifestEntry | None
    error: str | None
    base: Base

    @property
    def files(self) -> list[BucketFile]:
        """Files that the line's blobs refer to, and may refer to."""
        if self.value is None:
            return []
        addresses = (_address(blob) for blob in (self.value.get("blobs") or []))
        files = (self._file(address) for address in addresses if address is not None)
        return [file for file in files if file is not None]

    def _file(self, address: str) -> BucketFile | None:
        try:
            return self.base.file(address)
        except UnreadableItemError:
            return None

    @property
    def listed(self) -> Listed:
        """The listing entry; the version covers the line and the files it refers to."""
        digest = hashlib.sha256(self.data).hexdigest()[:16]
        return Listed(self.key, "+".join([digest, *(file.version() for file in self.files)]))

    def open(self) -> StoredObject:
        """Return the object.

        Returns:
            The object; its blobs are not read yet.

        Raises:
            UnreadableItemError: the line is malformed.
        """
        if self.value is None:
            raise UnreadableItemError(self.error or "the manifest line is malformed")
        blobs = tuple(_open_blob(blob, self.base) for blob in (self.value.get("blobs") or []))
        return StoredObject(self.key, blobs, self.value.get("metadata") or {})


def read_manifests(manifests: Sequence[tuple[str, bytes, Base]]) -> dict[str, ManifestLine]:
    """Read manifests in order; malformed lines are kept, as `<name>#L<line>`, with the reason.

    Args:
        manifests: name, content and place of each.

    Returns:
        One entry for each line that is not blank, by key. A key that occurs twice belongs to its
        first line; the other is malformed.
    """
    lines: dict[str, ManifestLine] = {}
    places: dict[str, str] = {}
    for name, content, base in manifests:
        for number, data in enumerate(content.split(b"\n"), start=1):
            if data.strip():
                line = _parse_line(data.strip(), f"line {number} of {name}", base, places)
                key = f"{name}#L{number}" if line.value is None else line.key
                lines[key] = replace(line, key=key)
    return lines


def _parse_line(data: bytes, where: str, base: Base, places: dict[str, str]) -> ManifestLine:
    def malformed(reason: str) -> ManifestLine:
        return ManifestLine("", data, None, reason, base)

    try:
        value = parse_json(data)
    except ValueError as error:
        return malformed(f"{where} is {error}")
    problem = _shape_problem(value)
    if problem:
        return malformed(f"{where}: {problem}")
    entry = cast("ManifestEntry", value)
    key = _key(entry)
    if key is None:
        return malformed(f"{where}: expected a non-empty text `key`, found {entry.get('key')!r}")
    if key in places:
        return malformed(f"{where}: the key {key!r} stands in {places[key]} too; keys are unique")
    places[key] = where
    return ManifestLine(key, data, entry, None, base)


def _shape_problem(value: Json) -> str | None:
    if not isinstance(value, dict):
        return f"expected an object {{key, metadata, blobs}}, found {type(value).__name__}"
    if not isinstance(value.get("metadata") or {}, dict):
        return f"expected `metadata` to be an object, found {type(value['metadata']).__name__}"
    blobs = value.get("blobs") or []
    if not isinstance(blobs, list) or not all(isinstance(b, dict) and "data" in b for b in blobs):
        return "expected `blobs` to be a list of {property, type, data}"
    for blob in blobs:
        for name in ("property", "type"):
            if not isinstance(blob.get(name), str | None):
                return f"expected a text as the `{name}` of a blob, found {blob[name]!r:.80}"
    return None


def _key(value: ManifestEntry) -> str | None:
    """The line's key; without one, `key_prefix` and the name of the first blob that has one."""
    if "key" in value:
        key = value["key"]
        return key if isinstance(key, str) and key and "\0" not in key else None
    addresses = (_address(blob) for blob in value.get("blobs") or [])
    names = [url_path(a).rpartition("/")[2] for a in addresses if a is not None]
    prefix = value.get("key_prefix") or ""
    if not names or not names[0] or not isinstance(prefix, str):
        return None
    return "/".join(filter(None, [prefix.strip("/"), unquote(names[0])]))


def _address(blob: ManifestBlob) -> str | None:
    data = blob["data"]
    if isinstance(data, dict):
        url = data.get("url")
        return url if isinstance(url, str) else None
    if not isinstance(data, str):
        return None
    inline = blob.get("type") == "text" and not data.startswith(ABSOLUTE)
    return None if inline else data


def _open_blob(blob: ManifestBlob, base: Base) -> Blob:
    data, name, kind = blob["data"], blob.get("property"), blob.get("type")
    name = name or kind or "blob"
    address = _address(blob)
    if address is None:
        text = data.get("text") if isinstance(data, dict) else data
        if not isinstance(text, str):
            raise UnreadableItemError(
                f"blob `{name}`: expected data {{url}}, {{text}} or a text, found {data!r}"
            )
        return inline_blob(name, text)
    file = base.file(address)
    if file is not None:
        return file.blob(name, kind)
    suffix = Path(url_path(address)).suffix.lower()
    parts = partial(stream, address, base.allowed)
    return Blob(name, kind, None, lambda: b"".join(parts()), suffix, address, parts)
