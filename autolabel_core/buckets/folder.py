"""A bucket on a local folder: files with optional sidecars, and manifests among them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from autolabel_core.buckets.manifest import ManifestLine, read_manifest
from autolabel_core.buckets.objects import (
    Listed,
    StoredObject,
    file_blob,
    file_version,
    parse_metadata,
)
from autolabel_core.errors import AutolabelError, UnreadableItemError

SIDECAR = ".json"
MANIFEST = ".jsonl"


class FolderBucket:
    """A folder in which each file is an object, or a single manifest.

    `<key>.json` beside a file `<key>` is that file's metadata. Each line of a `*.jsonl` file is an
    object; files that it refers to are not objects of their own. Names that begin with a dot are
    left alone.
    """

    def __init__(self, root: Path) -> None:
        """Bind to a folder or a `.jsonl` file; nothing is read yet."""
        self._root = root
        self._lines: dict[str, ManifestLine] | None = None

    def list(self) -> Iterator[Listed]:
        """List all objects, in no particular order.

        Yields:
            Key and version of each object.

        Raises:
            AutolabelError: the folder does not exist, or two manifests hold one key.
        """
        if not self._root.exists():
            raise AutolabelError(
                f"The bucket {self._root} does not exist. Create the folder, or correct "
                "`source.uri` in the collection's YAML."
            )
        files = {} if self._root.is_file() else dict(_walk(self._root))
        manifests = [p for k, p in sorted(files.items()) if k.endswith(MANIFEST)]
        self._lines = _read_lines([self._root] if self._root.is_file() else manifests)
        referred = {path for line in self._lines.values() for path in line.local_files}
        yield from (line.listed for line in self._lines.values())
        for key, path in files.items():
            if not _is_companion(key, path, files, referred):
                yield Listed(key, _version_with_sidecar(key, path, files))

    def open(self, key: str) -> StoredObject:
        """Return an object.

        Args:
            key: as listed.

        Returns:
            The object; its blobs are not read yet.

        Raises:
            UnreadableItemError: it is gone, or its metadata is malformed.
        """
        if self._lines is None:
            self._lines = self._all_lines()
        if key in self._lines:
            return self._lines[key].open()
        path = self.path_of(key)
        if not path.is_file():
            raise UnreadableItemError("is gone from the bucket")
        sidecar = path.with_name(path.name + SIDECAR)
        metadata = {}
        if sidecar.is_file():
            text = file_blob(sidecar).read().decode("utf-8-sig", "replace")
            metadata = parse_metadata(text, sidecar.name)
        return StoredObject(key, (file_blob(path),), metadata)

    def version(self, key: str) -> str | None:
        """Return the present version of one object, or None where there is none."""
        if self._lines is None:
            self._lines = self._all_lines()
        if key in self._lines:
            return self._lines[key].listed.version
        path = self.path_of(key)
        if self._root.is_file() or not path.is_file():
            return None
        sidecar = path.with_name(path.name + SIDECAR)
        files = {key: path, **({key + SIDECAR: sidecar} if sidecar.is_file() else {})}
        return _version_with_sidecar(key, path, files)

    def path_of(self, key: str) -> Path:
        """Return where a key lies, or would lie; never outside the bucket.

        Args:
            key: relative path with `/`.

        Returns:
            The file's path.

        Raises:
            AutolabelError: the key leads out of the bucket.
        """
        name = _name_of(key)
        path = self._root / name
        plain = os.path.normpath(name) == name and name != "." and not name.startswith("../")
        if not plain or name == ".." or os.path.isabs(name):
            raise AutolabelError(f"The key {key!r} is not a plain relative path in the bucket.")
        return path

    def _all_lines(self) -> dict[str, ManifestLine]:
        if self._root.is_file():
            return _read_lines([self._root])
        return _read_lines(sorted(self._root.rglob(f"*{MANIFEST}")))


def _walk(root: Path) -> Iterator[tuple[str, Path]]:
    pending = [root]
    visited: set[str] = set()
    while pending:
        folder = pending.pop()
        real = os.path.realpath(folder)
        if real in visited:
            continue
        visited.add(real)
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir():
                    pending.append(Path(entry.path))
                elif entry.is_file():
                    path = Path(entry.path)
                    yield _key_of(os.path.relpath(path, root)), path


def _read_lines(manifests: list[Path]) -> dict[str, ManifestLine]:
    lines: dict[str, ManifestLine] = {}
    for file in manifests:
        for line in read_manifest(file):
            if line.key in lines:
                raise AutolabelError(
                    f"The key {line.key!r} stands in two manifests, one of them {file.name}; "
                    "keys are unique in a bucket"
                )
            lines[line.key] = line
    return lines


def _is_companion(key: str, path: Path, files: dict[str, Path], referred: set[Path]) -> bool:
    is_sidecar = key.endswith(SIDECAR) and key.removesuffix(SIDECAR) in files
    return is_sidecar or key.endswith(MANIFEST) or path in referred


def _version_with_sidecar(key: str, path: Path, files: dict[str, Path]) -> str:
    sidecar = files.get(key + SIDECAR)
    return file_version(path) + (f"+{file_version(sidecar)}" if sidecar else "")


def _key_of(relative: str) -> str:
    """Undecodable bytes in a file name are shown as `\\xNN`, because keys are Unicode text."""
    return os.fsencode(relative).decode("utf-8", "backslashreplace")


def _name_of(key: str) -> str:
    if "\\x" not in key:
        return key
    raw = re.sub(rb"\\x([89a-f][0-9a-f])", lambda m: bytes([int(m[1], 16)]), key.encode("utf-8"))
    return os.fsdecode(raw)
