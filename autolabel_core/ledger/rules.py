"""Rules: what the YAML said that labels follow from, as sweeps found it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from autolabel_core.foundation.ids import fingerprint
from autolabel_core.foundation.json_types import JsonObject
from autolabel_core.ledger.history_schema import RULES
from autolabel_core.ledger.rows import Rows, append


@dataclass(frozen=True)
class RecordedRule:
    """What a collection declared; `payload` is that part of the declaration as JSON."""

    collection: str
    fingerprint: str
    payload: JsonObject
    recorded_at: str = ""


class RuleRows(Rows):
    """Declared rules in the ledger."""

    def append_rule(self, collection: str, payload: JsonObject) -> bool:
        """Append a rule where it is another one than the last of its collection.

        Args:
            collection: its name.
            payload: what is declared.

        Returns:
            Whether it was appended.
        """
        version = fingerprint(payload)
        columns = RULES.c
        last = select(columns.fingerprint).where(columns.collection == collection)
        last = last.order_by(columns.id.desc()).limit(1)
        with self._database.reading() as connection:
            if connection.execute(last).scalar() == version:
                return False
        rule = RecordedRule(collection, version, payload, self._now())
        with self._database.writing() as connection:
            if connection.execute(last).scalar() == version:
                return False
            append(connection, RULES, [vars(rule)])
        return True

    def rules(self, collection: str) -> list[RecordedRule]:
        """Return the rules of a collection, in order."""
        return self._listed(RecordedRule, RULES, {"collection": collection})
