"""A bucket on a local folder."""

from __future__ import annotations

import os
import re
from functools import cached_property
from pathlib import Path

from autolabel_core.foundation.atomic_files import write_atomically
from autolabel_core.foundation.errors import AutolabelError, NotFoundError
from autolabel_core.storage.buckets.allow_list import AllowList
from autolabel_core.storage.buckets.bucket import MANIFEST, BucketLayout, Files
from autolabel_core.storage.buckets.bucket_files import Base, BucketFile, LocalBase, S3Reader
from autolabel_core.storage.buckets.folder_walk import local_file, walk
from autolabel_core.storage.s3 import S3Settings


class FolderBucket(BucketLayout):
    """A folder, or a single manifest on the disk."""

    def __init__(
        self, root: Path, s3: S3Settings | None = None, allowed: AllowList | None = None
    ) -> None:
        super().__init__()
        self._root, self._allowed = root, allowed or AllowList()
        self._s3 = S3Reader(s3 or S3Settings.from_environment())

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

    def address(self, key: str) -> str:
        """Return the file's path."""
        return str(self.path_of(key))

    @cached_property
    def _is_manifest(self) -> bool:
        return self._root.is_file()

    def _file(self, key: str) -> BucketFile | None:
        return local_file(self.path_of(key))

    def _may_hold(self, key: str) -> bool:
        hidden = any(part.startswith(".") for part in key.split("/"))
        return not self._is_manifest and not hidden and _key_of(_name_of(key)) == key

    def _write(self, key: str, data: bytes) -> None:
        def write(part: Path) -> None:
            part.write_bytes(data)

        write_atomically(self.path_of(key), write)

    def _files(self) -> Files:
        return self._walked()

    def _manifest_files(self) -> Files:
        return self._walked(MANIFEST)

    def _walked(self, suffix: str = "") -> Files:
        if self._root.is_dir():
            return {_key_of(name): file for name, file in walk(str(self._root), suffix)}
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

    def _manifest_contents(self, files: Files) -> list[tuple[str, bytes, Base]]:
        manifests = [(key, self.path_of(key)) for key in sorted(files) if key.endswith(MANIFEST)]
        if self._is_manifest:
            manifests = [(self._root.name, self._root)]
        return [
            (name, _content(path), LocalBase(path.parent, self._s3, self._allowed))
            for name, path in manifests
        ]


def _content(manifest: Path) -> bytes:
    try:
        return manifest.read_bytes()
    except OSError as error:
        raise AutolabelError(
            f"The manifest {manifest} cannot be read: {error.strerror}. Nothing is registered, or "
            "its objects would seem deleted; correct its permissions."
        ) from error


def _key_of(relative: str) -> str:
    r"""Keys are Unicode text: undecodable bytes become `\xNN`, and a `\x` of the name `\x5cx`."""
    if relative.isascii() and "\\" not in relative:
        return relative
    raw = os.fsencode(relative).replace(rb"\x", rb"\x5cx")
    return raw.decode("utf-8", "backslashreplace")


def _name_of(key: str) -> str:
    if "\\x" not in key:
        return key
    raw = key.encode("utf-8", "surrogateescape")
    name = re.sub(rb"\\x(5c|[89a-f][0-9a-f])", lambda m: bytes([int(m[1], 16)]), raw)
    return os.fsdecode(name)
