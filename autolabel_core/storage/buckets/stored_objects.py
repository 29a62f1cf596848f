"""An object: its metadata and its blobs, which are read only on demand."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from autolabel_core.foundation.errors import UnreadableItemError
from autolabel_core.foundation.json_types import Json, JsonObject

FILE_VERSION = re.compile(r"([0-9a-f]+-[0-9a-f]+)-[0-9a-f]+")
PART_BYTES = 4_000_000


class Listed(NamedTuple):
    """One entry of a listing: the key, and a version that changes whenever the object does."""

    key: str
    version: str


@dataclass(frozen=True)
class Blob:
    """One piece of content.

    Attributes:
        property: the property it belongs to; None for a plain file, which serves as any.
        type: `image` or `text` where the manifest says so, else None.
        size: bytes where known without reading, else None.
        read: returns the bytes; raises `UnreadableItemError` with the reason.
        suffix: file extension with its dot, may be empty.
        address: where it can be fetched (`file://`, `s3://`, `https://`); None for inline text.
        parts: yields the bytes as they come, where the size is not known before; else None.
    """

    property: str | None
    type: str | None
    size: int | None
    read: Callable[[], bytes]
    suffix: str = ""
    address: str | None = None
    parts: Callable[[], Iterator[bytes]] | None = None

    def read_within(self, max_object_mb: float) -> bytes:
        """Return the bytes; what is too large is not read, or not to the end.

        Args:
            max_object_mb: limit in megabytes (1e6 bytes), itself allowed.

        Returns:
            The content; a larger one is an `UnreadableItemError`.
        """
        check_size(self.size or 0, max_object_mb)
        if self.parts is None:
            data = self.read()
            check_size(len(data), max_object_mb)
            return data
        content = bytearray()
        for part in self.parts():
            content += part
            check_size(len(content), max_object_mb, "more than ")
        return bytes(content)


@dataclass(frozen=True)
class StoredObject:
    """An object of a bucket."""

    key: str
    blobs: tuple[Blob, ...]
    metadata: JsonObject = field(default_factory=dict)

    def input_blob(self, kind: str, property_name: str | None) -> Blob:
        """Return the blob that feeds an extractor.

        Args:
            kind: the extractor's input, `image` or `text`.
            property_name: the property mapped to it; None chooses by type.

        Returns:
            A blob; text may also come from the metadata field of that name.

        Raises:
            UnreadableItemError: the object has no such property.
        """
        for blob in self.blobs:
            if blob.property is None or (property_name and blob.property == property_name):
                return blob
        if property_name is None:
            typed = [b for b in self.blobs if b.type == kind] or list(self.blobs)
            if len(typed) == 1:
                return typed[0]
        text = self.metadata.get(property_name) if property_name else None
        if kind == "text" and isinstance(text, str):
            return inline_blob(property_name, text)
        raise UnreadableItemError(
            f"no {kind} found: expected a blob `{property_name or kind}`, found blobs "
            f"{[b.property for b in self.blobs]}; add it, or map it in input_mappings"
        )


def check_size(size: int, max_object_mb: float, at_least: str = "") -> None:
    """Refuse a size above the limit.

    Args:
        size: in bytes.
        max_object_mb: the limit in megabytes (1e6 bytes), itself allowed.
        at_least: what stands before the size where more was not read, such as `more than `.

    Raises:
        UnreadableItemError: it is larger.
    """
    if size > max_object_mb * 1e6:
        shown = f"{at_least}{max_object_mb:g}" if at_least else f"{size / 1e6:.1f}"
        raise UnreadableItemError(
            f"is {shown} MB; the limit is max_object_mb: {max_object_mb:g}. "
            "Split the object, or raise the limit in the collection's YAML"
        )


def inline_blob(property_name: str | None, text: str) -> Blob:
    """Return a blob whose content stands in the declaration itself."""
    data = text.encode("utf-8", "replace")
    return Blob(property_name, "text", len(data), lambda: data, ".txt")


def file_blob(path: Path, property_name: str | None = None, kind: str | None = None) -> Blob:
    """Return a blob that is a local file."""

    def parts() -> Iterator[bytes]:
        try:
            # A named pipe without a writer would never open, and a device never end.
            mode = path.stat().st_mode
            if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
                raise UnreadableItemError(f"cannot be read: is {_kind_of(mode)}, not a file")
            with open(path, "rb", opener=_open_at_once) as opened:
                while part := opened.read(PART_BYTES):
                    yield part
        except OSError as error:
            raise UnreadableItemError(f"cannot be read: {error.strerror}") from error
        except UnreadableItemError:
            raise
        except ValueError as error:
            raise UnreadableItemError(f"cannot be read: {error} in its path") from error

    address = f"file://{quote(os.fsencode(path))}"
    suffix = path.suffix.lower()
    size = file_size(path)
    return Blob(property_name, kind, size, lambda: b"".join(parts()), suffix, address, parts)


def _open_at_once(path: str, flags: int) -> int:
    """Open without waiting: what was a file a moment ago may have become a pipe."""
    return os.open(path, flags | os.O_NONBLOCK)


def _kind_of(mode: int) -> str:
    kinds = (
        (stat.S_ISFIFO, "a named pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
    )
    return next((kind for is_kind, kind in kinds if is_kind(mode)), "something else")


def file_size(path: Path) -> int | None:
    """Return the size of a regular file in bytes; None where there is none."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def file_version(path: str | Path) -> str:
    """Return a text that changes when the file does: size, modification and status-change time."""
    try:
        status = os.stat(path)  # noqa: PTH116 - a Path for each file takes longer than this
    except (OSError, ValueError):
        return "missing"
    return f"{status.st_size:x}-{status.st_mtime_ns:x}-{status.st_ctime_ns:x}"


def version_when_renamed(version: str) -> str:
    """Return what of an object's version stays as it is when the object is renamed or moved.

    Args:
        version: as listed; that of a file is `file_version`, with its sidecar's after a plus sign.

    Returns:
        A file's size and modification time; of other objects the version without a sidecar's.
    """
    own = version.partition("+")[0]
    of_file = FILE_VERSION.fullmatch(own)
    return of_file[1] if of_file else own


def parse_json(data: bytes) -> Json:
    """Parse JSON that every store and query engine takes: UTF-8, no NaN, no half characters.

    Args:
        data: the text, with or without a byte-order mark.

    Returns:
        The value.

    Raises:
        ValueError: it is something else; the message says what.
    """
    try:
        value: Json = json.loads(data.decode("utf-8-sig"), parse_constant=_refuse_constant)
        if rb"\u" in data:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8: byte 0x{data[error.start]:02x} at {error.start}") from error
    except UnicodeEncodeError as error:
        raise ValueError("not valid JSON: a text holds half of a surrogate pair") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"not valid JSON: {error}") from error
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    return value


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"not valid JSON: {constant} is no JSON number; use null")


def parse_metadata(data: bytes, where: str) -> JsonObject:
    """Parse a sidecar: a flat JSON object, or `{"metadata": {…}}`.

    Args:
        data: the sidecar's content.
        where: its name, for the error.

    Returns:
        The metadata.

    Raises:
        UnreadableItemError: it is not a JSON object.
    """
    try:
        value = parse_json(data)
    except ValueError as error:
        raise UnreadableItemError(f"its metadata {where} is {error}") from error
    if not isinstance(value, dict):
        raise UnreadableItemError(
            f"its metadata {where} is a JSON {type(value).__name__}; expected an object"
        )
    nested = value["metadata"] if set(value) == {"metadata"} else None
    return nested if isinstance(nested, dict) else value
