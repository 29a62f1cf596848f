"""A JSON Lines manifest: each line `{key, metadata, blobs}` is an object."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
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
    parse_json,
)
from autolabel_core.errors import AutolabelError, UnreadableItemError

HTTP_SECONDS = 30.0
SCHEMES = ("http://", "https://", "file://", "s3://")


@dataclass(frozen=True)
class ManifestLine:
    """One line: its key, and its value or what is wrong with it."""

    key: str
    data: bytes
    value: dict[str, Any] | None
    error: str | None
    folder: Path

    @property
    def local_files(self) -> list[Path]:
        """Local files that the line's blobs refer to."""
        if self.value is None:
            return []
        paths = (
            _local_path(_address(blob), self.folder) for blob in (self.value.get("blobs") or [])
        )
        return [Path(os.path.normpath(path)) for path in paths if path is not None]

    @property
    def listed(self) -> Listed:
        """The listing entry; the version covers the line and the local files it refers to."""
        digest = hashlib.sha256(self.data).hexdigest()[:16]
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
        blobs = tuple(_open_blob(blob, self.folder) for blob in (self.value.get("blobs") or []))
        return StoredObject(self.key, blobs, self.value.get("metadata") or {})


def read_manifests(manifests: Sequence[tuple[str, Path]]) -> dict[str, ManifestLine]:
    """Read manifests in order; malformed lines are kept, as `<name>#L<line>`, with the reason.

    Args:
        manifests: name and path of each.

    Returns:
        One entry for each line that is not blank, by key. A key that stands twice belongs to its
        first line; the other is malformed.

    Raises:
        AutolabelError: a manifest cannot be read.
    """
    lines: dict[str, ManifestLine] = {}
    places: dict[str, str] = {}
    for name, path in manifests:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise AutolabelError(
                f"The manifest {path} cannot be read: {error.strerror}. Nothing is registered, or "
                "its objects would seem deleted; correct its permissions."
            ) from error
        for number, data in enumerate(content.split(b"\n"), start=1):
            if data.strip():
                line = _parse_line(data.strip(), f"line {number} of {name}", path.parent, places)
                key = f"{name}#L{number}" if line.value is None else line.key
                lines[key] = replace(line, key=key)
    return lines


def _parse_line(data: bytes, where: str, folder: Path, places: dict[str, str]) -> ManifestLine:
    def malformed(reason: str) -> ManifestLine:
        return ManifestLine("", data, None, reason, folder)

    try:
        value = parse_json(data)
    except ValueError as error:
        return malformed(f"{where} is {error}")
    problem = _shape_problem(value)
    if problem:
        return malformed(f"{where}: {problem}")
    key = _key(value)
    if key is None:
        return malformed(f"{where}: expected a non-empty text `key`, found {value.get('key')!r}")
    if key in places:
        return malformed(f"{where}: the key {key!r} stands in {places[key]} too; keys are unique")
    places[key] = where
    return ManifestLine(key, data, value, None, folder)


def _shape_problem(value: Any) -> str | None:
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


def _key(value: dict[str, Any]) -> str | None:
    """The line's key; without one, `key_prefix` and the name of the first blob that has one."""
    if "key" in value:
        key = value["key"]
        return key if isinstance(key, str) and key and "\0" not in key else None
    addresses = (_address(blob) for blob in value.get("blobs") or [])
    names = [_url_path(a).rpartition("/")[2] for a in addresses if a is not None]
    prefix = value.get("key_prefix") or ""
    if not names or not names[0] or not isinstance(prefix, str):
        return None
    return "/".join(filter(None, [prefix.strip("/"), unquote(names[0])]))


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
        return Path(unquote(_url_path(address)))
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
    suffix = Path(_url_path(address)).suffix.lower()
    return Blob(name, kind, None, lambda: fetch(address), suffix)


def _url_path(address: str) -> str:
    try:
        return urlsplit(address).path
    except ValueError:
        return address


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
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise UnreadableItemError(f"cannot fetch {url}: {error}") from error
