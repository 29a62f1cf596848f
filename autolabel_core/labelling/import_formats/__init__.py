"""Reading annotations of boxes from files: our own lines, and the formats of other tools."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from autolabel_core.foundation.errors import AutolabelError, NotFoundError
from autolabel_core.foundation.suggestions import did_you_mean
from autolabel_core.labelling.box_input import ParsedAnnotations
from autolabel_core.labelling.import_formats.coco import read_coco
from autolabel_core.labelling.import_formats.csv_jsonl import read_csv, read_jsonl
from autolabel_core.labelling.import_formats.label_studio import read_label_studio
from autolabel_core.labelling.import_formats.read_text import read_json
from autolabel_core.labelling.import_formats.voc import read_voc
from autolabel_core.labelling.import_formats.yolo import read_yolo

FORMATS: Mapping[str, Callable[[Path], ParsedAnnotations]] = {
    "jsonl": read_jsonl,
    "csv": read_csv,
    "coco": read_coco,
    "yolo": read_yolo,
    "voc": read_voc,
    "label_studio": read_label_studio,
}


def read_given(path: Path, fmt: str | None = None) -> tuple[ParsedAnnotations, str]:
    """Read annotations of boxes.

    Args:
        path: a file, or the folder of a YOLO or Pascal VOC dataset.
        fmt: one of `FORMATS`; None tells it from the file.

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
    return FORMATS[chosen](path), chosen


def _format_of(path: Path) -> str:
    if path.is_dir():
        has_xml = any(path.rglob("*.xml"))
        is_yolo = any((path / name).exists() for name in ("data.yaml", "classes.txt", "labels"))
        if is_yolo != has_xml:
            return "yolo" if is_yolo else "voc"
    suffix = path.suffix.lower()
    if suffix in (".jsonl", ".csv", ".xml"):
        return "voc" if suffix == ".xml" else suffix[1:]
    if suffix == ".json":
        return "label_studio" if isinstance(read_json(path), list) else "coco"
    raise AutolabelError(f"The format of {path} is not plain: name it, {', '.join(FORMATS)}.")
