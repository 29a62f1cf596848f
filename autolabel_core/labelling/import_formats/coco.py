"""COCO: one JSON file with images, categories and boxes as `xywh` from the top left corner."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.labelling.box_input import BoxInput, ParsedAnnotations
from autolabel_core.labelling.import_formats.read_text import Problem, read_json, size_of, whole
from autolabel_core.tables.boxes.box_labels import MISSED


def read_coco(path: Path) -> ParsedAnnotations:
    """Read the boxes of a COCO file; crowd regions are no boxes of one object and stay out.

    Args:
        path: the JSON file.

    Returns:
        What it says; every image in it is taken for reviewed.

    Raises:
        AutolabelError: it is no COCO file.
    """
    content = read_json(path)
    lists = ("images", "annotations", "categories")
    if not isinstance(content, dict) or not all(isinstance(content.get(n), list) for n in lists):
        raise AutolabelError(f"{path} is no COCO file: expected the lists {', '.join(lists)}.")
    if not all(isinstance(entry, dict) for name in lists for entry in content[name]):
        raise AutolabelError(f"{path} is no COCO file: every entry is an object.")
    images = {image.get("id"): image for image in content["images"]}
    names = {category.get("id"): category.get("name") for category in content["categories"]}
    boxes = [whole(_file(image), f"image {image.get('id')}") for image in content["images"]]
    problems: list[Problem] = []
    crowds = 0
    for annotation in content["annotations"]:
        image = images.get(annotation.get("image_id"))
        if annotation.get("iscrowd"):
            crowds += 1
            continue
        try:
            boxes.append(_given(annotation, image, names))
        except AutolabelError as error:
            target = _file(image) if image else None
            problems.append((target, f"annotation {annotation.get('id')}: {error}"))
    notes = (f"{crowds} crowd regions are no boxes and were left out.",) if crowds else ()
    return ParsedAnnotations(boxes, True, tuple(problems), notes)


def _file(image: Mapping[str, Any]) -> str:
    return str(image.get("key") or image.get("file_name") or "")


def _given(
    annotation: Mapping[str, Any], image: Mapping[str, Any] | None, names: Mapping[Any, Any]
) -> BoxInput:
    if image is None:
        raise AutolabelError(f"no image with the id {annotation.get('image_id')!r}")
    name = names.get(annotation.get("category_id"))
    if not isinstance(name, str):
        raise AutolabelError(f"no category with the id {annotation.get('category_id')!r}")
    box = annotation.get("bbox")
    if not isinstance(box, list):
        raise AutolabelError(f"bbox is {box!r}; expected [x, y, width, height]")
    return BoxInput(
        MISSED,
        _file(image),
        tuple(box),
        "xywh",
        size_px=size_of(image.get("width"), image.get("height")),
        true_class=name,
        where=f"annotation {annotation.get('id')}",
    )
