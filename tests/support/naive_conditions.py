"""The naive reference of conditions: what one means for a single document, in plain Python."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping

from autolabel_core.declarations.conditions import AllOf, AnyOf, Condition, Negation
from autolabel_core.declarations.conditions.values import NUMBER, text_of

ORDERINGS = {
    "eq": operator.eq,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
_LEVELS = re.compile("[ \t]*>[ \t]*")


def holds(condition: Condition, document: Mapping[str, object]) -> bool:
    """Whether the condition holds for one document.

    Args:
        condition: a parsed condition.
        document: fields by name; a dotted field is looked up as it stands, then level by level
            (`metadata.camera_id`, `detections.0.confidence`). An unknown field is missing.

    Returns:
        What the DuckDB expression gives for the same document as a row.
    """
    if isinstance(condition, AllOf):
        return all(holds(part, document) for part in condition.conditions)
    if isinstance(condition, AnyOf):
        return any(holds(part, document) for part in condition.conditions)
    if isinstance(condition, Negation):
        return not holds(condition.condition, document)
    return _compares(condition.operator, _found(document, condition.field), condition.value)


def _compares(name: str, found: object, value: object) -> bool:
    if name == "ne":
        return not _compares("eq", found, value)
    if name == "exists":
        return (found is not None) == value
    if isinstance(value, tuple):
        return any(_compares("eq", found, member) for member in value)
    if value is None or found is None:
        return name == "eq" and value is found
    if name == "contains" and isinstance(found, list | tuple | set):
        return value in {text_of(member) for member in found}
    return _leaf_holds(name, found, value)


def _leaf_holds(name: str, found: object, value: object) -> bool:
    if isinstance(value, float):
        number = number_of(found)
        return number is not None and ORDERINGS[name](number, value)
    text, wanted = text_of(found), str(text_of(value))
    if text is None:
        return False
    if name == "contains":
        return wanted in text
    if name == "under":
        path, label = _one_spelling(text), _one_spelling(wanted)
        return path == label or path.startswith(f"{label} > ")
    return ORDERINGS[name](text.lower() if isinstance(value, bool) else text, wanted)


def _one_spelling(path: str) -> str:
    return _LEVELS.sub(" > ", path.strip(" "))


def _found(document: Mapping[str, object], field: str) -> object:
    if field in document:
        return document[field]
    found: object = document
    for name in field.split("."):
        if isinstance(found, Mapping):
            found = found.get(name)
        elif isinstance(found, list | tuple) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        else:
            return None
    return found


def number_of(value: object) -> float | None:
    """The value as a number; a text counts when it reads as one, NaN and truth values never."""
    if isinstance(value, str):
        return float(value) if NUMBER.fullmatch(value) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return None if value != value else float(value)
