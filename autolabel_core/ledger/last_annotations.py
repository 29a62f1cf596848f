"""Tells one ledger from another by the last thing that people said in it."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import func, select

from autolabel_core.ledger.rows import Rows
from autolabel_core.ledger.schema import ANNOTATIONS, BOX_ANNOTATIONS

TABLES = (ANNOTATIONS, BOX_ANNOTATIONS)


class LastAnnotationRows(Rows):
    """The newest annotations of documents and of boxes, by their event ids."""

    def last_annotation_ids(self, collection: str) -> list[str]:
        """Return the event ids of the newest annotation of a document and of a box, if any."""
        found: list[str] = []
        with self._database.reading() as connection:
            for table in TABLES:
                query = select(table.c.event_id).where(table.c.collection == collection)
                newest = query.order_by(table.c.id.desc()).limit(1)
                found += connection.execute(newest).scalars()
        return found

    def holds_annotations(self, event_ids: Iterable[str]) -> bool:
        """Whether all of these annotations are in this ledger, whatever their collection."""
        wanted = set(event_ids)
        found: set[str] = set()
        with self._database.reading() as connection:
            for table in TABLES if wanted else ():
                query = select(table.c.event_id).where(table.c.event_id.in_(sorted(wanted)))
                found |= set(connection.execute(query).scalars())
        return found == wanted

    def place_of_annotations(self, event_ids: Iterable[str]) -> int:
        """Return the greatest id in the ledger's order of these annotations of documents, or 0."""
        query = select(func.max(ANNOTATIONS.c.id)).where(
            ANNOTATIONS.c.event_id.in_(sorted(set(event_ids)))
        )
        with self._database.reading() as connection:
            return connection.execute(query).scalar() or 0
