"""Labels from folders: those for Hugging Face `datasets`, and one folder for each class."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.spreadsheet_cells import unescaped
from autolabel_core.labelling.box_input import SourceImage
from autolabel_core.labelling.image_names import split_of
from autolabel_core.labelling.import_formats.read_text import (
    export_format,
    files_in,
    parse_json,
    read_text,
)
from autolabel_core.labelling.label_input import ImageLabel, ParsedLabels, label_text

METADATA = ("metadata.jsonl", "metadata.csv")
LINES = (".jsonl", ".parquet")
OWN_INDEX = "documents.csv"


def read_huggingface(path: Path) -> ParsedLabels:
    """Read a folder for `datasets`: Parquet, lines of JSON, or files beside their metadata.

    Args:
        path: the folder.

    Returns:
        What it says.

    Raises:
        AutolabelError: a row has no label, or does not say of what.
    """
    files, notes = files_in(path)
    names = _names_of_card(path / "README.md")
    tables = [file for file in files if file.name in METADATA or file.suffix.lower() in LINES]
    if not tables:
        return read_image_folder(path)
    labels = []
    for table in tables:
        folders = table.relative_to(path).parent.parts
        for number, row in enumerate(_rows(table), start=1):
            where = f"{table.relative_to(path).as_posix()}, row {number}"
            name, label = row.get("file_name"), row.get("label")
            if "label" not in row or not (name or row.get("key")):
                raise AutolabelError(f"{path}: {where} has no `label`, or no `file_name` or `key`.")
            label = "" if label is None else label_text(label, f"{path}: {where}", names)
            stated = "/".join([*folders, str(name or row["key"])])
            labels.append(ImageLabel(_own_or_stated(row.get("key"), stated, folders, where), label))
    return ParsedLabels(labels, notes)


def _own_or_stated(key: object, path: str, folders: tuple[str, ...], where: str) -> SourceImage:
    own = key if isinstance(key, str) and key else None
    return SourceImage(path, where, key=own, layout_folders=len(folders))


def _names_of_card(card: Path) -> dict[str, str]:
    """Return the classes by number, where a dataset's card tells them."""
    parts = read_text(card).split("---\n", 2) if card.is_file() else []
    try:
        content = yaml.load(parts[1], yaml.BaseLoader) if len(parts) > 2 else None
    except yaml.YAMLError as error:
        raise AutolabelError(f"{card} does not begin with valid YAML: {error}.") from error
    info = content.get("dataset_info") if isinstance(content, dict) else None
    features = info.get("features") if isinstance(info, dict) else None
    for feature in features if isinstance(features, list) else ():
        kind = feature.get("dtype") if isinstance(feature, dict) else None
        classes = kind.get("class_label") if isinstance(kind, dict) else None
        if isinstance(classes, dict) and isinstance(classes.get("names"), dict):
            return {str(number): str(name) for number, name in classes["names"].items()}
    return {}


def _rows(table: Path) -> Iterator[Mapping[str, object]]:
    if table.suffix.lower() == ".parquet":
        yield from _rows_of_parquet(table)
        return
    text = read_text(table)
    if table.suffix.lower() == ".csv":
        reader = csv.DictReader(io.StringIO(text, newline=""))
        header = list(reader.fieldnames or ())
        twice = next((name for name in header if header.count(name) > 1), None)
        if twice is not None:
            raise AutolabelError(f"{table}: the column `{twice}` occurs twice; remove one.")
        for cells in reader:
            if None in cells or None in cells.values():
                raise AutolabelError(
                    f"{table}, line {reader.line_num}: expected {len(header)} columns."
                )
            yield cells
        return
    for number, line in enumerate(text.split("\n"), start=1):
        try:
            row = parse_json(line) if line.strip() else None
        except (ValueError, RecursionError) as error:
            raise AutolabelError(f"{table}, line {number}: not valid JSON: {error}.") from error
        if line.strip() and not isinstance(row, dict):
            raise AutolabelError(
                f"{table}, line {number}: expected an object, found {line[:60]!r}."
            )
        if isinstance(row, dict):
            yield row


def _rows_of_parquet(table: Path) -> Iterator[Mapping[str, object]]:
    """Yield the rows without the images themselves, with the names of classes for their numbers."""
    try:
        with pq.ParquetFile(table) as file:
            schema = file.schema_arrow
            columns = [name for name in ("key", "file_name", "label") if name in schema.names]
            rows = file.read(columns).to_pylist()
            nested = "image" in schema.names and pa.types.is_struct(schema.field("image").type)
            paths = file.read(["image.path"])["image"].to_pylist() if nested else []
    except (pa.ArrowException, OSError) as error:
        raise AutolabelError(f"{table} is no Parquet file: {error}.") from error
    about = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
    names = about.get("info", {}).get("features", {}).get("label", {}).get("names", [])
    for place, row in enumerate(rows):
        if isinstance(row.get("label"), int) and 0 <= row["label"] < len(names):
            row["label"] = names[row["label"]]
        if paths and not row.get("file_name"):
            row["file_name"] = (paths[place] or {}).get("path")
        yield row


def read_image_folder(path: Path) -> ParsedLabels:
    """Read a folder for each class; `documents.csv` of our own export leads back to keys.

    Args:
        path: the folder that holds them, or splits with them.

    Returns:
        What it says.

    Raises:
        AutolabelError: it is no folder, or folders lie in folders.
    """
    if not path.is_dir():
        raise AutolabelError(f"{path} is no folder; expected one with a folder for each class.")
    if export_format(path) == "image_folder":
        rows = list(_rows(path / OWN_INDEX))
        keys = [
            tuple(unescaped(str(row[name])) for name in ("file_name", "key", "label"))
            for row in rows
        ]
        return ParsedLabels([ImageLabel(SourceImage(f, key=k), label) for f, k, label in keys], [])
    files, notes = files_in(path)
    labels = []
    for file in files:
        parts = file.relative_to(path).parts
        folders = [part for part in parts[:-1] if split_of(part) is None]
        if not folders:
            notes.append(f"{'/'.join(parts)} was left out: it lies in no folder of a class.")
        elif len(folders) > 1:
            raise AutolabelError(
                f"{'/'.join(parts)} lies in several folders; which is its class? Give the folder "
                "that holds one folder for each class."
            )
        else:
            image = SourceImage("/".join(parts), layout_folders=len(parts) - 1)
            labels.append(ImageLabel(image, folders[0]))
    return ParsedLabels(labels, notes)
