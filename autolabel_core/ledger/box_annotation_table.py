"""Reads and appends annotations of boxes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from autolabel_core.ledger.box_annotations import BoxAnnotation
from autolabel_core.ledger.database import Database
from autolabel_core.ledger.events import append_new_events, box_annotation_event
from autolabel_core.ledger.rows import (
    AnyRow,
    Remembered,
    Rows,
    append,
    columns_of,
    length_of,
    recorded,
    unknown,
)
from autolabel_core.ledger.schema import BOX_ANNOTATIONS

BOXES = ("xyxy_px", "predicted_xyxy_px")


class BoxAnnotationRows(Rows):
    """Box annotations in the ledger."""

    def __init__(self, database: Database, now: Callable[[], str]) -> None:
        super().__init__(database, now)
        self._all_box_annotations: Remembered[list[BoxAnnotation]] = Remembered(
            BOX_ANNOTATIONS, columns_of(BoxAnnotation, BOX_ANNOTATIONS), [], _and_more
        )

    def append_box_annotations(self, annotations: Sequence[BoxAnnotation]) -> int:
        """Append all or nothing; those whose `event_id` is known already are left out.

        Each is an event too: the first of an `annotation_id` is `annotation.created`, later ones
        are `annotation.updated`.

        Args:
            annotations: what people said, in order.

        Returns:
            How many were appended.
        """
        with self._database.writing() as connection:
            at = self._now()
            given = [{**vars(a), "recorded_at": a.recorded_at or at} for a in annotations]
            rows = unknown(connection, BOX_ANNOTATIONS.c.event_id, given)
            known = recorded(connection, BOX_ANNOTATIONS.c.annotation_id, rows)
            append(connection, BOX_ANNOTATIONS, rows)
            append_new_events(connection, [box_annotation_event(row, known) for row in rows])
        return len(rows)

    def box_annotation_count(self, collection: str) -> tuple[int, int]:
        """Return how many box annotations a collection has, and the greatest id."""
        with self._database.reading() as connection:
            return length_of(connection, BOX_ANNOTATIONS, collection)

    def box_annotations(self, collection: str) -> list[BoxAnnotation]:
        """Return the box annotations of a collection, in order."""
        with self._database.reading() as connection:
            return list(self._all_box_annotations.read(connection, collection))


def _and_more(held: list[BoxAnnotation], rows: Iterable[AnyRow]) -> list[BoxAnnotation]:
    return held + [_fact(dict(row._mapping)) for row in rows]


def _fact(row: dict[str, Any]) -> BoxAnnotation:
    """Return the fact of a row; JSON knows no tuples."""
    return BoxAnnotation(**row | {n: row[n] and tuple(row[n]) for n in BOXES})
