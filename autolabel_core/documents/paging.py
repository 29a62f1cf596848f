"""Pages of documents in a stable order, and how many documents have each value of a field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from autolabel_core.declarations.conditions import AllOf, Condition, to_sql
from autolabel_core.documents.documents import Documents
from autolabel_core.documents.filter_types import check_types
from autolabel_core.documents.record import DocumentRecord

MAX_VALUES = 100


@dataclass(frozen=True)
class Position:
    """A place in an order of documents: after the document of this key.

    Attributes:
        value: of the field that sorts, None where the document has none, or nothing sorts.
        key: of the document; equal values are in the order of their keys.
    """

    value: str | float | bool | None
    key: str


@dataclass(frozen=True)
class Page:
    """Some documents of a list.

    Attributes:
        records: the documents, in order.
        content_hashes: of each, None where its object could not be read.
        following: where the next page begins; None: there are no more.
        total: how many documents the conditions hold for, on all pages.
    """

    records: list[DocumentRecord]
    content_hashes: list[str | None]
    following: Position | None
    total: int


class ValueCount(TypedDict):
    """How many documents have a value; None is those that have none."""

    value: str | float | bool | None
    count: int


class Facet(TypedDict):
    """The commonest values of a field, and how many further ones there are."""

    field: str
    values: list[ValueCount]
    further_values: int


def find_page(
    documents: Documents,
    conditions: Sequence[Condition],
    sort: str | None,
    limit: int,
    after: Position | None = None,
    offset: int = 0,
) -> Page:
    """Return a page of documents.

    A walk by `after` meets every document that does not change meanwhile exactly once, also while
    labels are written; `offset` is for jumping to a place of a list.

    Args:
        documents: of a collection.
        conditions: all of them must hold.
        sort: a field, ascending; `-field` is descending; missing values come last, equal ones by
            key. None: by key.
        limit: at most so many, at least 1.
        after: where the page before ended.
        offset: how many documents to pass over after that.

    Returns:
        The page; an unknown field is a `NotFoundError` that suggests the nearest.
    """
    condition = AllOf(tuple(conditions))
    where, parameters = to_sql(condition, documents.expression)
    order = documents.expression(sort.lstrip("-")) if sort else "NULL"
    descending = bool(sort and sort.startswith("-"))
    beyond, bound = _beyond(order, descending, after)
    direction = "DESC" if descending else "ASC"
    names = documents.record_columns
    columns = ", ".join(f'"{name}"' for name in (*names, "content_hash"))
    rows_sql = (
        f"SELECT {order} AS sorted_by, {columns} FROM all_documents WHERE {where} AND {beyond} "
        f"ORDER BY sorted_by {direction} NULLS LAST, key LIMIT {limit + 1} OFFSET {offset}"
    )
    with documents.connect() as connection:
        check_types(condition, connection, "all_documents", documents.expression)
        rows = connection.execute(rows_sql, [*parameters, *bound]).fetchall()
        counted = connection.execute(
            f"SELECT count(*) FROM all_documents WHERE {where}", parameters
        ).fetchone()
    shown = rows[:limit]
    records = [documents.record(dict(zip(names, row[1:-1], strict=True))) for row in shown]
    following = None
    if len(rows) > limit:
        following = Position(shown[-1][0], records[-1]["key"])
    return Page(records, [row[-1] for row in shown], following, counted[0] if counted else 0)


def _beyond(
    order: str, descending: bool, after: Position | None
) -> tuple[str, list[str | float | bool | None]]:
    """Return what holds for the documents after a place, and its values."""
    if after is None:
        return "TRUE", []
    if after.value is None:
        return f"({order} IS NULL AND key > ?)", [after.key]
    sign = "<" if descending else ">"
    sql = f"({order} IS NULL OR {order} {sign} ? OR ({order} = ? AND key > ?))"
    return sql, [after.value, after.value, after.key]


def facets(
    documents: Documents,
    fields: Sequence[str],
    conditions: Sequence[Condition] = (),
    most: int = MAX_VALUES,
) -> list[Facet]:
    """Count documents by the values of fields.

    Args:
        documents: of a collection.
        fields: any that filters know.
        conditions: all of them must hold for a document to be counted.
        most: values listed of one field, the commonest first, equal ones ascending.

    Returns:
        A facet for each field, in their order; an unknown one is a `NotFoundError`.
    """
    condition = AllOf(tuple(conditions))
    where, parameters = to_sql(condition, documents.expression)
    expressions = [documents.expression(field) for field in fields]
    found: list[Facet] = []
    with documents.connect() as connection:
        check_types(condition, connection, "documents", documents.expression)
        connection.execute(f"CREATE TEMP TABLE counted AS FROM documents WHERE {where}", parameters)
        for field, expression in zip(fields, expressions, strict=True):
            rows = connection.execute(
                f"SELECT value, n, count(*) OVER () FROM (SELECT {expression} AS value, "
                f"count(*) AS n FROM counted GROUP BY 1) ORDER BY n DESC, value NULLS LAST "
                f"LIMIT {most}"
            ).fetchall()
            values: list[ValueCount] = [{"value": value, "count": n} for value, n, _ in rows]
            further = rows[0][2] - len(rows) if rows else 0
            found.append({"field": field, "values": values, "further_values": further})
    return found
