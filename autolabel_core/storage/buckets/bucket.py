"""The base of all buckets: sidecars, manifests, versions, and adding an object.

`<key>.json` beside a file `<key>` is that file's metadata, and so is one whose `<key>` is the name
of an image or a text that is not there (yet, or any more). Each line of a `*.jsonl` file is an
object; files that it refers to are not objects of their own. A `sources.csv` that `identify gather`
wrote is none either, nor are tables of labels and what systems leave behind. Names that begin with
a dot are left alone. Nothing is read before it is asked for.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Mapping
from threading import Lock

from autolabel_core.foundation.errors import AutolabelError, UnreadableItemError
from autolabel_core.foundation.json_types import JsonObject
from autolabel_core.storage.buckets import sources_csv as sources
from autolabel_core.storage.buckets.bucket_files import Base, BucketFile
from autolabel_core.storage.buckets.incidental_files import is_incidental
from autolabel_core.storage.buckets.manifest import ManifestLine, read_manifests
from autolabel_core.storage.buckets.stored_objects import Listed, StoredObject, parse_metadata

SIDECAR = ".json"
LEDGER = f"/{sources.FILE}"
MANIFEST = ".jsonl"
_COMPANIONS = (SIDECAR, MANIFEST, sources.FILE)
"""How the keys of files end that describe others."""
DESCRIBED = (
    *(".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp", ".tif", ".tiff"),
    *(".heic", ".heif", ".avif", ".jxl", ".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm"),
    *(".txt", ".md", ".csv", ".htm", ".html", ".xml", ".pdf", ".docx", ".eml"),
)
Files = Mapping[str, BucketFile]
Known = tuple[dict[str, ManifestLine], set[Hashable]]


class BucketLayout(ABC):
    """A bucket in which each file is an object, or a single manifest.

    Attributes:
        ignored: keys of files that the last listing took for no objects.
    """

    ignored: list[str]

    def __init__(self) -> None:
        self._known: Known | None = None
        self.ignored = []
        self._reading = Lock()

    @abstractmethod
    def _files(self) -> Files:
        """List all files by key, none with a name that begins with a dot."""

    def _manifest_files(self) -> Files:
        """List the manifests, and perhaps others, by key."""
        return self._files()

    @abstractmethod
    def _manifest_contents(self, files: Files) -> list[tuple[str, bytes, Base]]:
        """Read the manifests among the files, in order: name, content, place."""

    @abstractmethod
    def _file(self, key: str) -> BucketFile | None:
        """Return the file of a key, or None where there is none."""

    @abstractmethod
    def _may_hold(self, key: str) -> bool:
        """Whether a listing could show this key."""

    @abstractmethod
    def _write(self, key: str, data: bytes) -> None:
        """Write a file in one step; `FileExistsError` where one has appeared meanwhile."""

    @abstractmethod
    def address(self, key: str) -> str:
        """Return where a key lies, or would lie, for a person to read."""

    def list(self) -> Iterator[Listed]:
        """List key and version of all objects, in no particular order."""
        files = self._files()
        self._known = lines, referred = self._read_manifests(files)
        self.ignored = []
        yield from (line.listed for line in lines.values())
        for key, file in files.items():
            if key in lines or _is_companion(key, file, files, referred):
                continue
            if is_incidental(key, file):
                self.ignored.append(key)
            else:
                yield Listed(key, _version_with_sidecar(key, file, files))

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
        file = self._file(key)
        if file is None:
            raise UnreadableItemError("is gone from the bucket")
        sidecar = self._file(key + SIDECAR)
        metadata: JsonObject = {}
        if sidecar is not None:
            metadata = parse_metadata(sidecar.blob().read(), sidecar.name)
        return StoredObject(key, (file.blob(),), metadata)

    def version(self, key: str) -> str | None:
        """Return the present version of one object, or None where the listing has none."""
        lines, referred = self._manifests
        return lines[key].listed.version if key in lines else self._version_of_file(key, referred)

    def is_as_listed(self, key: str, version: str) -> bool:
        """Whether the file of an object is as it was listed; no manifest is looked for.

        Args:
            key: as listed.
            version: as listed.

        Returns:
            False also for what a manifest describes: ask for its version.
        """
        return self._version_of_file(key, set()) == version

    def _version_of_file(self, key: str, referred: set[Hashable]) -> str | None:
        if not self._may_hold(key):
            return None
        names = (key, key + SIDECAR, key.removesuffix(SIDECAR))
        files = {n: file for n in names if n and (file := self._file(n)) is not None}
        if key not in files or _is_companion(key, files[key], files, referred):
            return None
        if is_incidental(key, files[key]):
            return None
        return _version_with_sidecar(key, files[key], files)

    def add(self, key: str, data: bytes, metadata: Mapping[str, object]) -> None:
        """Write an object that is not there yet; promotions alone write, and never overwrite.

        Args:
            key: its key.
            data: its content.
            metadata: what its sidecar says; without any there is no sidecar.

        Raises:
            AutolabelError: there is an object with another content.
        """
        present = self._file(key)
        if present is None:
            try:
                if metadata and self._file(key + SIDECAR) is None:
                    text = json.dumps(dict(metadata), sort_keys=True, ensure_ascii=False)
                    self._write(key + SIDECAR, text.encode())
                return self._write(key, data)
            except FileExistsError:
                present = self._file(key)
        if present is None or present.blob().read() != data:
            raise AutolabelError(
                f"{self.address(key)} exists with another content; promotions never overwrite. "
                "Move it away first."
            )

    @property
    def _manifests(self) -> Known:
        """The lines of all manifests, read once for many questions."""
        with self._reading:
            if self._known is None:
                self._known = self._read_manifests(self._manifest_files())
            return self._known

    def _read_manifests(self, files: Files) -> Known:
        lines = read_manifests(self._manifest_contents(files))
        return lines, {file.identity for line in lines.values() for file in line.files}


def _is_companion(key: str, file: BucketFile, files: Files, referred: set[Hashable]) -> bool:
    if not referred and not key.endswith(_COMPANIONS):
        return False
    described = key.removesuffix(SIDECAR)
    if key.endswith(MANIFEST) or _is_ledger(key, file):
        return True
    if described != key and (described in files or described.lower().endswith(DESCRIBED)):
        return True
    return bool(referred) and file.identity in referred


def _is_ledger(key: str, file: BucketFile) -> bool:
    """Whether this is the list of where pictures are from; only its first line tells."""
    if not f"/{key}".endswith(LEDGER):
        return False
    try:
        return sources.is_ledger(file.blob().read())
    except UnreadableItemError:
        return False


def _version_with_sidecar(key: str, file: BucketFile, files: Files) -> str:
    sidecar = files.get(key + SIDECAR)
    return file.version() + (f"+{sidecar.version()}" if sidecar else "")
