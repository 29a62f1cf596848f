"""A JSON Lines manifest: each line `{key, metadata, blobs}` is an object."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from autolabel_core.buckets.objects import (
    Blob,
    Listed,
    StoredObject,
    file_blob,
    file_version,
    inline_blob,
)
from autolabel_core.errors import UnreadableItemError

HTTP_SECONDS = 30.0
SCHEMES = ("http://", "https://", "file://", "s3://")


@dataclass(frozen=True)
class ManifestLine:
    """One line: its key, and its value or what is wrong with it."""

    key: str
    text: str
    value: dict[str, Any] | None
    error: str | None
    folder: Path

    @property
    def local_files(self) -> list[Path]:
        """Local files that the line's blobs refer to."""
        if self.value is None:
            return []
        paths = (_local_path(_address(blob), self.folder) for blob in self.value.get("blobs", []))
        return [path for path in paths if path is not None]

    @property
    def listed(self) -> Listed:
        """The listing entry; the version covers the line and the local files it refers to."""
        digest = hashlib.sha256(self.text.encode()).hexdigest()[:16]
        return Listed(self.key, "+".join([digest, *map(file_version, self.local_files)]))

    def open(self) -> StoredObject:
        """Return the object.

        Returns:
            The object; its blobs are not read yet.

        Raises:
            UnreadableItemError: the line is malformed.
        """
        if self.value is None:
            raise UnreadableItemError(self.error or "the manifest line is malformed")
        blobs = tuple(_open_blob(blob, self.folder) for blob in self.value.get("blobs", []))
        return StoredObject(self.key, blobs, self.value.get("metadata") or {})


def read_manifest(file: Path) -> Iterator[ManifestLine]:
    """Read a manifest; malformed lines are kept, under the key `<file>#L<line>`, with the reason.

    Args:
        file: the manifest.

    Yields:
        One entry for each line that is not blank.
    """
    seen: dict[str, int] = {}
    with file.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, start=1):
            text = line.strip()
            if text:
                yield _parse_line(text, number, file, seen)


def _parse_line(text: str, number: int, file: Path, seen: dict[str, int]) -> ManifestLine:
    def malformed(reason: str) -> ManifestLine:
        return ManifestLine(f"{file.name}#L{number}", text, None, reason, file.parent)

    where = f"line {number} of {file.name}"
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        return malformed(f"{where} is not valid JSON: {error}")
    problem = _shape_problem(value)
    if problem:
        return malformed(f"{where}: {problem}")
    key = value["key"]
    if key in seen:
        return malformed(
            f"{where}: the key {key!r} stands in line {seen[key]} too; keys are unique"
        )
    seen[key] = number
    return ManifestLine(key, text, value, None, file.parent)


def _shape_problem(value: Any) -> str | None:
    if not isinstance(value, dict):
        return f"expected an object {{key, metadata, blobs}}, found {type(value).__name__}"
    if not isinstance(value.get("key"), str) or not value["key"]:
        return f"expected a non-empty text `key`, found {value.get('key')!r}"
    if not isinstance(value.get("metadata") or {}, dict):
        return f"expected `metadata` to be an object, found {type(value['metadata']).__name__}"
    blobs = value.get("blobs", [])
    if not isinstance(blobs, list) or not all(isinstance(b, dict) and "data" in b for b in blobs):
        return "expected `blobs` to be a list of {property, type, data}"
    return None


def _address(blob: dict[str, Any]) -> str | None:
    data = blob["data"]
    if isinstance(data, dict):
        url = data.get("url")
        return url if isinstance(url, str) else None
    if not isinstance(data, str):
        return None
    inline = blob.get("type") == "text" and not data.startswith(SCHEMES)
    return None if inline else data


def _local_path(address: str | None, folder: Path) -> Path | None:
    if address is None:
        return None
    if address.startswith("file://"):
        return Path(unquote(urlsplit(address).path))
    return None if address.startswith(SCHEMES) else folder / address


def _open_blob(blob: dict[str, Any], folder: Path) -> Blob:
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
    path = _local_path(address, folder)
    if path is not None:
        return file_blob(path, name, kind)
    suffix = Path(urlsplit(address).path).suffix.lower()
    return Blob(name, kind, None, lambda: fetch(address), suffix)


def fetch(url: str) -> bytes:
    """Read an http(s) URL.

    Args:
        url: the address.

    Returns:
        The body.

    Raises:
        UnreadableItemError: it cannot be fetched; the reason is the server's.
    """
    import httpx

    if not url.startswith(("http://", "https://")):
        raise UnreadableItemError(f"cannot read {url}: use a path, file://, http:// or https://")
    transport = httpx.HTTPTransport(retries=2)
    try:
        with httpx.Client(
            transport=transport, timeout=HTTP_SECONDS, follow_redirects=True
        ) as client:
            return client.get(url).raise_for_status().content
    except httpx.HTTPError as error:
        raise UnreadableItemError(f"cannot fetch {url}: {error}") from error
