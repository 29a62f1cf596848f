"""YOLO: a folder with a text for each image, boxes as shares `class xc yc w h`."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.labelling.box_input import BoxInput, ParsedAnnotations
from autolabel_core.labelling.import_formats.read_text import Problem, read_text, whole
from autolabel_core.tables.boxes.box_labels import MISSED

NOT_LABELS = frozenset({"classes.txt", "train.txt", "val.txt", "test.txt"})


def read_yolo(path: Path) -> ParsedAnnotations:
    """Read the label files of a YOLO folder; an empty one says that nothing is on its image.

    Args:
        path: the folder, with `data.yaml` or `classes.txt`, and `labels` or the texts themselves.

    Returns:
        What it says; every image with a label file is taken for reviewed.

    Raises:
        AutolabelError: it is no such folder.
    """
    if not path.is_dir():
        raise AutolabelError(f"{path} is no folder; expected a YOLO dataset.")
    names = _class_names(path)
    keys = _keys(path)
    root = path / "labels" if (path / "labels").is_dir() else path
    boxes: list[BoxInput] = []
    problems: list[Problem] = []
    for file in sorted(root.rglob("*.txt")):
        inside = file.relative_to(root).with_suffix("").as_posix()
        if file.name in NOT_LABELS:
            continue
        target = keys.get(inside, inside)
        boxes.append(whole(target, file.relative_to(path).as_posix()))
        for number, line in enumerate(read_text(file).splitlines(), start=1):
            where = f"{file.relative_to(path).as_posix()}, line {number}"
            try:
                boxes += [_given(line.split(), target, names, where)] if line.strip() else []
            except AutolabelError as error:
                problems.append((target, f"{where}: {error}"))
    if not boxes:
        raise AutolabelError(f"{root} holds no label files (*.txt).")
    return ParsedAnnotations(boxes, True, tuple(problems))


def _given(parts: list[str], target: str, names: Mapping[str, str], where: str) -> BoxInput:
    if len(parts) != 5:
        kind = "a polygon or a score" if len(parts) > 5 else "too little"
        raise AutolabelError(f"expected `class xc yc w h`, found {len(parts)} values: {kind}")
    if parts[0] not in names:
        raise AutolabelError(f"no class {parts[0]!r}; the classes are 0 to {len(names) - 1}")
    box = tuple(parts[1:])
    return BoxInput(MISSED, target, box, "cxcywh", True, true_class=names[parts[0]], where=where)


def _class_names(folder: Path) -> dict[str, str]:
    for file in (folder / "data.yaml", folder / "data.yml", folder / "dataset.yaml"):
        if file.exists():
            return _names_of_yaml(file)
    if (folder / "classes.txt").exists():
        lines = read_text(folder / "classes.txt").splitlines()
        return {str(n): line.strip() for n, line in enumerate(lines) if line.strip()}
    raise AutolabelError(f"{folder} names no classes: expected data.yaml or classes.txt in it.")


def _names_of_yaml(file: Path) -> dict[str, str]:
    try:
        content: Any = yaml.safe_load(read_text(file))
    except yaml.YAMLError as error:
        raise AutolabelError(f"{file} is not valid YAML: {error}.") from error
    names = content.get("names") if isinstance(content, dict) else None
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not names:
        raise AutolabelError(f"{file} has no `names`, a list or a mapping of the classes.")
    return {str(number): str(name) for number, name in names.items()}


def _keys(folder: Path) -> dict[str, str]:
    """Return the keys by label file, where `images.csv` of our own export tells them."""
    if not (folder / "images.csv").exists():
        return {}
    rows = csv.DictReader(read_text(folder / "images.csv").splitlines())
    return {
        Path(row["file"]).with_suffix("").as_posix().removeprefix("images/"): row["key"]
        for row in rows
        if row.get("file") and row.get("key")
    }
