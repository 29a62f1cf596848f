"""Pascal VOC: one XML for each image, corners in pixels, the last one included."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.labelling.box_input import BoxInput, ParsedAnnotations, Problem, SourceImage
from autolabel_core.labelling.image_names import has_image_suffix, split_of
from autolabel_core.labelling.import_formats.read_text import (
    decoded,
    files_in,
    keys_by_file,
    read_bytes,
    size_of,
    turned_by,
    whole,
)
from autolabel_core.tables.boxes.box_labels import MISSED

ANNOTATIONS = "Annotations"
CORNERS = ("xmin", "ymin", "xmax", "ymax")
SHAPES = frozenset({"bndbox", "robndbox", "polygon", "points", "xmin"})
"""Elements that draw something; where none of them is in an `object`, an object is not read."""
OWN_DATABASE = "autolabel"

_DECLARED = re.compile(rb"""\s*<\?xml[^>]*\bencoding\s*=\s*["']([A-Za-z0-9._:-]+)["']""")


@dataclass
class _Parsed:
    """What the files say so far; corners as they stand, until it is known where they count from."""

    images: list[tuple[SourceImage, str]] = field(default_factory=list)
    objects: list[BoxInput] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    is_ours: bool = True


def read_voc(path: Path, first_pixel: int | None = None) -> ParsedAnnotations:
    """Read the boxes of Pascal VOC files.

    Args:
        path: one XML, or a folder with them.
        first_pixel: 1 where the first pixel is number 1 and the last of a box belongs to it, as the
            format has it; 0 where corners are distances from the image's edge, as some tools write
            them. None: 0 where a box begins at 0, else 1.

    Returns:
        What they say; every image is taken for reviewed.

    Raises:
        AutolabelError: there is no XML.
    """
    folder = path if path.is_dir() else path.parent
    files, parsed, keys = [path], _Parsed(), {}
    if path.is_dir():
        found, parsed.notes = files_in(path)
        files = [file for file in found if file.suffix.lower() == ".xml"]
        keys = keys_by_file(path)
    if not files:
        raise AutolabelError(f"{path} holds no XML.")
    for file in files:
        _read_file(file, file.relative_to(folder), keys, parsed)
    origin = _first_pixel(parsed) if first_pixel is None else first_pixel
    boxes = [whole(image, where) for image, where in parsed.images]
    boxes += [_moved(box, origin) for box in parsed.objects]
    return ParsedAnnotations(boxes, True, tuple(parsed.problems), tuple(parsed.notes))


def _read_file(file: Path, inside: Path, keys: Mapping[str, str], parsed: _Parsed) -> None:
    where = inside.as_posix()
    folders = [part for part in inside.parent.parts if part != ANNOTATIONS]
    bare = PurePosixPath(*folders, inside.stem).as_posix()
    unread = SourceImage(bare, where, layout_folders=len(folders), has_suffix=False)
    try:
        root = _parse(file)
    except AutolabelError as error:
        parsed.problems.append((unread, f"{where}: {error}"))
        return
    image = _image(root, unread, folders, keys)
    parsed.is_ours &= root.findtext("source/database") == OWN_DATABASE
    parsed.images.append((image, where))
    size = size_of(root.findtext("size/width"), root.findtext("size/height"))
    for number, element in enumerate(root.iter("object"), start=1):
        at = f"{where}, object {number}"
        try:
            parsed.objects.append(_box(element, image, size, at))
        except AutolabelError as error:
            parsed.problems.append((image, f"{at}: {error}"))
    objects = list(root.iter("object"))
    others = _shapes(root) - sum(_shapes(element) for element in objects)
    if others > 0:
        problem = f"{where}: {others} elements draw something outside an <object>; expected in one"
        parsed.problems.append((image, problem))
    parts = sum(len(element.findall("part")) for element in objects)
    if parts:
        parsed.notes.append(f"{where}: {parts} parts of objects were left out.")


def _shapes(element: ElementTree.Element) -> int:
    return sum(found.tag.casefold() in SHAPES for found in element.iter())


def _parse(file: Path) -> ElementTree.Element:
    data = read_bytes(file)
    declared = _DECLARED.match(data)
    text = decoded(data, "the file", declared[1].decode("ascii") if declared else None)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise AutolabelError("declares entities, which are not read")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise AutolabelError(f"not valid XML: {error}") from error
    if root.tag != "annotation":
        raise AutolabelError(f"is <{root.tag}>; expected <annotation>")
    return root


def _image(
    root: ElementTree.Element, unread: SourceImage, folders: list[str], keys: Mapping[str, str]
) -> SourceImage:
    """Return the image that a file is about: its `filename`, and by its own name without one."""
    name = (root.findtext("filename") or "").strip()
    if root.findtext("source/database") == OWN_DATABASE:
        key = keys.get(f"JPEGImages/{name}") or root.findtext("source/image")
        if key:
            return SourceImage(name or key, unread.entry, key=key)
    if not name:
        return unread
    split = PurePosixPath((root.findtext("folder") or "").strip().replace("\\", "/")).name
    if not folders and split_of(split):
        folders = [split]
    path = name if re.search(r"[/\\]", name) else "/".join([*folders, name])
    depth = 0 if path == name else len(folders)
    return SourceImage(
        path,
        unread.entry,
        layout_folders=depth,
        has_suffix=has_image_suffix(name),
        entry_path=unread.path,
    )


def _box(
    element: ElementTree.Element, image: SourceImage, size: tuple[int, int] | None, where: str
) -> BoxInput:
    corners = [element.findtext(f"bndbox/{name}") for name in CORNERS]
    try:
        box = tuple(float(corner or "") for corner in corners)
    except ValueError as error:
        raise AutolabelError(f"bndbox {corners}; expected xmin, ymin, xmax, ymax") from error
    if turned_by(element.findtext("bndbox/angle") or element.findtext("bndbox/rotation")):
        raise AutolabelError("is turned; draw it upright")
    name = (element.findtext("name") or "").strip() or None
    return BoxInput(MISSED, image, box, "xyxy", size_px=size, true_class=name, where=where)


def _first_pixel(parsed: _Parsed) -> int:
    """Return from where the corners of all files count, and say so where it is a guess."""
    if parsed.is_ours or not parsed.objects:
        return 1
    at_zero = [box for box in parsed.objects if min(_corners(box)[:2]) <= 0]
    if at_zero:
        parsed.notes.append(
            f"{at_zero[0].where} begins at 0: the corners of all files were read as distances from "
            "the image's edge. Say --first-pixel 1 if the first pixel is number 1."
        )
        return 0
    parsed.notes.append(
        "No box begins at 0: corners were read as pixels counted from 1, as Pascal VOC does. Say "
        "--first-pixel 0 if the tool counted from 0."
    )
    return 1


def _corners(box: BoxInput) -> list[float]:
    return [corner for corner in box.bbox or () if isinstance(corner, float)]


def _moved(box: BoxInput, first_pixel: int) -> BoxInput:
    if first_pixel == 0:
        return box
    x1, y1, x2, y2 = _corners(box)
    return BoxInput(**{**vars(box), "bbox": (x1 - 1, y1 - 1, x2, y2)})
