"""A bucket on a local folder: files with optional sidecars, and manifests among them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from threading import Lock

from autolabel_core.buckets.manifest import ManifestLine, read_manifests
from autolabel_core.buckets.objects import (
    Listed,
    StoredObject,
    file_blob,
    file_version,
    parse_metadata,
)
from autolabel_core.errors import AutolabelError, NotFoundError, UnreadableItemError

SIDECAR = ".json"
MANIFEST = ".jsonl"
Known = tuple[dict[str, ManifestLine], set[Path]]


class FolderBucket:
    """A folder in which each file is an object, or a single manifest.

    `<key>.json` beside a file `<key>` is that file's metadata. Each line of a `*.jsonl` file is an
    object; files that it refers to are not objects of their own. Names that begin with a dot are
    left alone. Nothing is read before it is asked for.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: Known | None = None
        self._reading = Lock()

    def list(self) -> Iterator[Listed]:
        """List key and version of all objects, in no particular order."""
        files = self._files()
        self._known = lines, referred = self._read_manifests(files)
        yield from (line.listed for line in lines.values())
        for key, path in files.items():
            if key not in lines and not _is_companion(key, path, files, referred):
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
        lines, _ = self._manifests
        if key in lines:
            return lines[key].open()
        path = self.path_of(key)
        blob = file_blob(path)
        if blob.size is None:
            raise UnreadableItemError("is gone from the bucket")
        sidecar = path.parent / f"{path.name}{SIDECAR}"
        metadata = {}
        if _is_file(sidecar):
            metadata = parse_metadata(file_blob(sidecar).read(), sidecar.name)
        return StoredObject(key, (blob,), metadata)

    def version(self, key: str) -> str | None:
        """Return the present version of one object, or None where the listing has none."""
        lines, referred = self._manifests
        if key in lines:
            return lines[key].listed.version
        if self._is_manifest or any(part.startswith(".") for part in key.split("/")):
            return None
        path = self.path_of(key)
        if _key_of(_name_of(key)) != key:
            return None
        names = {key: path, key + SIDECAR: path.with_name(path.name + SIDECAR)}
        names[key.removesuffix(SIDECAR)] = path.with_name(path.name.removesuffix(SIDECAR))
        files = {name: file for name, file in names.items() if _is_file(file)}
        if key not in files or _is_companion(key, path, files, referred):
            return None
        return _version_with_sidecar(key, path, files)

    def path_of(self, key: str) -> Path:
        """Return where a key lies, or would lie; never outside the bucket.

        Args:
            key: relative path with `/`.

        Returns:
            The file's path.

        Raises:
            NotFoundError: the key leads out of the bucket.
            AutolabelError: the bucket is a manifest.
        """
        if self._is_manifest:
            raise AutolabelError(
                f"The bucket {self._root} is a manifest, in which files have no place; "
                "point `source.uri` at a folder."
            )
        name = _name_of(key)
        outside = name.startswith("/") or name.split("/", 1)[0] in ("..", ".")
        if outside or os.path.normpath(name) != name or "\0" in name:
            raise NotFoundError(f"The key {key!r} is not a plain relative path in the bucket.")
        return self._root / name

    @cached_property
    def _is_manifest(self) -> bool:
        return self._root.is_file()

    @property
    def _manifests(self) -> Known:
        """The lines of all manifests, read once for many questions."""
        with self._reading:
            if self._known is None:
                self._known = self._read_manifests(self._files())
            return self._known

    def _files(self) -> dict[str, Path]:
        if self._root.is_dir():
            return dict(_walk(str(self._root), "", ()))
        if self._root.is_file():
            if self._root.suffix != MANIFEST:
                raise AutolabelError(
                    f"The bucket {self._root} is a file, expected a folder or a {MANIFEST} "
                    "manifest. Correct `source.uri` in the collection's YAML."
                )
            return {}
        raise AutolabelError(
            f"The bucket {self._root} does not exist. Create the folder, or correct "
            "`source.uri` in the collection's YAML."
        )

    def _read_manifests(self, files: dict[str, Path]) -> Known:
        found = [(k, p) for k, p in sorted(files.items()) if k.endswith(MANIFEST)]
        if self._root.is_file():
            found = [(self._root.name, self._root)]
        lines = read_manifests(found)
        return lines, {path for line in lines.values() for path in line.local_files}


def _walk(folder: str, prefix: str, above: tuple[str, ...]) -> Iterator[tuple[str, Path]]:
    """Yield key and path of every file; a link back to a folder above is not followed."""
    real = os.path.realpath(folder)
    if real in above:
        return
    try:
        with os.scandir(folder) as found:
            entries = [entry for entry in found if not entry.name.startswith(".")]
    except FileNotFoundError:
        return
    except OSError as error:
        raise AutolabelError(
            f"The bucket's folder {folder} cannot be listed: {error.strerror}. Nothing is "
            "registered, or its objects would seem deleted; correct its permissions."
        ) from error
    for entry in entries:
        name = prefix + entry.name
        if entry.is_dir():
            yield from _walk(entry.path, f"{name}/", (*above, real))
        elif entry.is_file():
            yield _key_of(name), Path(entry.path)


def _is_file(path: Path) -> bool:
    """Whether a file is there; a name too long for the disk is no file."""
    try:
        return path.is_file()
    except OSError:
        return False


def _is_companion(key: str, path: Path, files: dict[str, Path], referred: set[Path]) -> bool:
    is_sidecar = key.endswith(SIDECAR) and key.removesuffix(SIDECAR) in files
    return is_sidecar or key.endswith(MANIFEST) or path in referred


def _version_with_sidecar(key: str, path: Path, files: dict[str, Path]) -> str:
    sidecar = files.get(key + SIDECAR)
    return file_version(path) + (f"+{file_version(sidecar)}" if sidecar else "")


def _key_of(relative: str) -> str:
    r"""Keys are Unicode text: undecodable bytes become `\xNN`, and a `\x` of the name `\x5cx`."""
    raw = os.fsencode(relative).replace(rb"\x", rb"\x5cx")
    return raw.decode("utf-8", "backslashreplace")


def _name_of(key: str) -> str:
    if "\\x" not in key:
        return key
    raw = key.encode("utf-8", "surrogateescape")
    found = re.sub(rb"\\x(5c|[89a-f][0-9a-f])", lambda m: bytes([int(m[1], 16)]), raw)
    return os.fsdecode(found)
