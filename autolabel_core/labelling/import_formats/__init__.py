"""Reading annotations of boxes from files: our own lines, and the formats of other tools."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from autolabel_core.foundation.errors import AutolabelError, NotFoundError
from autolabel_core.foundation.suggestions import did_you_mean
from autolabel_core.labelling.box_input import ParsedAnnotations
from autolabel_core.labelling.import_formats.coco import read_coco
from autolabel_core.labelling.import_formats.coco_content import is_coco
from autolabel_core.labelling.import_formats.csv_jsonl import read_csv, read_jsonl, read_parquet
from autolabel_core.labelling.import_formats.label_studio import read_label_studio
from autolabel_core.labelling.import_formats.read_text import export_format, files_in, read_json
from autolabel_core.labelling.import_formats.voc import read_voc
from autolabel_core.labelling.import_formats.yolo import read_yolo
from autolabel_core.labelling.import_formats.yolo_classes import CLASSES, YAML_NAMES

FORMATS: Mapping[str, Callable[[Path], ParsedAnnotations]] = {
    "jsonl": read_jsonl,
    "csv": read_csv,
    "parquet": read_parquet,
    "coco": read_coco,
    "yolo": read_yolo,
    "voc": read_voc,
    "label_studio": read_label_studio,
}
YOLO_SIGNS = frozenset({*YAML_NAMES, CLASSES, "obj.names", "_darknet.labels"})
"""Names of files that a YOLO data set is known by."""


def read_given(
    path: Path, fmt: str | None = None, first_pixel: int | None = None
) -> tuple[ParsedAnnotations, str]:
    """Read annotations of boxes.

    Args:
        path: a file, or the folder of a data set or of an export of ours.
        fmt: one of `FORMATS`; None tells it from the file.
        first_pixel: from where Pascal VOC counts, 0 or 1; None tells it from the boxes.

    Returns:
        What it says, and its format.

    Raises:
        NotFoundError: there is no such file or folder.
        AutolabelError: there is no such format, or the file has another.
    """
    if fmt is not None and fmt not in FORMATS:
        raise AutolabelError(
            f"No format {fmt!r}.{did_you_mean(fmt, FORMATS)} Formats: {', '.join(FORMATS)}."
        )
    if not path.exists():
        raise NotFoundError(f"{path} does not exist.")
    chosen = fmt or _format_of(path)
    if chosen == "voc":
        return read_voc(path, first_pixel), chosen
    if path.is_dir() and chosen in ("csv", "jsonl", "parquet"):
        path = path / f"boxes.{chosen}"
    return FORMATS[chosen](path), chosen


def _format_of(path: Path) -> str:
    formats = _formats_of_folder(path) if path.is_dir() else _formats_of_file(path)
    if len(formats) == 1:
        return formats[0]
    found = f" It looks like {' and '.join(formats)}." if formats else ""
    raise AutolabelError(
        f"The format of {path} is not plain.{found} Name it with --format: {', '.join(FORMATS)}."
    )


def _formats_of_file(path: Path) -> list[str]:
    suffix = path.suffix.lower()
    if suffix in (".jsonl", ".csv", ".parquet", ".xml"):
        return ["voc" if suffix == ".xml" else suffix[1:]]
    if suffix == ".json":
        return ["label_studio" if isinstance(read_json(path), list) else "coco"]
    return ["yolo"] if path.name in YAML_NAMES else []


def _formats_of_folder(path: Path) -> list[str]:
    written = export_format(path)
    if written is not None:
        return [written] if written in FORMATS else []
    files, _ = files_in(path)
    suffixes = {file.suffix.lower() for file in files}
    signs = {
        "yolo": bool(suffixes & {".txt"})
        and any(file.name.lower() in YOLO_SIGNS or file.parent.name == "labels" for file in files),
        "voc": ".xml" in suffixes,
        "coco": any(file.suffix.lower() == ".json" and is_coco(file) for file in files),
    }
    return [name for name, is_there in signs.items() if is_there]
