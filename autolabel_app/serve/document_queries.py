"""The query of a list of documents as a request states it, and cursors to its next page."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Query  # noqa: TID253

from autolabel_core.declarations.conditions import Condition, parse, parse_text
from autolabel_core.documents.paging import Position
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.ids import fingerprint

FILTERS = "JSON as in a retriever: `{must: [{key, match: {operator, value}}]}` and its other forms"
FILTER = "`FIELD:OP:VALUE` as on the command line; all must hold"


@dataclass(frozen=True)
class DocumentQuery:
    """Conditions and order of a list of documents.

    Attributes:
        conditions: all of them must hold.
        sort: a field, `-field` descending; None is by key.
        stated: tells one query from another.
    """

    conditions: tuple[Condition, ...]
    sort: str | None
    stated: str

    def cursor(self, position: Position | None) -> str | None:
        """Return a place in this list as a text, None for none."""
        if position is None:
            return None
        text = json.dumps([self.stated, position.value, position.key])
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def position(self, cursor: str) -> Position:
        """Return the place that a cursor of this query names.

        Args:
            cursor: what the page before gave.

        Returns:
            The place.

        Raises:
            AutolabelError: it is no cursor, or one of another query.
        """
        try:
            padded = cursor + "=" * (-len(cursor) % 4)
            stated, value, key = json.loads(base64.urlsafe_b64decode(padded))
        except (ValueError, TypeError):
            stated, value, key = None, None, None
        known = value is None or isinstance(value, str | float | int)
        if stated != self.stated or not known or not isinstance(key, str):
            raise AutolabelError(
                "The cursor is none of this query. Send the `next_cursor` of the page before with "
                "the same filters and the same sort, or none for the first page."
            )
        return Position(value, key)


def document_query(
    filters: Annotated[str | None, Query(description=FILTERS)] = None,
    filter: Annotated[list[str] | None, Query(description=FILTER)] = None,
    sort_by: Annotated[str | None, Query(description="a field; `-field` is descending")] = None,
) -> DocumentQuery:
    """Read conditions and order from the parameters of a request."""
    conditions = (*map(parse_text, filter or []), *_of_json(filters))
    return DocumentQuery(conditions, sort_by, fingerprint(filters, filter, sort_by))


def _of_json(filters: str | None) -> Sequence[Condition]:
    if filters is None or not filters.strip():
        return []
    try:
        return [parse(json.loads(filters))]
    except json.JSONDecodeError as error:
        raise AutolabelError(f"`filters` is no JSON: {error}. Expected {FILTERS}.") from error
    except RecursionError as error:
        raise AutolabelError("`filters` is nested too deep.") from error
