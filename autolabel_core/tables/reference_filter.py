"""Filters references by the same conditions as documents."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial

import pyarrow as pa

from autolabel_core.declarations.conditions import AllOf, Condition, json_field, to_sql
from autolabel_core.tables.references import ReferenceVectors

OWN_COLUMNS = ("document_id", "key", "label", "label_source")


def filter_references(
    references: ReferenceVectors, conditions: Sequence[Condition], label_field: str
) -> ReferenceVectors:
    """Return the references for which all conditions hold.

    Args:
        references: a collection's.
        conditions: over bucket and ledger fields: a filter that saw more would make the graph a
            circle. A field that no reference has is null.
        label_field: the collection's name for the label.

    Returns:
        Those that stay, in their order.
    """
    if not conditions or not references.rows:
        return references
    import duckdb

    rows: list[dict[str, object]] = [
        {
            **row,
            "fields": json.dumps(row["fields"]),
            "metadata": json.dumps(row["metadata"]),
        }
        for row in references.rows
    ]
    columns = (*OWN_COLUMNS, "fields", "metadata")
    table = pa.Table.from_pylist(rows, pa.schema([(name, pa.string()) for name in columns]))
    where, values = to_sql(AllOf(tuple(conditions)), partial(_expression, label_field))
    with duckdb.connect() as connection:
        connection.register("reference_rows", table)
        matches = connection.execute(f"SELECT {where} FROM reference_rows", values).fetchall()
    return references.only([i for i, (is_in,) in enumerate(matches) if is_in])


def _expression(label_field: str, field: str) -> str:
    if field in (*OWN_COLUMNS, "metadata"):
        return field
    if field == label_field:
        return "label"
    head, _, tail = field.partition(".")
    if head == "metadata":
        return json_field("metadata", tail)
    return f"coalesce({json_field('fields', field)}, {json_field('metadata', field)})"
