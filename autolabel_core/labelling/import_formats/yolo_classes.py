"""The classes of a YOLO data set, from every file that names them; all must say the same."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from pathlib import Path

import yaml

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.label_names import check_label
from autolabel_core.labelling.import_formats.read_text import read_text

YAML_NAMES = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")
CLASSES = "classes.txt"

_NUMBER = re.compile(r"0|[1-9][0-9]*")


class _AsWritten(yaml.BaseLoader):
    """Reads every scalar as the text that stands there: `no`, `on` and `1` are names."""

    def construct_mapping(
        self, node: yaml.MappingNode, deep: bool = False
    ) -> dict[Hashable, object]:
        """Refuse a name that is given twice; the later one would win silently."""
        names = [str(key.value) for key, _ in node.value]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise yaml.MarkedYAMLError(
                problem=f"{twice!r} occurs twice", problem_mark=node.start_mark
            )
        return super().construct_mapping(node, deep)


def class_names(folder: Path, files: Sequence[Path]) -> tuple[dict[str, str], set[Path]]:
    """Return the classes of a data set.

    Args:
        folder: the data set.
        files: all files in it.

    Returns:
        The name by the number that label files use, as text, and the files that were read for it.

    Raises:
        AutolabelError: no file names the classes, or two name others.
    """
    found = {file: _read(file) for file in files if _names_classes(file, folder)}
    if not found:
        raise AutolabelError(
            f"{folder} names no classes: expected data.yaml, classes.txt or obj.names in it."
        )
    first, names = next(iter(found.items()))
    for file, others in found.items():
        if others != names:
            raise AutolabelError(
                f"{first.relative_to(folder)} and {file.relative_to(folder)} name other classes "
                f"({_shown(names)}; {_shown(others)}). Remove the one that is wrong."
            )
    return names, set(found)


def _names_classes(file: Path, folder: Path) -> bool:
    at_root = file.parent == folder
    name = file.name.lower()
    if name in YAML_NAMES or file.suffix.lower() == ".names":
        return at_root
    if name == CLASSES:
        return at_root or (file.parent.name == "labels" and not is_label_text(read_text(file)))
    return name == "_darknet.labels"


def is_label_text(text: str) -> bool:
    """Return whether a text has lines of numbers, or nothing: what a label file holds."""
    lines = [line.split() for line in text.split("\n") if line.strip()]
    return not lines or any(len(parts) > 1 and _is_number(parts[0]) for parts in lines)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _read(file: Path) -> dict[str, str]:
    if file.suffix.lower() in (".yaml", ".yml"):
        names = _names_of_yaml(file)
    else:
        lines = read_text(file).split("\n")
        names = {str(n): line.strip() for n, line in enumerate(lines) if line.strip()}
    seen: dict[str, str] = {}
    for number, name in names.items():
        try:
            checked = check_label(name)
        except AutolabelError as error:
            raise AutolabelError(f"{file}: class {number}: {error}") from error
        if checked in seen:
            raise AutolabelError(f"{file}: the classes {seen[checked]} and {number} are {name!r}.")
        seen[checked] = number
    return {number: name for name, number in seen.items()}


def _names_of_yaml(file: Path) -> dict[str, str]:
    try:
        content: object = yaml.load(read_text(file), Loader=_AsWritten)
    except (yaml.YAMLError, RecursionError) as error:
        raise AutolabelError(f"{file} is not valid YAML: {error}.") from error
    keys = content if isinstance(content, dict) else {}
    names = keys.get("names")
    if isinstance(names, list):
        names = {str(number): name for number, name in enumerate(names)}
    if not isinstance(names, dict) or not names:
        raise AutolabelError(f"{file} has no `names`, a list or a mapping of the classes.")
    for number, name in names.items():
        if not _NUMBER.fullmatch(str(number)) or not isinstance(name, str) or name == "~":
            raise AutolabelError(
                f"{file}: names: {number}: {name!r}; expected a number and a name."
            )
    count = keys.get("nc", str(len(names)))
    if count != str(len(names)):
        raise AutolabelError(f"{file}: nc is {count!r}, and `names` has {len(names)} classes.")
    return names


def _shown(names: dict[str, str]) -> str:
    shown = ", ".join(list(names.values())[:5])
    return shown if len(names) <= 5 else f"{shown}, …"
