"""Checks that a filter compares like with like: numbers with numbers, texts with texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from autolabel_core.declarations.conditions import Comparison, Condition, Negation
from autolabel_core.declarations.conditions.values import NUMBER
from autolabel_core.foundation.errors import AutolabelError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

COMPARING = ("eq", "ne", "gt", "gte", "lt", "lte", "in")
NUMERIC = ("INT", "FLOAT", "DOUBLE", "DECIMAL", "REAL")


def check_types(
    condition: Condition,
    connection: DuckDBPyConnection,
    view: str,
    expression: Callable[[str], str],
) -> None:
    """Refuse to compare numbers with a text that is none: they would go by the alphabet.

    Args:
        condition: the filter.
        connection: with the view.
        view: the rows that are filtered.
        expression: gives the SQL of a field.

    Raises:
        AutolabelError: a column of numbers is compared with a text that is no number; the message
            names the column's type.
    """
    compared = [(c, value) for c in _comparisons(condition) for value in _texts(c)]
    if not compared:
        return
    fields = sorted({comparison.field for comparison, _ in compared})
    columns = ", ".join(expression(field) for field in fields)
    described = connection.execute(f"DESCRIBE SELECT {columns} FROM {view}").fetchall()
    types = dict(zip(fields, (row[1] for row in described), strict=True))
    for comparison, value in compared:
        type_ = types[comparison.field]
        if _is_number(type_) and not NUMBER.fullmatch(value):
            raise AutolabelError(
                f"The filter compares `{comparison.field}` with the text {value!r}, but the column "
                f"holds numbers ({type_}). Write a number there, or null for none."
            )


def _is_number(type_: str) -> bool:
    return any(name in type_ for name in NUMERIC) and not type_.endswith("]")


def _comparisons(condition: Condition) -> Iterator[Comparison]:
    if isinstance(condition, Comparison):
        if condition.operator in COMPARING:
            yield condition
    elif isinstance(condition, Negation):
        yield from _comparisons(condition.condition)
    else:
        for part in condition.conditions:
            yield from _comparisons(part)


def _texts(comparison: Comparison) -> list[str]:
    value = comparison.value
    members = value if isinstance(value, tuple) else (value,)
    return [member for member in members if isinstance(member, str)]
