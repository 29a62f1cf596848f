"""Label Studio: its JSON export, rectangles in percent of the image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.labelling.box_input import (
    BoxInput,
    ParsedAnnotations,
    Problem,
    SourceImage,
    Target,
)
from autolabel_core.labelling.image_names import has_image_suffix
from autolabel_core.labelling.import_formats.read_text import (
    image_of_data,
    number_of,
    read_json,
    size_of,
    turned_by,
    whole,
)
from autolabel_core.tables.boxes.box_labels import MISSED

RECTANGLE = "rectanglelabels"
TASKS = "tasks.json"
NO_OBJECTS = frozenset(
    {
        *("choices", "relation", "taxonomy", "rating", "textarea", "number", "datetime"),
        *("pairwise", "ranker", "timelinelabels"),
    }
)
"""Results that say something of an image or a rectangle, and draw no object."""


@dataclass
class _Parsed:
    """What the tasks say so far."""

    boxes: list[BoxInput] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    incomplete: set[Target] = field(default_factory=set)


def read_label_studio(path: Path) -> ParsedAnnotations:
    """Read the annotations of tasks; predictions, drafts and cancelled annotations say nothing.

    Args:
        path: the JSON file, or a folder with our own export, `tasks.json`.

    Returns:
        What it says; an image that somebody annotated is taken for reviewed.

    Raises:
        AutolabelError: it is no export of Label Studio.
    """
    tasks = read_json(path / TASKS if path.is_dir() else path)
    if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
        raise AutolabelError(f"{path} is no export of Label Studio: expected a list of tasks.")
    if tasks and not any("data" in task for task in tasks):
        raise AutolabelError(
            f"{path} is a list, but none of tasks with `data`: export from Label Studio as JSON "
            "(not JSON-MIN), and from other tools as COCO with images and categories."
        )
    parsed = _Parsed()
    for number, task in enumerate(tasks, start=1):
        where = f"task {task.get('id', number)}"
        try:
            images = task_images(task, where)
        except AutolabelError as error:
            parsed.problems.append((None, f"{where}: {error}"))
            continue
        _read_task(task, images, where, parsed)
    notes = [
        f"{count} results of the type {what} were left out: they draw no object."
        for what, count in sorted(parsed.left_out.items())
    ]
    notes += parsed.notes
    incomplete = frozenset(parsed.incomplete)
    return ParsedAnnotations(parsed.boxes, True, tuple(parsed.problems), tuple(notes), incomplete)


def _read_task(
    task: Mapping[str, object], images: Mapping[str, SourceImage], where: str, parsed: _Parsed
) -> None:
    annotations = _finished(task, where, parsed)
    people = Counter(_annotator(annotation) for annotation in annotations)
    for annotation in annotations:
        who = _annotator(annotation)
        results = annotation.get("result") or []
        if people[who] > 1 or not isinstance(results, list):
            problem = (
                "its `result` is no list"
                if people[who] == 1
                else f"{people[who]} annotations of {who or 'nobody'} say two things; keep one"
            )
            parsed.problems += [(image, f"{where}: {problem}") for image in images.values()]
            continue
        _read_results(results, images, who, where, parsed)


def _finished(
    task: Mapping[str, object], where: str, parsed: _Parsed
) -> list[Mapping[str, object]]:
    """Return the annotations that count, and note those that do not."""
    finished = finished_annotations(task)
    others = {
        "cancelled annotations": len(listed(task, "annotations")) - len(finished),
        "drafts": len(listed(task, "drafts")),
        "predictions": len(listed(task, "predictions")),
    }
    if not finished:
        said = ", ".join(f"{count} {what}" for what, count in others.items() if count)
        parsed.notes.append(f"{where} was left out: it has no annotation ({said or 'nothing'}).")
    return finished


def listed(entry: Mapping[str, object], name: str) -> list[object]:
    """Return the list under a name; an empty one for anything else."""
    value = entry.get(name)
    return value if isinstance(value, list) else []


def finished_annotations(task: Mapping[str, object]) -> list[Mapping[str, object]]:
    """Return the annotations of a task that nobody cancelled."""
    annotations = [a for a in listed(task, "annotations") if isinstance(a, dict)]
    return [a for a in annotations if not a.get("was_cancelled")]


def _read_results(
    results: list[object],
    images: Mapping[str, SourceImage],
    who: str | None,
    where: str,
    parsed: _Parsed,
) -> None:
    labels = _labels_by_region(results)
    touched: set[str] = set()
    for place, result in enumerate(results, start=1):
        at = f"{where}, result {place}"
        image: SourceImage | None = None
        try:
            if not isinstance(result, dict):
                raise AutolabelError("is no object")
            kind = _kind(result)
            if kind in NO_OBJECTS or (kind == "labels" and _is_drawn(result, results)):
                parsed.left_out += Counter([kind] if kind in NO_OBJECTS else [])
                continue
            name = _image_name(result, images)
            touched.add(name)
            image = images[name]
            parsed.boxes += _boxes(result, kind, labels, image, who, at)
        except AutolabelError as error:
            meant = images.values() if image is None else (image,)
            parsed.problems += [(one, f"{at}: {error}") for one in meant]
    if results and not touched and len(images) == 1:
        # Who chose or wrote something and drew nothing need not have been asked for boxes.
        parsed.incomplete |= set(images.values())
    for name, image in images.items():
        if len(images) == 1 or name in touched:
            parsed.boxes.append(whole(image, where, who))
        else:
            parsed.notes.append(
                f"{where}: nothing is drawn on {image}, one of {len(images)} images of the task: "
                "it is not taken for reviewed."
            )


def task_images(task: Mapping[str, object], where: str) -> dict[str, SourceImage]:
    """Return the images of a task by the field that names them.

    Args:
        task: as exported.
        where: what to call the task in messages.

    Returns:
        At least one image.

    Raises:
        AutolabelError: the task names none.
    """
    data = task.get("data")
    if not isinstance(data, dict):
        raise AutolabelError("has no data")
    is_ours = {"key", "split"} <= set(data)
    fields = [name for name, value in data.items() if isinstance(value, str) and _is_image(value)]
    if "image" in data and "image" not in fields:
        fields.insert(0, "image")
    fields = [name for name in fields if name != "key"] or [n for n in ("key",) if n in data]
    fields = ["image"] if is_ours and "image" in data else fields
    if not fields:
        raise AutolabelError("its data name no image")
    images = {}
    for name in fields:
        entry = where if len(fields) == 1 else f"{where}, {name}"
        if not isinstance(data[name], str):
            raise AutolabelError(f"its {name!r} is no address of one image")
        images[name] = image_of_data(data, is_ours, data[name], entry)
    return images


def _is_image(value: str) -> bool:
    address = urlsplit(value)
    local = parse_qs(address.query).get("d", [""])[0]
    return any(has_image_suffix(path) for path in (value, address.path, local))


def _image_name(result: Mapping[str, object], images: Mapping[str, SourceImage]) -> str:
    """Return which image a result is drawn on, by its `to_name`."""
    to_name = result.get("to_name")
    if result.get("item_index"):
        raise AutolabelError("is drawn on another page of the image")
    if to_name in images:
        return str(to_name)
    if len(images) == 1:
        return next(iter(images))
    raise AutolabelError(
        f"is drawn on {to_name!r}, and the task has the images {', '.join(images)}; give the tag "
        "in the labelling configuration the name of its field"
    )


def _annotator(annotation: Mapping[str, object]) -> str | None:
    who = annotation.get("completed_by")
    if isinstance(who, dict):
        who = who.get("email") or who.get("id")
    return None if who is None else str(who)


def _kind(result: Mapping[str, object]) -> str:
    """Return the type of a result; old exports tell it by the fields of the value alone."""
    value = result.get("value")
    names = [RECTANGLE, *sorted(NO_OBJECTS)]
    by_value = next((name for name in names if isinstance(value, dict) and name in value), None)
    return str(result.get("type") or by_value or "")


def _labels_by_region(results: Iterable[object]) -> dict[str, list[object]]:
    """Return the labels that stand apart from their rectangle, by the region's id."""
    labels: dict[str, list[object]] = {}
    for result in results:
        region = result.get("id") if isinstance(result, dict) else None
        value = result.get("value") if isinstance(result, dict) else None
        if isinstance(value, dict) and region:
            labels.setdefault(str(region), []).extend(listed(value, "labels"))
    return labels


