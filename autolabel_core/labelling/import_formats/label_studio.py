"""Label Studio: its JSON export, rectangles in percent of the image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.labelling.box_input import BoxInput, ParsedAnnotations
from autolabel_core.labelling.import_formats.read_text import Problem, read_json, size_of, whole
from autolabel_core.tables.boxes.box_labels import MISSED

RECTANGLE = "rectanglelabels"


def read_label_studio(path: Path) -> ParsedAnnotations:
    """Read the annotations of tasks; predictions and cancelled annotations say nothing.

    Args:
        path: the JSON file.

    Returns:
        What it says; an image that somebody annotated is taken for reviewed.

    Raises:
        AutolabelError: it is no export of Label Studio.
    """
    tasks = read_json(path)
    if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
        raise AutolabelError(f"{path} is no export of Label Studio: expected a list of tasks.")
    boxes: list[BoxInput] = []
    problems: list[Problem] = []
    for number, task in enumerate(tasks, start=1):
        where = f"task {task.get('id', number)}"
        try:
            target = _image(task)
        except AutolabelError as error:
            problems.append((None, f"{where}: {error}"))
            continue
        for annotation in _said(task):
            who = _annotator(annotation)
            boxes.append(whole(target, where, who))
            for place, result in enumerate(annotation.get("result") or (), start=1):
                at = f"{where}, result {place}"
                try:
                    boxes += _given(result, target, who, at)
                except AutolabelError as error:
                    problems.append((target, f"{at}: {error}"))
    return ParsedAnnotations(boxes, True, tuple(problems))


def _said(task: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for annotation in task.get("annotations") or ():
        if isinstance(annotation, dict) and not annotation.get("was_cancelled"):
            yield annotation


def _image(task: Mapping[str, Any]) -> str:
    """Return the image's name: our key, or the end of the address that the task shows."""
    data = task.get("data")
    if not isinstance(data, dict):
        raise AutolabelError("has no data")
    if isinstance(data.get("key"), str):
        return str(data["key"])
    addresses = [value for value in data.values() if isinstance(value, str)]
    if not addresses:
        raise AutolabelError("its data name no image")
    address = urlsplit(str(data.get("image") or addresses[0]))
    local = parse_qs(address.query).get("d")
    return unquote(local[0] if local else address.path).lstrip("/")


def _annotator(annotation: Mapping[str, Any]) -> str | None:
    who = annotation.get("completed_by")
    if isinstance(who, dict):
        who = who.get("email") or who.get("id")
    return None if who is None else str(who)


def _given(result: Any, target: str, who: str | None, where: str) -> list[BoxInput]:
    value = result.get("value") if isinstance(result, dict) else None
    if not isinstance(value, dict) or RECTANGLE not in value:
        raise AutolabelError("is no rectangle; boxes alone can be taken")
    if value.get("rotation"):
        raise AutolabelError(f"is turned by {value['rotation']}°; draw it upright")
    try:
        box = tuple(float(value[name]) / 100 for name in ("x", "y", "width", "height"))
    except (KeyError, TypeError, ValueError) as error:
        raise AutolabelError("lacks x, y, width or height") from error
    size = size_of(result.get("original_width"), result.get("original_height"))
    return [
        BoxInput(MISSED, target, box, "xywh", True, size, str(name), annotator=who, where=where)
        for name in value[RECTANGLE]
    ]
