"""JSON Lines and CSV: one word a line, in the fields of the field."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from autolabel_core.detection.given import Given, GivenBox
from autolabel_core.detection.reading.sources import Problem, read_text, size_of
from autolabel_core.errors import AutolabelError
from autolabel_core.labels import did_you_mean

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

CORNERS, SIZES = ("x1", "y1", "x2", "y2"), ("x", "y", "w", "h")


def read_jsonl(path: Path) -> Given:
    """Read one JSON object a line; what stands in `payload` counts as if it stood beside it."""
    lines = enumerate(read_text(path).split("\n"), start=1)
    return _read_all(((n, line) for n, line in lines if line.strip()), _record_of_json)


def read_csv(path: Path) -> Given:
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
    return _read_all(rows, _record_of_row)


def _read_all(lines: Iterable[tuple[int, Any]], record_of: Callable[[Any], Any]) -> Given:
    boxes: list[GivenBox] = []
    problems: list[Problem] = []
    for number, line in lines:
        where = f"line {number}"
        try:
            boxes.append(_given(record_of(line), where))
        except AutolabelError as error:
            problems.append((None, f"{where}: {error}"))
    if not boxes and not problems:
        problems.append((None, "line 1: expected an annotation a line, found none"))
    return Given(boxes, problems=tuple(problems))


def _record_of_json(line: str) -> Mapping[str, Any]:
    try:
        record = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        raise AutolabelError(f"not valid JSON: {error}") from error
    payload = record.get("payload") or {} if isinstance(record, dict) else None
    if not isinstance(payload, dict):
        raise AutolabelError('expected an object such as {"key": …, "label": …, "bbox": …}')
    return {**payload, **{name: value for name, value in record.items() if name != "payload"}}


def _record_of_row(row: Mapping[str | None, Any]) -> Mapping[str, Any]:
    if None in row:
        raise AutolabelError("has more values than the header has columns")
    return {str(name).strip(): value.strip() for name, value in row.items() if value}


def _given(record: Mapping[str, Any], where: str) -> GivenBox:
    for name in record:
        if name not in FIELDS and name not in (*CORNERS, *SIZES):
            raise AutolabelError(
                f"unknown field {name!r}.{did_you_mean(name, FIELDS)} Fields: {', '.join(FIELDS)}"
            )
    said = {name: value for name, value in record.items() if value is not None}
    texts = {name: _text(said, name) for name in TEXTS}
    box, implied = _bbox(said)
    action = said.get("action", "annotate")
    if action not in ("annotate", "withdraw"):
        raise AutolabelError(f"action {action!r}; expected annotate or withdraw")
    return GivenBox(
        target=next((_text(said, name) for name in TARGETS if name in said), None),
        bbox=box,
        normalized=_flag(said.get("normalized", False)),
        size_px=size_of(said.get("image_width"), said.get("image_height")),
        confidence=_number(said.get("confidence")),
        annotation_id=_text(said, "annotation_id") or _text(said, "id"),
        withdraw=action == "withdraw",
        where=where,
        **{**texts, "bbox_format": texts["bbox_format"] or implied},
    )


def _bbox(said: Mapping[str, Any]) -> tuple[tuple[Any, ...] | None, str | None]:
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


def _text(said: Mapping[str, Any], name: str) -> str | None:
    value = said.get(name)
    if value is not None and not isinstance(value, str):
        raise AutolabelError(f"{name} is {value!r}; expected a text")
    return value or None


def _flag(value: Any) -> bool:
    found = {"true": True, "false": False}.get(str(value).lower())
    if found is None:
        raise AutolabelError(f"normalized is {value!r}; expected true or false")
    return found


def _number(value: Any) -> float | None:
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError) as error:
        raise AutolabelError(f"confidence is {value!r}; expected a number from 0 to 1") from error