def _is_drawn(labels: Mapping[str, object], results: Iterable[object]) -> bool:
    """Return whether a rectangle belongs to labels that stand apart."""
    return any(
        isinstance(other, dict) and other.get("type") == "rectangle" and other.get("id")
        for other in results
        if isinstance(other, dict) and other.get("id") == labels.get("id")
    )


def _boxes(
    result: Mapping[str, object],
    kind: str,
    labels: Mapping[str, list[object]],
    image: SourceImage,
    who: str | None,
    where: str,
) -> list[BoxInput]:
    value = result.get("value")
    if not isinstance(value, dict) or kind not in (RECTANGLE, "rectangle"):
        raise AutolabelError(
            f"is no rectangle{f' but {kind}' if kind else ''}; boxes alone can be taken"
        )
    for angle in (value.get("rotation"), result.get("image_rotation")):
        if turned_by(angle):
            raise AutolabelError(f"is turned by {angle}°; draw it upright")
    names = value.get(RECTANGLE) or labels.get(str(result.get("id")), [])
    texts = [n for n in names if isinstance(n, str)] if isinstance(names, list) else []
    if not isinstance(names, list) or not texts or len(texts) < len(names):
        raise AutolabelError("is a rectangle without a label; give it one, or remove it")
    numbers = [number_of(value.get(name)) for name in ("x", "y", "width", "height")]
    box = tuple(number / 100 for number in numbers if number is not None)
    if len(box) < len(numbers):
        raise AutolabelError("lacks x, y, width or height")
    size = size_of(result.get("original_width"), result.get("original_height"))
    return [
        BoxInput(MISSED, image, box, "xywh", True, size, name, annotator=who, where=where)
        for name in texts
    ]
