"""Reads annotations from JSON Lines, CSV and Parquet, one on each line or row."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

from autolabel_core.declarations.conditions.values import text_of
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.spreadsheet_cells import unescaped
from autolabel_core.foundation.suggestions import did_you_mean
from autolabel_core.labelling.box_input import BoxInput, ParsedAnnotations, Problem
from autolabel_core.labelling.import_formats.read_text import (
    number_of,
    parse_json,
    read_text,
    size_of,
)

TARGETS = ("detection_id", "document_id", "key", "image_key")
TEXTS = (
    *("label", "bbox_format", "true_class", "predicted_class", "reasoning", "retriever_id"),
    *("execution_id", "annotator"),
)
FIELDS = (
    *(*TARGETS, *TEXTS, "bbox", "normalized", "confidence", "image_width", "image_height"),
    *("id", "annotation_id", "action", "payload", "collection_id", "split"),
)
"""Accepted fields; the last two are those of other places, and say nothing here."""

Line = TypeVar("Line")
CORNERS, SIZES = ("x1", "y1", "x2", "y2"), ("x", "y", "w", "h")


def read_jsonl(path: Path) -> ParsedAnnotations:
    """Read one JSON object a line; what stands in `payload` counts as if it stood beside it.

    Texts in `payload` under other names, such as `category`, are kept as fields of the annotation.
    """
    lines = enumerate(read_text(path).split("\n"), start=1)
    return _read_all(((n, line) for n, line in lines if line.strip()), _record_of_json)


def read_csv(path: Path) -> ParsedAnnotations:
    """Read a CSV with a header; an empty value says nothing, a box is four numbers in one value.

    Args:
        path: a UTF-8 CSV.

    Returns:
        What it says.

    Raises:
        AutolabelError: it is no CSV.
    """
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""), strict=True)
    try:
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise AutolabelError(
            f"{path}, line {reader.line_num}: not valid CSV: {error}. Put a value that holds a "
            "comma or a quote in double quotes."
        ) from error
    header = [name.strip() for name in reader.fieldnames or ()]
    twice = next((name for name in header if name and header.count(name) > 1), None)
    if twice is not None:
        raise AutolabelError(f"{path}: the column `{twice}` occurs twice; remove one.")
    return _read_all(rows, _record_of_row)


def read_parquet(path: Path) -> ParsedAnnotations:
    """Read the rows of a table with the columns of a CSV; null says nothing.

    Args:
        path: a Parquet file.

    Returns:
        What it says.

    Raises:
        AutolabelError: it is no Parquet file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows = pq.read_table(path).to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise AutolabelError(f"{path} is no Parquet file that can be read: {error}") from error
    return _read_all(enumerate(rows, start=1), lambda row: row)


def _read_all(
    lines: Iterable[tuple[int, Line]], record_of: Callable[[Line], Mapping[str, object]]
) -> ParsedAnnotations:
    boxes: list[BoxInput] = []
    problems: list[Problem] = []
    for number, line in lines:
        where = f"line {number}"
        record: Mapping[str, object] = {}
        try:
            record = record_of(line)
            boxes.append(_given(record, where))
        except AutolabelError as error:
            problems.append((_target(record), f"{where}: {error}"))
    if not boxes and not problems:
        problems.append((None, "line 1: expected an annotation a line, found none"))
    return ParsedAnnotations(boxes, problems=tuple(problems))


def _record_of_json(line: str) -> Mapping[str, object]:
    try:
        record = parse_json(line)
    except (ValueError, RecursionError) as error:
        raise AutolabelError(f"not valid JSON: {error}") from error
    payload = record.get("payload") or {} if isinstance(record, dict) else None
    if not isinstance(record, dict) or not isinstance(payload, dict):
        raise AutolabelError('expected an object such as {"key": …, "label": …, "bbox": …}')
    beside = {name: value for name, value in record.items() if name != "payload"}
    known = {name: value for name, value in payload.items() if _is_known(name)}
    return {**known, **beside, "payload": {n: v for n, v in payload.items() if n not in known}}


