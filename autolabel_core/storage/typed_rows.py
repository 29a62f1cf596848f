"""Reads rows of Arrow tables as typed dictionaries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias, TypeVar, cast

from autolabel_core.foundation.errors import AutolabelError

if TYPE_CHECKING:
    import pyarrow as pa

Column: TypeAlias = "pa.Array[pa.Scalar[pa.DataType]]"
"""A column of a table, of any type."""

Row = TypeVar("Row", bound=Mapping[str, object])


def rows_as(table: pa.Table | pa.RecordBatch, row_type: type[Row]) -> list[Row]:
    """Return the rows of a table as dictionaries of a declared type.

    Args:
        table: with a column for each key of the type; it may have more.
        row_type: a TypedDict.

    Returns:
        One dictionary for each row, with all columns of the table.

    Raises:
        AutolabelError: the table lacks a column.
    """
    required: frozenset[str] = vars(row_type)["__required_keys__"]
    missing = required - set(table.schema.names)
    if missing:
        raise AutolabelError(
            f"A table lacks the columns {', '.join(sorted(missing))}: another version of autolabel "
            "wrote it. Delete its file in the warehouse and sweep; nothing is lost."
        )
    return cast("list[Row]", table.to_pylist())


def texts_of(table: pa.Table | pa.RecordBatch, name: str) -> list[str]:
    """Return a column that has a text in every row."""
    return cast("list[str]", table.column(name).to_pylist())


def optional_texts_of(table: pa.Table | pa.RecordBatch, name: str) -> list[str | None]:
    """Return a column of texts, None where a row has none."""
    return cast("list[str | None]", table.column(name).to_pylist())
