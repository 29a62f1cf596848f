"""Translates a condition to a DuckDB expression, which alone defines what it means."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from autolabel_core.declarations.conditions.tree import (
    AllOf,
    Comparison,
    Condition,
    Negation,
)
from autolabel_core.declarations.conditions.values import NUMBER, text_of
from autolabel_core.foundation.errors import NotFoundError
from autolabel_core.foundation.suggestions import did_you_mean

Columns = Callable[[str], str] | Mapping[str, str]

_SIGNS: Mapping[str, str] = {"eq": "=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
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
        label = _LEVELS.sub(" > ", str(value).strip(" "))
        return f"({path} = ?::VARCHAR OR starts_with({path}, ?::VARCHAR))", [label, f"{label} > "]
    sign = _SIGNS[name]
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
    """A text counts when it reads as a number.

    DuckDB alone would read true as 1 and accept `nan`, `inf` and `1_000`.
    """
    read = f"regexp_full_match(CAST({column} AS VARCHAR), '{NUMBER.pattern}')"
    number = f"TRY_CAST({column} AS DOUBLE)"
    return (
        f"CASE WHEN typeof({column}) = 'BOOLEAN' THEN NULL "
        f"WHEN typeof({column}) <> 'VARCHAR' THEN nullif({number}, 'nan'::DOUBLE) "
        f"WHEN {read} THEN {number} END"
    )


def json_field(column: str, path: str) -> str:
    """A DuckDB expression of a field within a JSON column, as a text.

    Args:
        column: an expression that holds a JSON object as text.
        path: the field; with dots it is looked up as it stands, then level by level.

    Returns:
        The expression; null where there is no such field.
    """
    whole, nested = _pointer([path]), _pointer(path.split("."))
    if whole == nested:
        return f"json_extract_string({column}, {whole})"
    parts = (f"json_extract_string({column}, {pointer})" for pointer in (whole, nested))
    return f"coalesce({', '.join(parts)})"


def _pointer(parts: Sequence[str]) -> str:
    path = "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)
    return "'" + path.replace("'", "''") + "'"
