"""Packs an extractor's folder as a zip, and unpacks such zips without trusting them.

A package holds `manifest.py` (plain values, read without running it) and `pipeline.py`, at its top
or in one folder.
"""

from __future__ import annotations

import ast
import hashlib
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from autolabel_core.foundation.atomic_files import write_atomically
from autolabel_core.foundation.errors import AutolabelError, NotFoundError
from autolabel_core.foundation.feature_uri import is_name
from autolabel_core.models.plugin_manifest import PluginManifest, read_manifest

MANIFEST, PIPELINE = "manifest.py", "pipeline.py"
MAX_FILES, MAX_BYTES, MAX_RATIO = 1_000, 2_000_000_000, 200
BLOCK = 1 << 20
FIRST_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class ExtractorPackage:
    """A folder whose manifest and pipeline were checked without running them."""

    folder: Path
    manifest: PluginManifest

    @property
    def name(self) -> str:
        """The name under which it is deployed, such as `yolo_cars_1_0_0`."""
        return deployed_name(self.manifest.feature_extractor_name, self.manifest.version)

    @property
    def files(self) -> list[tuple[str, Path]]:
        """Names relative to the folder and files, in order; hidden and compiled ones left out."""
        named = [(p.relative_to(self.folder), p) for p in self.folder.rglob("*") if p.is_file()]
        return sorted((path.as_posix(), file) for path, file in named if not _is_left_out(path))

    @property
    def checksum(self) -> str:
        """SHA-256 over names and contents of all files."""
        digest = hashlib.sha256()
        for name, file in self.files:
            digest.update(f"{name}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
        return digest.hexdigest()

    def pack(self, out: Path) -> None:
        """Write a zip in one step; the same files give the same bytes."""

        def write(part: Path) -> None:
            with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as packed:
                for name, file in self.files:
                    info = zipfile.ZipInfo(f"{self.folder.name}/{name}", FIRST_DATE)
                    info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                    packed.writestr(info, file.read_bytes())

        write_atomically(out, write)


def deployed_name(name: str, version: str) -> str:
    """Return the name of a version beside others: `yolo_cars`, `1.0.0` is `yolo_cars_1_0_0`."""
    return f"{name}_{version.replace('.', '_')}"


def read_package(folder: Path) -> ExtractorPackage:
    """Check a folder; nothing of it is run.

    Args:
        folder: holds `manifest.py` and `pipeline.py`, or one folder with both.

    Returns:
        The package.

    Raises:
        NotFoundError: there is no such folder, or a file is missing.
        AutolabelError: the manifest cannot be used, or the pipeline is no Python.
    """
    if not folder.is_dir():
        raise NotFoundError(f"There is no folder or zip {folder}.")
    inner = [path for path in folder.iterdir() if path.is_dir() and (path / MANIFEST).is_file()]
    place = inner[0] if not (folder / MANIFEST).is_file() and len(inner) == 1 else folder
    for name in (MANIFEST, PIPELINE):
        if not (place / name).is_file():
            raise NotFoundError(f"{place} holds no {name}; an extractor has {MANIFEST}, {PIPELINE}")
    where = f"{place.name}/{MANIFEST}"
    manifest = read_manifest(_values(place / MANIFEST, where), where)
    for key, value in (
        ("feature_extractor_name", manifest.feature_extractor_name),
        ("version", manifest.version),
    ):
        if not is_name(value):
            raise AutolabelError(f"{where}: `{key}` is {value!r}, expected letters, digits, ._-")
    _parsed(place / PIPELINE, f"{place.name}/{PIPELINE}")
    return ExtractorPackage(place, manifest)


def unpack(file: Path, folder: Path) -> None:
    """Unpack a zip below a folder; nothing can leave that folder, or grow beyond the limits.

    Args:
        file: the zip.
        folder: exists and is empty.

    Raises:
        AutolabelError: the zip is damaged, names a place outside, holds a link, or is too large.
    """
    try:
        with zipfile.ZipFile(file) as packed:
            budget = MAX_BYTES
            for info, name in _entries(file, packed):
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with packed.open(info) as source, target.open("wb") as out:
                    while block := source.read(BLOCK):
                        budget -= len(block)
                        if budget < 0:
                            raise AutolabelError(f"{file} holds more than {MAX_BYTES} bytes.")
                        out.write(block)
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, NotImplementedError) as error:
        raise AutolabelError(f"{file} is no zip that can be unpacked: {error}") from error


def _entries(file: Path, packed: zipfile.ZipFile) -> Iterator[tuple[zipfile.ZipInfo, str]]:
    infos = [info for info in packed.infolist() if not info.is_dir()]
    if len(infos) > MAX_FILES:
        raise AutolabelError(f"{file} holds {len(infos)} files, more than {MAX_FILES}.")
    seen: set[str] = set()
    for info in infos:
        path = PurePosixPath(info.filename)
        mode = info.external_attr >> 16
        special = stat.S_IFMT(mode) not in (0, stat.S_IFREG)
        outside = path.is_absolute() or ".." in path.parts or any(c in info.filename for c in "\\:")
        bomb = info.file_size > MAX_BYTES or (
            info.file_size > BLOCK and info.file_size > MAX_RATIO * max(info.compress_size, 1)
        )
        for is_wrong, why in (
            (special, "is a link or no plain file"),
            (outside, "lies outside of the package"),
            (bomb, "unpacks to far more than it is"),
            (path.as_posix().casefold() in seen, "is there twice"),
        ):
            if is_wrong:
                raise AutolabelError(f"{file}: `{info.filename}` {why}. Nothing was deployed.")
        seen.add(path.as_posix().casefold())
        yield info, path.as_posix()


def _values(file: Path, where: str) -> dict[str, object]:
    """Return the names that a module gives plain values, without running it."""
    values: dict[str, object] = {}
    for node in _parsed(file, where).body:
        if isinstance(node, ast.Assign) and all(isinstance(t, ast.Name) for t in node.targets):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            try:
                values |= dict.fromkeys(names, ast.literal_eval(node.value))
            except ValueError as error:
                raise AutolabelError(
                    f"{where}, line {node.lineno}: `{names[0]}` is no plain value. A manifest is "
                    "read without running it: texts, numbers, lists and mappings alone"
                ) from error
        elif not isinstance(node, ast.Expr | ast.Import | ast.ImportFrom):
            raise AutolabelError(f"{where}, line {node.lineno}: expected `key = value` alone")
    return {name: value for name, value in values.items() if not name.startswith("_")}


def _parsed(file: Path, where: str) -> ast.Module:
    try:
        return ast.parse(file.read_bytes())
    except (SyntaxError, ValueError) as error:
        raise AutolabelError(f"{where} is no Python: {error}") from error


def _is_left_out(path: Path) -> bool:
    hidden = any(part.startswith(".") or part == "__pycache__" for part in path.parts)
    return hidden or path.suffix == ".pyc"
