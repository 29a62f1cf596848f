"""Pascal VOC: one XML for each image, corners in pixels counted from 1, the last one included."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.labelling.box_input import BoxInput, ParsedAnnotations
from autolabel_core.labelling.import_formats.read_text import Problem, read_text, size_of, whole
from autolabel_core.tables.boxes.box_labels import MISSED


def read_voc(path: Path) -> ParsedAnnotations:
    """Read the boxes of Pascal VOC files.

    Args:
        path: one XML, or a folder with them.

    Returns:
        What they say; every image is taken for reviewed.

    Raises:
        AutolabelError: there is no XML.
    """
    files = sorted(path.rglob("*.xml")) if path.is_dir() else [path]
    if not files:
        raise AutolabelError(f"{path} holds no XML.")
    boxes: list[BoxInput] = []
    problems: list[Problem] = []
    for file in files:
        where = file.relative_to(path).as_posix() if path.is_dir() else file.name
        try:
            root = _parse(file)
        except AutolabelError as error:
            problems.append((None, f"{where}: {error}"))
            continue
        target = _file_name(root, file)
        boxes.append(whole(target, where))
        size = size_of(root.findtext("size/width"), root.findtext("size/height"))
        for number, found in enumerate(root.iter("object"), start=1):
            try:
                boxes.append(_given(found, target, size, f"{where}, object {number}"))
            except AutolabelError as error:
                problems.append((target, f"{where}, object {number}: {error}"))
    return ParsedAnnotations(boxes, True, tuple(problems))


def _parse(file: Path) -> ElementTree.Element:
    text = read_text(file)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise AutolabelError("declares entities, which are not read")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise AutolabelError(f"not valid XML: {error}") from error
    if root.tag != "annotation":
        raise AutolabelError(f"is <{root.tag}>; expected <annotation>")
    return root


def _file_name(root: ElementTree.Element, file: Path) -> str:
    """Return the image's name; a key of ours stands in `source/image`."""
    ours = (
        root.findtext("source/image") if root.findtext("source/database") == "autolabel" else None
    )
    return ours or (root.findtext("filename") or "").strip() or file.stem


def _given(
    found: ElementTree.Element, target: str, size: tuple[int, int] | None, where: str
) -> BoxInput:
    corners = [found.findtext(f"bndbox/{name}") for name in ("xmin", "ymin", "xmax", "ymax")]
    try:
        x1, y1, x2, y2 = (float(corner or "") for corner in corners)
    except ValueError as error:
        raise AutolabelError(f"bndbox {corners}; expected xmin, ymin, xmax, ymax") from error
    return BoxInput(
        MISSED,
        target,
        (x1 - 1, y1 - 1, x2, y2),
        "xyxy",
        size_px=size,
        true_class=(found.findtext("name") or "").strip() or None,
        where=where,
    )
