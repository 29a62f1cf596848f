"""YOLO: a folder with a text for each image, boxes as shares `class xc yc w h`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.labelling.box_input import BoxInput, ParsedAnnotations, Problem, SourceImage
from autolabel_core.labelling.image_names import has_image_suffix, split_of
from autolabel_core.labelling.import_formats.read_text import (
    files_in,
    keys_by_file,
    left_out,
    read_text,
    whole,
)
from autolabel_core.labelling.import_formats.yolo_classes import (
    YAML_NAMES,
    class_names,
    is_label_text,
)
from autolabel_core.tables.boxes.box_labels import MISSED

LABELS = "labels"
MAX_SHARE = 1.01
"""What rounding may add to a share of the image."""

_CVAT_FOLDER = re.compile(r"obj_\w+_data", re.IGNORECASE)
_NO_IMAGE = frozenset({".cache", ".txt", ".yaml", ".yml"})


def read_yolo(path: Path) -> ParsedAnnotations:
    """Read the label files of a YOLO data set; an empty one says that nothing is on its image.

    The layouts of ultralytics (`labels/train`), Roboflow (`train/labels`), CVAT and Darknet
    (`obj_train_data`), and of one folder for all are known.

    Args:
        path: the folder, or the `data.yaml` in it.

    Returns:
        What it says; every image with a label file is taken for reviewed.

    Raises:
        AutolabelError: it is no such folder.
    """
    folder = path.parent if path.is_file() and path.name in YAML_NAMES else path
    if not folder.is_dir():
        raise AutolabelError(f"{path} is no folder; expected a YOLO dataset.")
    files, notes = files_in(folder)
    names, about_classes = class_names(folder, files)
    keys = {_without_suffix(file): key for file, key in keys_by_file(folder).items()}
    labels = [file for file in files if file not in about_classes]
    labels, others = _label_files(labels, folder)
    boxes: list[BoxInput] = []
    problems: list[Problem] = []
    for file in labels:
        _read_file(file, folder, names, keys, boxes, problems)
    if not labels:
        raise AutolabelError(f"{folder} holds no label files (*.txt).")
    return ParsedAnnotations(boxes, True, tuple(problems), (*notes, *others))


@dataclass(frozen=True)
class _Place:
    """Where a label file lies: the path of its image without suffix, and the format's folders."""

    path: str
    layout_folders: int


def _label_files(files: Sequence[Path], folder: Path) -> tuple[list[Path], list[str]]:
    """Return the label files, and a line for each other file that might have been one."""
    texts = [file for file in files if file.suffix.lower() == ".txt"]
    inside = [file for file in texts if _label_folder(file.relative_to(folder).parts) is not None]
    if inside:
        others = [file for file in texts if file not in inside]
        strange = [
            file
            for file in files
            if LABELS in file.relative_to(folder).parts[:-1]
            and file.suffix.lower() not in _NO_IMAGE
            and not has_image_suffix(file.name)
        ]
        notes = left_out(others, folder, "it does not lie among the label files")
        return inside, notes + left_out(strange, folder, "it is no label file (*.txt)")
    labels = [file for file in texts if _is_label_file(file, folder)]
    others = [file for file in texts if file not in labels]
    return labels, left_out(others, folder, "it holds no boxes")


def _label_folder(parts: Sequence[str]) -> int | None:
    """Return which part of a path is the folder of the label files; None where none is."""
    for place, part in enumerate(parts[:-1]):
        if part == LABELS or _CVAT_FOLDER.fullmatch(part):
            return place
    return None


def _is_label_file(file: Path, folder: Path) -> bool:
    """Return whether a text beside others is a label file, not a list of images or a README."""
    if file.name.lower().startswith("readme"):
        return False
    try:
        text = read_text(file)
    except AutolabelError:
        return True
    is_list = file.parent == folder and split_of(file.stem) is not None
    return is_label_text(text) and not (is_list and not text.strip())


def _place(file: Path, folder: Path) -> _Place:
    parts = file.relative_to(folder).with_suffix("").parts
    at = _label_folder(parts)
    before, after = ((), parts) if at is None else (parts[:at], parts[at + 1 :])
    path = (*before, *after)
    depth = len(before)
    while depth < len(path) - 1 and split_of(path[depth]):
        depth += 1
    return _Place("/".join(path), depth)


def _without_suffix(file: str) -> str:
    return PurePosixPath(file).with_suffix("").as_posix().removeprefix("images/")


def _read_file(
    file: Path,
    folder: Path,
    names: Mapping[str, str],
    keys: Mapping[str, str],
    boxes: list[BoxInput],
    problems: list[Problem],
) -> None:
    entry = file.relative_to(folder).as_posix()
    place = _place(file, folder)
    image = SourceImage(
        place.path,
        entry,
        key=keys.get(place.path),
        layout_folders=place.layout_folders,
        has_suffix=False,
    )
    try:
        lines = read_text(file).split("\n")
    except AutolabelError as error:
        problems.append((image, str(error)))
        return
    boxes.append(whole(image, entry))
    for number, line in enumerate(lines, start=1):
        where = f"{entry}, line {number}"
        try:
            boxes += [_box(line.split(), image, names, where)] if line.strip() else []
        except AutolabelError as error:
            problems.append((image, f"{where}: {error}"))


def _box(parts: list[str], image: SourceImage, names: Mapping[str, str], where: str) -> BoxInput:
    if len(parts) != 5:
        kind = "a polygon, key points or a score" if len(parts) > 5 else "too little"
        raise AutolabelError(f"expected `class xc yc w h`, found {len(parts)} values: {kind}")
    if parts[0] not in names:
        raise AutolabelError(f"no class {parts[0]!r}; the classes are {_range(names)}")
    try:
        shares = [float(part) for part in parts[1:]]
    except ValueError as error:
        raise AutolabelError(f"expected four numbers after the class, found {parts[1:]}") from error
    if not all(1 - MAX_SHARE <= share <= MAX_SHARE for share in shares):
        raise AutolabelError(
            f"{' '.join(parts[1:])} are no shares of the image, 0 to 1; are these pixels?"
        )
    box = tuple(parts[1:])
    return BoxInput(MISSED, image, box, "cxcywh", True, true_class=names[parts[0]], where=where)


def _range(names: Mapping[str, str]) -> str:
    numbers = sorted(map(int, names))
    return f"{numbers[0]} to {numbers[-1]}"
