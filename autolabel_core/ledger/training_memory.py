"""Permanent facts of training: the number of each class, and which images are gold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, select

from autolabel_core.foundation.json_types import JsonObject
from autolabel_core.ledger.rows import Rows, append, unknown
from autolabel_core.ledger.schema import CLASS_IDS, GOLD_IMAGES


class TrainingRows(Rows):
    """Class ids and gold images in the ledger."""

    def class_ids(self, collection: str) -> dict[str, int]:
        """Return the number of each class, ascending."""
        with self._database.reading() as connection:
            return _class_ids(connection, collection)

    def give_class_ids(self, collection: str, class_names: Iterable[str]) -> dict[str, int]:
        """Give each class that has none the next free number, from 0, in the order given.

        Args:
            collection: whose classes.
            class_names: classes that need a number.

        Returns:
            The number of every class of the collection, ascending; once given, it stays.
        """
        with self._database.writing() as connection:
            known = _class_ids(connection, collection)
            new = [name for name in dict.fromkeys(class_names) if name not in known]
            first = max(known.values(), default=-1) + 1
            given = {name: number for number, name in enumerate(new, start=first)}
            at = self._now()
            rows = [
                {
                    "collection": collection,
                    "class_name": name,
                    "class_id": number,
                    "recorded_at": at,
                }
                for name, number in given.items()
            ]
            append(connection, CLASS_IDS, rows)
        return {**known, **given}

    def gold_images(self, collection: str) -> dict[str, JsonObject]:
        """Return what was noted of each content that judges models, by content hash, in order."""
        table = GOLD_IMAGES
        query = select(table.c.content_hash, table.c.payload).order_by(table.c.id)
        with self._database.reading() as connection:
            rows = connection.execute(query.where(table.c.collection == collection))
            return {row.content_hash: row.payload for row in rows}

    def record_gold_images(self, collection: str, gold: Mapping[str, JsonObject]) -> int:
        """Note contents that judge models from now on; those that do already stay as they are.

        Args:
            collection: whose images.
            gold: what to note of each, by content hash.

        Returns:
            How many are new.
        """
        with self._database.writing() as connection:
            at = self._now()
            given = [
                {
                    "collection": collection,
                    "content_hash": content,
                    "payload": dict(payload),
                    "recorded_at": at,
                }
                for content, payload in gold.items()
            ]
            rows = unknown(connection, GOLD_IMAGES.c.content_hash, given, collection=collection)
            append(connection, GOLD_IMAGES, rows)
        return len(rows)


def _class_ids(connection: Connection, collection: str) -> dict[str, int]:
    table = CLASS_IDS
    query = select(table.c.class_name, table.c.class_id).order_by(table.c.class_id)
    rows = connection.execute(query.where(table.c.collection == collection))
    return {row.class_name: row.class_id for row in rows}
