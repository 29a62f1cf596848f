"""What a condition means: as a DuckDB expression over rows, and for one document at a time."""

from __future__ import annotations

import operator as python_operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from autolabel_core.declarations.conditions.tree import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Negation,
)
from autolabel_core.declarations.conditions.values import NUMBER, number_of, text_of
from autolabel_core.foundation.errors import NotFoundError
from autolabel_core.foundation.suggestions import did_you_mean

Columns = Callable[[str], str] | Mapping[str, str]

_ORDERINGS: Mapping[str, tuple[str, Callable[[Any, Any], bool]]] = {
    "eq": ("=", python_operator.eq),
    "gt": (">", python_operator.gt),
    "gte": (">=", python_operator.ge),
    "lt": ("<", python_operator.lt),
    "lte": ("<=", python_operator.le),
}
_LEVELS = re.compile("[ \t]*>[ \t]*")


def to_sql(condition: Condition, columns: Columns) -> tuple[str, list[object]]:
    """A DuckDB expression that is true or false, never null, for each row; values are bound.

    Args:
        condition: a parsed condition.
        columns: the SQL expression of each field, or a function that gives it and raises
            NotFoundError for an unknown field. Expressions are trusted and may be repeated.

    Returns:
        The expression, and the values of its `?` in order.
    """
    if isinstance(condition, Comparison):
        return _comparison_sql(condition, _expression(condition.field, columns))
    if isinstance(condition, Negation):
        inner, values = to_sql(condition.condition, columns)
        return f"NOT {inner}", values
    joined, empty = (" AND ", "TRUE") if isinstance(condition, AllOf) else (" OR ", "FALSE")
    compiled = [to_sql(part, columns) for part in condition.conditions]
    sql = f"({joined.join(sql for sql, _ in compiled)})" if compiled else empty
    return sql, [value for _, values in compiled for value in values]


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


def _expression(field: str, columns: Columns) -> str:
    if not isinstance(columns, Mapping):
        return columns(field)
    if field not in columns:
        hint = did_you_mean(field, columns)
        raise NotFoundError(
            f"Unknown field {field!r}.{hint} Known fields: {', '.join(sorted(columns))}."
        )
    return columns[field]


def _comparison_sql(comparison: Comparison, column: str) -> tuple[str, list[object]]:
    name, value = comparison.operator, comparison.value
    if name == "ne":
        sql, values = _comparison_sql(Comparison(comparison.field, "eq", value), column)
        return f"NOT {sql}", values
    if name == "exists":
        return f"({column} IS {'NOT ' if value else ''}NULL)", []
    if isinstance(value, tuple):
        parts = _members_sql(value, column)
        sql = f"({' OR '.join(sql for sql, _ in parts)})" if parts else "FALSE"
        return sql, [bound for _, values in parts for bound in values]
    if value is None:
        return (f"({column} IS NULL)" if name == "eq" else "FALSE"), []
    sql, values = _leaf_sql(name, value, column)
    return f"coalesce({sql}, FALSE)", values


def _leaf_sql(name: str, value: object, column: str) -> tuple[str, list[object]]:
    if name == "contains":
        member = f"list_contains(TRY_CAST({column} AS VARCHAR[]), ?::VARCHAR)"
        within = f"contains({_text_sql(column)}, ?::VARCHAR)"
        return f"CASE WHEN {_is_list_sql(column)} THEN {member} ELSE {within} END", [value, value]
    if name == "under":
        path = f"regexp_replace(trim({_text_sql(column)}, ' '), '{_LEVELS.pattern}', ' > ', 'g')"
        label = _one_spelling(str(value))
        return f"({path} = ?::VARCHAR OR starts_with({path}, ?::VARCHAR))", [label, f"{label} > "]
    sign = _ORDERINGS[name][0]
    if isinstance(value, bool):
        return f"(lower({_text_sql(column)}) = ?::VARCHAR)", [text_of(value)]
    if isinstance(value, float):
        return f"({_number_sql(column)} {sign} ?::DOUBLE)", [value]
    return f"({_text_sql(column)} {sign} ?::VARCHAR)", [value]


def _members_sql(values: Sequence[object], column: str) -> list[tuple[str, list[object]]]:
    """One expression for each type among the members, however many members there are."""
    texts = [value for value in values if isinstance(value, str)]
    numbers = [value for value in values if isinstance(value, float)]
    single = [value for value in dict.fromkeys(values) if value is None or isinstance(value, bool)]
    parts = [_comparison_sql(Comparison("", "eq", value), column) for value in single]
    for kind, members, sql in (
        ("VARCHAR", texts, _text_sql(column)),
        ("DOUBLE", numbers, _number_sql(column)),
    ):
        if members:
            listed = f"coalesce(list_contains(?::{kind}[], {sql}), FALSE)"
            parts.append((listed, [members]))
    return parts


def _is_list_sql(column: str) -> str:
    return f"typeof({column}) LIKE '%]'"


def _text_sql(column: str) -> str:
    nested = f"regexp_matches(typeof({column}), '^(STRUCT|MAP|UNION)|]$')"
    return f"CASE WHEN {nested} THEN NULL ELSE CAST({column} AS VARCHAR) END"


def _number_sql(column: str) -> str:
    """As `number_of`: DuckDB alone would read true as 1 and accept `nan`, `inf` and `1_000`."""
    read = f"regexp_full_match(CAST({column} AS VARCHAR), '{NUMBER.pattern}')"
    number = f"TRY_CAST({column} AS DOUBLE)"
    return (
        f"CASE WHEN typeof({column}) = 'BOOLEAN' THEN NULL "
        f"WHEN typeof({column}) <> 'VARCHAR' THEN nullif({number}, 'nan'::DOUBLE) "
        f"WHEN {read} THEN {number} END"
    )


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
        return number is not None and _ORDERINGS[name][1](number, value)
    text, wanted = text_of(found), str(text_of(value))
    if text is None:
        return False
    if name == "contains":
        return wanted in text
    if name == "under":
        path, label = _one_spelling(text), _one_spelling(wanted)
        return path == label or path.startswith(f"{label} > ")
    return _ORDERINGS[name][1](text.lower() if isinstance(value, bool) else text, wanted)


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
