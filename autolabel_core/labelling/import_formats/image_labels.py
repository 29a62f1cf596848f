"""One label for each image or text, from the files of other tools."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from autolabel_core.foundation.errors import AutolabelError, NotFoundError
from autolabel_core.foundation.suggestions import did_you_mean
from autolabel_core.labelling.box_input import SourceImage
from autolabel_core.labelling.import_formats.coco import source_images
from autolabel_core.labelling.import_formats.coco_content import (
    category_names,
    coco_content,
    id_text,
)
from autolabel_core.labelling.import_formats.label_studio import (
    finished_annotations,
    listed,
    task_images,
)
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
from autolabel_core.labelling.label_input import (
    ImageLabel,
    ParsedLabels,
    label_text,
    without_missing,
)

FIFTYONE_LABELS, FIFTYONE_SAMPLES = "labels.json", "samples.json"
NOT_DRAWN = frozenset({"choices", "taxonomy", "text", "rating", "number", "datetime"})
"""Values of results in Label Studio that draw nothing of their own."""


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
    parsed = LABEL_FORMATS[chosen](path)
    given = without_missing(parsed.labels)
    return ParsedLabels(given.labels, [*parsed.notes, *given.notes]), chosen


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
    names = category_names(content.categories, path)
    images = source_images(content, path)
    labels = []
    for number, annotation in enumerate(content.annotations, start=1):
        image = images.get(id_text(annotation.get("image_id")) or "")
        name = names.get(id_text(annotation.get("category_id")) or "")
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
        regions = _regions(task)
        choices = [(tag, choice) for region, tag, choice in _choices(task) if region not in regions]
        tags |= {tag for tag, _ in choices}
        labels += [ImageLabel(image, choice) for _, choice in choices]
        if not choices:
            notes.append(f"{where} was left out: nothing is chosen for {image}.")
    if len(tags) > 1:
        raise AutolabelError(
            f"{path} has choices of several kinds ({', '.join(sorted(tags))}); export one of them."
        )
    return ParsedLabels(labels, notes)


def _results(
    task: Mapping[str, object],
) -> Iterator[tuple[Mapping[str, object], Mapping[str, object]]]:
    for annotation in finished_annotations(task):
        for result in listed(annotation, "result"):
            if isinstance(result, dict) and isinstance(result.get("value"), dict):
                yield result, result["value"]


def _regions(task: Mapping[str, object]) -> set[str]:
    """Return the ids of what is drawn: a choice with such an id is about that, not the image."""
    return {str(r["id"]) for r, value in _results(task) if r.get("id") and {*value} - NOT_DRAWN}


def _choices(task: Mapping[str, object]) -> Iterator[tuple[str, str, str]]:
    """Yield region, tag and text of each choice."""
    for result, value in _results(task):
        for choice in listed(value, "choices"):
            yield str(result.get("id")), str(result.get("from_name")), str(choice)


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
    names = {str(n): str(c) for n, c in enumerate(classes)} if isinstance(classes, list) else {}
    labels, notes = [], []
    for name, value in content["labels"].items():
        if isinstance(value, dict):
            value = value.get("label")
        if isinstance(value, list):
            raise AutolabelError(f"{path}: {name!r} has several labels; a document has one.")
        if value is None:
            notes.append(f"{name!r} was left out: it has no label.")
        else:
            text = label_text(value, f"{path}: {name!r}", names)
            labels.append(ImageLabel(SourceImage(name, has_suffix="." in name), text))
    return ParsedLabels(labels, notes)


def _read_samples(samples: list[object], path: Path) -> ParsedLabels:
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
        given = [label for label in fields.values() if label is not None]
        labels += [ImageLabel(image, label_text(g, f"{path}: sample {number}")) for g in given]
        notes += [] if given else [f"{image} was left out: it is not classified."]
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
