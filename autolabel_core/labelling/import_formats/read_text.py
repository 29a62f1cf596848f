"""What the readers share: texts and JSON that nobody vouches for, files of a folder, images."""

from __future__ import annotations

import codecs
import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import SupportsFloat

from autolabel_core.foundation.errors import AutolabelError, NotFoundError
from autolabel_core.foundation.json_types import Json
from autolabel_core.foundation.spreadsheet_cells import unescaped
from autolabel_core.labelling.box_input import BoxInput, SourceImage, Target
from autolabel_core.tables.boxes.box_labels import REVIEWED

EXPORT_INDEX = "images.csv"
"""The table of our own exports that leads from files back to keys."""

EXPORT_MARKER = ".autolabel-export.json"
"""The file of our own exports that says which format they have."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_bytes(path: Path) -> bytes:
    """Return the bytes of a file.

    Args:
        path: the file.

    Returns:
        All of it.

    Raises:
        NotFoundError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotFoundError(f"{path} cannot be read: {error.strerror}.") from error


def read_text(path: Path) -> str:
    """Return the text of a file; no other encoding is guessed, because a guess may be wrong.

    Args:
        path: the file.

    Returns:
        Its text, UTF-8, or UTF-16 or UTF-32 with a mark; empty for an empty file. An
        `AutolabelError` says that it is in another encoding, or cannot be read.
    """
    return decoded(read_bytes(path), str(path))


def decoded(data: bytes, name: str, declared: str | None = None) -> str:
    """Return bytes as text.

    Args:
        data: the content of a file.
        name: what to call the file in an error.
        declared: the encoding that the file itself declares; UTF-8 without.

    Returns:
        The text, without a byte-order mark.

    Raises:
        AutolabelError: it is no text in that encoding.
    """
    encoding = next((e for mark, e in _MARKS if data.startswith(mark)), declared or "utf-8")
    try:
        text = data.decode(encoding)
    except LookupError as error:
        raise AutolabelError(f"{name} is in an unknown encoding, {encoding!r}.") from error
    except UnicodeError as error:
        cure = "" if declared else " Save it as UTF-8."
        place = f"byte {error.start}" if isinstance(error, UnicodeDecodeError) else "a byte"
        raise AutolabelError(
            f"{name} is not {encoding.upper().removesuffix('-SIG')}: {place} does not fit.{cure}"
        ) from error
    if "\0" in text:
        raise AutolabelError(f"{name} is no text: it holds NUL bytes.")
    return text


def read_json(path: Path) -> Json:
    """Return the content of a JSON file.

    Args:
        path: the file.

    Returns:
        What it holds.

    Raises:
        AutolabelError: it is not JSON.
    """
    try:
        return parse_json(read_text(path))
    except (ValueError, RecursionError) as error:
        raise AutolabelError(f"{path} is not valid JSON: {error}.") from error


def parse_json(text: str) -> Json:
    """Return what a JSON text holds.

    Args:
        text: JSON.

    Returns:
        Its content; a `ValueError` says that it is not JSON, or that an object gives a name twice.
    """
    content: Json = json.loads(text, object_pairs_hook=_once)
    return content


def _once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {twice!r} occurs twice in one object")
    return content


def number_of(value: object) -> float | None:
    """Return a number that a file states, also as a text; None for what is none."""
    if not isinstance(value, str | SupportsFloat):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def size_of(width: object, height: object) -> tuple[int, int] | None:
    """Return an image's size as a source states it; None where it states none."""
    sides = [number_of(side) for side in (width, height)]
    known = [side for side in sides if side is not None and math.isfinite(side) and side >= 1]
    return (round(known[0]), round(known[1])) if len(known) == 2 else None


def whole(target: Target, where: str, annotator: str | None = None) -> BoxInput:
    """Return the word that all that is on an image is said."""
    return BoxInput(REVIEWED, target, annotator=annotator, where=where)


def turned_by(angle: object) -> float:
    """Return an angle in degrees, 0 for none.

    Args:
        angle: as a file states it.

    Returns:
        The angle.

    Raises:
        AutolabelError: it is no number.
    """
    degrees = number_of(angle or 0)
    if degrees is None:
        raise AutolabelError(f"its rotation is {angle!r}; expected degrees")
    return degrees


def files_in(folder: Path) -> tuple[list[Path], list[str]]:
    """Return the files below a folder.

    Args:
        folder: where to look.

    Returns:
        The files in order, and a line for those that are no part of the data set: hidden ones, and
        what macOS puts beside each file of a zip.
    """
    files, hidden = [], 0
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        parts = file.relative_to(folder).parts
        if any(part.startswith(".") or part == "__MACOSX" for part in parts):
            hidden += file.name != EXPORT_MARKER
        else:
            files.append(file)
    return files, [f"{hidden} hidden files were left out."] if hidden else []


def keys_by_file(folder: Path) -> dict[str, str]:
    """Return the keys by image file, where `images.csv` of our own export tells them.

    Args:
        folder: the folder of a data set.

    Returns:
        Key by the file's path inside the folder; empty for a data set of another tool.
    """
    index = folder / EXPORT_INDEX
    if not index.is_file():
        return {}
    rows = csv.DictReader(io.StringIO(read_text(index), newline=""))
    return {
        unescaped(row["file"]): unescaped(row["key"])
        for row in rows
        if row.get("file") and row.get("key")
    }


def export_format(folder: Path) -> str | None:
    """Return the format of an export of ours; None for another folder."""
    marker = folder / EXPORT_MARKER
    if not marker.is_file():
        return None
    content = read_json(marker)
    fmt = content.get("format") if isinstance(content, dict) else None
    return fmt if isinstance(fmt, str) else None


def image_of_data(
    data: Mapping[str, object], is_ours: bool, path: str, entry: str, layout_folders: int = 0
) -> SourceImage:
    """Return the image that an entry of a JSON file means, our own `key` where we wrote it.

    Args:
        data: the entry, which may hold a `key`.
        is_ours: whether an export of ours wrote it.
        path: the image's path as the entry states it.
        entry: what to call the entry in messages.
        layout_folders: see `SourceImage`.

    Returns:
        The image.

    Raises:
        AutolabelError: the entry states no image, or two.
    """
    key = data.get("key")
    if is_ours and isinstance(key, str) and key:
        return SourceImage(path or key, entry, key=key)
    if not path and isinstance(key, str):
        path = key
    if not path.strip():
        raise AutolabelError("names no image")
    return SourceImage(path, entry, layout_folders=layout_folders)


def left_out(files: Sequence[Path], folder: Path, why: str) -> list[str]:
    """Return a line for each file that was left out, with the reason."""
    return [f"{file.relative_to(folder).as_posix()} was left out: {why}." for file in files]