def _record_of_row(row: Mapping[str | None, object]) -> Mapping[str, object]:
    """Return a row's values without spaces around them; a key may begin or end with one."""
    if None in row:
        raise AutolabelError("has more values than the header has columns")
    texts = ((str(name).strip(), value) for name, value in row.items() if isinstance(value, str))
    values = {unescaped(name): value for name, value in texts}
    return {n: unescaped(v if n in TARGETS else v.strip()) for n, v in values.items() if v.strip()}


def _given(record: Mapping[str, object], where: str) -> BoxInput:
    for name in record:
        if not _is_known(name):
            raise AutolabelError(
                f"unknown field {name!r}.{did_you_mean(name, FIELDS)} Fields: {', '.join(FIELDS)}"
            )
    said = {name: value for name, value in record.items() if value is not None}
    texts = {name: _text(said, name) for name in TEXTS}
    box, implied = _bbox(said)
    action = said.get("action", "annotate")
    if action not in ("annotate", "withdraw"):
        raise AutolabelError(f"action {action!r}; expected annotate or withdraw")
    return BoxInput(
        target=_target(said),
        image_key=_text(said, "key") or _text(said, "image_key"),
        bbox=box,
        normalized=_flag(said.get("normalized", False)),
        size_px=size_of(said.get("image_width"), said.get("image_height")),
        confidence=_number(said.get("confidence")),
        annotation_id=_text(said, "annotation_id") or _text(said, "id"),
        fields=_fields(said.get("payload")),
        withdraw=action == "withdraw",
        where=where,
        **{**texts, "bbox_format": texts["bbox_format"] or implied},
    )


def _target(record: Mapping[str, object]) -> str | None:
    """Return what a record is about, an id before a key; None where it does not say."""
    stated = (record.get(name) for name in TARGETS)
    return next((value for value in stated if isinstance(value, str) and value), None)


def _is_known(name: str) -> bool:
    return name in FIELDS or name in (*CORNERS, *SIZES)


def _fields(payload: object) -> dict[str, str]:
    """Return what else is said; a name that is nearly one of ours is a slip."""
    payload = payload if isinstance(payload, dict) else {}
    for name in payload:
        near = get_close_matches(name, FIELDS, n=1, cutoff=0.85)
        if near:
            raise AutolabelError(f'unknown field {name!r}. Did you mean "{near[0]}"?')
    return {name: text for name, value in payload.items() if (text := text_of(value))}


def _bbox(said: Mapping[str, object]) -> tuple[tuple[object, ...] | None, str | None]:
    """Return the numbers, and the format where the names of the numbers tell it."""
    box = said.get("bbox", said)
    if isinstance(box, str):
        return tuple(box.strip("[] ").replace(",", " ").split()), None
    if isinstance(box, list):
        return tuple(box), None
    if not isinstance(box, dict):
        raise AutolabelError(f"bbox {box!r}; expected four numbers")
    for names, implied in ((CORNERS, "xyxy"), (SIZES, None)):
        if all(name in box for name in names):
            return tuple(box[name] for name in names), implied
    if box is said:
        return None, None
    raise AutolabelError(f"bbox {box!r}; expected x, y, w, h or x1, y1, x2, y2")


def _text(said: Mapping[str, object], name: str) -> str | None:
    value = said.get(name)
    if value is not None and not isinstance(value, str):
        raise AutolabelError(f"{name} is {value!r}; expected a text")
    return value or None


def _flag(value: object) -> bool:
    found = {"true": True, "false": False}.get(str(value).lower())
    if found is None:
        raise AutolabelError(f"normalized is {value!r}; expected true or false")
    return found


def _number(value: object) -> float | None:
    number = number_of(value)
    if number is None and value is not None:
        raise AutolabelError(f"confidence is {value!r}; expected a number from 0 to 1")
    return number
