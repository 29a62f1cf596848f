"""COCO: JSON with images, categories and boxes as `xywh` from the top left corner."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.labelling.box_input import (
    BoxInput,
    ParsedAnnotations,
    Problem,
    SourceImage,
    Target,
)
from autolabel_core.labelling.import_formats.coco_content import (
    CocoContent,
    category_names,
    coco_content,
    id_text,
    is_coco,
)
from autolabel_core.labelling.import_formats.read_text import (
    files_in,
    image_of_data,
    left_out,
    size_of,
    turned_by,
    whole,
)
from autolabel_core.tables.boxes.box_labels import MISSED

INSTANCES = re.compile(r"instances_(.+)\.json", re.IGNORECASE)

_IS_PATH_OF_ITS_OWN = re.compile(r"/|[A-Za-z]:|[A-Za-z][A-Za-z0-9+.-]+://|\\\\")


def read_coco(path: Path) -> ParsedAnnotations:
    """Read the boxes of COCO; crowd regions are no boxes of one object and stay out.

    Args:
        path: the JSON file, or a folder with one for each split.

    Returns:
        What it says; every image in it is taken for reviewed, but those with a crowd region.

    Raises:
        AutolabelError: it is no COCO file, or two images or categories in it have one id.
    """
    if not path.is_dir():
        return _reviewed_if_any(_read_file(path, "", "", 0))
    files, notes = files_in(path)
    texts = [file for file in files if file.suffix.lower() == ".json"]
    chosen = _instance_files(texts)
    if not chosen:
        raise AutolabelError(f"{path} holds no COCO file: expected instances_*.json in it.")
    parts = []
    for file in chosen:
        folders = _image_folders(file.relative_to(path))
        name = file.relative_to(path).as_posix()
        parts.append(_read_file(file, f"{name}, ", "".join(f"{f}/" for f in folders), len(folders)))
    unread = [file for file in texts if file not in chosen]
    beside = [file for file in unread if is_coco(file)]
    others = left_out([f for f in unread if f not in beside], path, "it holds no boxes of COCO")
    others += left_out(beside, path, "beside instances_*.json no other file is read")
    parsed = ParsedAnnotations(
        [box for part in parts for box in part.boxes],
        True,
        tuple(problem for part in parts for problem in part.problems),
        (*notes, *others, *(note for part in parts for note in part.notes)),
        frozenset().union(*(part.incomplete for part in parts)),
    )
    return _reviewed_if_any(parsed)


def _reviewed_if_any(parsed: ParsedAnnotations) -> ParsedAnnotations:
    """Take no image for reviewed where a source of another tool has not one annotation."""
    images = {box.target for box in parsed.boxes if isinstance(box.target, SourceImage)}
    is_ours = any(image.key is not None for image in images)
    has_any = bool(parsed.incomplete) or any(box.label == MISSED for box in parsed.boxes)
    if is_ours or not images or has_any:
        return parsed
    note = "No image has an annotation, so none is taken for reviewed."
    return replace(parsed, notes=(*parsed.notes, note), incomplete=frozenset(images))


def _instance_files(files: list[Path]) -> list[Path]:
    """Return the files with boxes: those named so, or whatever is COCO."""
    named = [file for file in files if INSTANCES.fullmatch(file.name)]
    return [file for file in named or files if is_coco(file)]


def _image_folders(file: PurePosixPath | Path) -> tuple[str, ...]:
    """Return where the images of a file lie: in `images/<split>`, or beside the file."""
    split = INSTANCES.fullmatch(file.name)
    if split and file.parent.name == "annotations":
        return (*file.parent.parent.parts, "images", split[1])
    folders = file.parent.parts
    return folders[:-1] if folders and folders[-1] == "annotations" else folders


def _read_file(path: Path, prefix: str, folder: str, layout_folders: int) -> ParsedAnnotations:
    content = coco_content(path)
    names = category_names(content.categories, path)
    problems: list[Problem] = []
    images: dict[str, tuple[SourceImage, Mapping[str, object]]] = {}
    for number, stated in enumerate(content.images, start=1):
        try:
            images[_image_id(stated, images)] = (
                _source_image(stated, number, content.is_ours, prefix, folder, layout_folders),
                stated,
            )
        except AutolabelError as error:
            problems.append((None, f"{prefix}entry {number} of images: {error}"))
    boxes = [whole(image, image.entry) for image, _ in images.values()]
    crowds: list[Target] = []
    for number, annotation in enumerate(content.annotations, start=1):
        where = f"{prefix}annotation {annotation.get('id', f'number {number}')}"
        image, entry = images.get(id_text(annotation.get("image_id")) or "", (None, {}))
        try:
            if image is None:
                raise AutolabelError(f"no image with the id {annotation.get('image_id')!r}")
            if annotation.get("iscrowd"):
                crowds.append(image)
                continue
            boxes.append(_box(annotation, image, entry, names, where))
        except AutolabelError as error:
            problems.append((image, f"{where}: {error}"))
    notes = _crowd_notes(crowds)
    scored = sum("score" in annotation for annotation in content.annotations)
    if scored:
        notes = (
            *notes,
            f"{prefix}{scored} annotations have a score, as those of a detector do; "
            "they count as given by a person.",
        )
    return ParsedAnnotations(boxes, True, tuple(problems), notes, frozenset(crowds))


def source_images(content: CocoContent, path: Path) -> dict[str, SourceImage]:
    """Return the images of a COCO file by their id as text.

    Args:
        content: see `coco_content`.
        path: what to call the file in an error.

    Returns:
        The images.

    Raises:
        AutolabelError: an image has no name, no id, or that of another.
    """
    images: dict[str, tuple[SourceImage, Mapping[str, object]]] = {}
    for number, image in enumerate(content.images, start=1):
        try:
            source = _source_image(image, number, False, "", "", 0)
            images[_image_id(image, images)] = source, image
        except AutolabelError as error:
            raise AutolabelError(f"{path}: entry {number} of images: {error}.") from error
    return {image_id: source for image_id, (source, _) in images.items()}


def _image_id(image: Mapping[str, object], known: Mapping[str, tuple[SourceImage, object]]) -> str:
    image_id = id_text(image.get("id"))
    if image_id is None:
        raise AutolabelError(f"its id is {image.get('id')!r}; expected a number")
    if image_id in known:
        first = known[image_id][0].path
        raise AutolabelError(
            f"{_file(image)!r} has the id {image_id}, which {first!r} has as well; "
            "their annotations cannot be told apart"
        )
    return image_id


def _file(image: Mapping[str, object]) -> str:
    """Return the path that an image states: its file's name, or its address."""
    for field in ("file_name", "path", "coco_url", "flickr_url", "url"):
        path = image.get(field)
        if isinstance(path, str) and path.strip():
            return path
    return ""


