"""One label for each image or text, from the files of other tools."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from autolabel_core.foundation.errors import AutolabelError, NotFoundError
from autolabel_core.foundation.suggestions import did_you_mean
from autolabel_core.labelling.box_input import SourceImage
from autolabel_core.labelling.import_formats.coco import category_names, coco_content, source_images
from autolabel_core.labelling.import_formats.label_studio import finished_annotations, task_images
from autolabel_core.labelling.import_formats.labelled_folders import (
    METADATA,
    read_huggingface,
    read_image_folder,
)
from autolabel_core.labelling.import_formats.read_text import (
    export_format,
    files_in,
    read_json,
)
from autolabel_core.labelling.label_input import ImageLabel, ParsedLabels

FIFTYONE_LABELS, FIFTYONE_SAMPLES = "labels.json", "samples.json"


def read_labels(path: Path, fmt: str | None = None) -> tuple[ParsedLabels, str]:
    """Read labels of whole images or texts.

    Args:
        path: a file, or a folder.
        fmt: one of `LABEL_FORMATS`; None tells it from what is there.

    Returns:
        What it says, and its format.

    Raises:
        NotFoundError: there is no such file or folder.
        AutolabelError: there is no such format, or what is there has another.
    """
    if fmt is not None and fmt not in LABEL_FORMATS:
        raise AutolabelError(
            f"No format {fmt!r}.{did_you_mean(fmt, LABEL_FORMATS)} "
            f"Formats: {', '.join(LABEL_FORMATS)}."
        )
    if not path.exists():
        raise NotFoundError(f"{path} does not exist.")
    chosen = fmt or _format_of(path)
    return LABEL_FORMATS[chosen](path), chosen


def _format_of(path: Path) -> str:
    if path.is_dir():
        if (path / FIFTYONE_LABELS).is_file() or (path / FIFTYONE_SAMPLES).is_file():
            return "fiftyone"
        is_ours = export_format(path) == "huggingface"
        files, _ = files_in(path)
        has_metadata = any(f.name in METADATA or f.suffix == ".parquet" for f in files)
        return "huggingface" if is_ours or has_metadata else "image_folder"
    content = read_json(path) if path.suffix.lower() == ".json" else None
    if isinstance(content, list):
        return "label_studio"
    if isinstance(content, dict):
        return "coco" if "images" in content else "fiftyone"
    raise AutolabelError(
        f"The format of {path} is not plain: name it with --format: {', '.join(LABEL_FORMATS)}; a "
        "CSV goes to --csv."
    )


def _read_coco(path: Path) -> ParsedLabels:
    content = coco_content(path)
    names = category_names(content["categories"], path)
    images = source_images(content, path)
    labels = []
    for number, annotation in enumerate(content["annotations"], start=1):
        image = images.get(str(annotation.get("image_id")))
        name = names.get(str(annotation.get("category_id")))
        if image is None or name is None:
            where = annotation.get("id", f"number {number}")
            raise AutolabelError(f"{path}: annotation {where} names no image or no category.")
        labels.append(ImageLabel(image, name))
    return ParsedLabels(labels, _without(images.values(), labels))


def _read_label_studio(path: Path) -> ParsedLabels:
    labels, notes = [], []
    tags: set[str] = set()
    tasks = read_json(path)
    if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
        raise AutolabelError(f"{path} is no export of Label Studio: expected a list of tasks.")
    for number, task in enumerate(tasks, start=1):
        where = f"task {task.get('id', number)}"
        (image, *others) = task_images(task, where).values()
        if others:
            raise AutolabelError(f"{path}: {where} has several images; a choice is about all.")
        choices = list(_choices(task))
        tags |= {tag for tag, _ in choices}
        labels += [ImageLabel(image, choice) for _, choice in choices]
        if not choices:
            notes.append(f"{where} was left out: nothing is chosen for {image}.")
    if len(tags) > 1:
        raise AutolabelError(
            f"{path} has choices of several kinds ({', '.join(sorted(tags))}); export one of them."
        )
    return ParsedLabels(labels, notes)


def _choices(task: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for annotation in finished_annotations(task):
        for result in annotation.get("result") or ():
            value = result.get("value") if isinstance(result, dict) else None
            if isinstance(value, dict) and isinstance(value.get("choices"), list):
                for choice in value["choices"]:
                    yield str(result.get("from_name")), str(choice)


def _read_fiftyone(path: Path) -> ParsedLabels:
    """Read `FiftyOneImageClassificationDataset` (`labels.json`), or `FiftyOneDataset`."""
    if path.is_dir():
        named = (path / name for name in (FIFTYONE_LABELS, FIFTYONE_SAMPLES))
        path = next((file for file in named if file.is_file()), path / FIFTYONE_LABELS)
    content = read_json(path)
    if isinstance(content, dict) and isinstance(content.get("samples"), list):
        return _read_samples(content["samples"], path)
    if not isinstance(content, dict) or not isinstance(content.get("labels"), dict):
        raise AutolabelError(f"{path} is no labels file of FiftyOne: expected `labels`, by image.")
    classes = content.get("classes")
    labels, notes = [], []
    for name, value in content["labels"].items():
        if isinstance(value, dict):
            value = value.get("label")
        if isinstance(value, int) and isinstance(classes, list):
            if not 0 <= value < len(classes):
                raise AutolabelError(f"{path}: {name!r} has the class {value} of {len(classes)}.")
            value = classes[value]
        if isinstance(value, list):
            raise AutolabelError(f"{path}: {name!r} has several labels; a document has one.")
        if value is None:
            notes.append(f"{name!r} was left out: it has no label.")
        else:
            labels.append(ImageLabel(SourceImage(name, has_suffix="." in name), str(value)))
    return ParsedLabels(labels, notes)


def _read_samples(samples: list[Any], path: Path) -> ParsedLabels:
    labels: list[ImageLabel] = []
    notes: list[str] = []
    for number, sample in enumerate(samples, start=1):
        if not isinstance(sample, dict) or not isinstance(sample.get("filepath"), str):
            raise AutolabelError(f"{path}: sample {number} has no filepath.")
        fields = {
            name: value["label"]
            for name, value in sample.items()
            if isinstance(value, dict) and value.get("_cls") == "Classification"
        }
        if len(fields) > 1:
            raise AutolabelError(
                f"{path}: sample {number} is classified by several fields ({', '.join(fields)}); "
                "export one of them."
            )
        image = SourceImage(sample["filepath"], f"sample {number}")
        labels += [ImageLabel(image, str(label)) for label in fields.values()]
        notes += [] if fields else [f"{image} was left out: it is not classified."]
    return ParsedLabels(labels, notes)


def _without(images: Iterable[SourceImage], labels: Iterable[ImageLabel]) -> list[str]:
    labelled = {label.image for label in labels}
    return [f"{image} was left out: it has no label." for image in images if image not in labelled]


LABEL_FORMATS: Mapping[str, Callable[[Path], ParsedLabels]] = {
    "coco": _read_coco,
    "label_studio": _read_label_studio,
    "fiftyone": _read_fiftyone,
    "huggingface": read_huggingface,
    "image_folder": read_image_folder,
}