def _source_image(
    image: Mapping[str, object],
    number: int,
    is_ours: bool,
    prefix: str,
    folder: str,
    layout_folders: int,
) -> SourceImage:
    path = _file(image)
    entry = f"{prefix}image {image.get('id', f'number {number}')}"
    if folder and path and not _IS_PATH_OF_ITS_OWN.match(path):
        return image_of_data(image, is_ours, folder + path, entry, layout_folders)
    return image_of_data(image, is_ours, path, entry)


def _box(
    annotation: Mapping[str, object],
    image: SourceImage,
    entry: Mapping[str, object],
    names: Mapping[str, str],
    where: str,
) -> BoxInput:
    name = names.get(id_text(annotation.get("category_id")) or "")
    if name is None:
        raise AutolabelError(f"no category with the id {annotation.get('category_id')!r}")
    box = annotation.get("bbox")
    if not isinstance(box, list):
        raise AutolabelError(f"bbox is {box!r}; expected [x, y, width, height]")
    attributes = annotation.get("attributes")
    if isinstance(attributes, dict) and turned_by(attributes.get("rotation")):
        raise AutolabelError(f"is turned by {attributes['rotation']}°; draw it upright")
    size = size_of(entry.get("width"), entry.get("height"))
    return BoxInput(MISSED, image, tuple(box), "xywh", size_px=size, true_class=name, where=where)


def _crowd_notes(crowds: list[Target]) -> tuple[str, ...]:
    counts = Counter(crowds)
    return tuple(
        f"{image}: {count} crowd regions are no boxes and were left out."
        for image, count in counts.items()
    )
