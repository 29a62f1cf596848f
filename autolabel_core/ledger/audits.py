"""Audit results: whether auto-labels that people checked were right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select

from autolabel_core.ledger.rows import Rows, append
from autolabel_core.ledger.schema import AUDITS


@dataclass(frozen=True)
class AuditVerdict:
    """A person looked at an auto-label: `right`, or `wrong` with the label that is right."""

    document_id: str
    key: str
    content_hash: str
    auto_label: str
    verdict: Literal["right", "wrong"]
    corrected_label: str | None
    auditor: str


class AuditRows(Rows):
    """Audit verdicts in the ledger."""

    def append_audits(self, collection: str, verdicts: Sequence[AuditVerdict]) -> None:
        """Append verdicts, all or nothing."""
        at = self._now()
        rows = [{**vars(v), "collection": collection, "recorded_at": at} for v in verdicts]
        if rows:
            with self._database.writing() as connection:
                append(connection, AUDITS, rows)

    def audits(self, collection: str) -> list[AuditVerdict]:
        """Return all verdicts of a collection, in order."""
        return self._listed(AuditVerdict, AUDITS, {"collection": collection})

    def last_verdicts_by_people(self, collection: str, most: int) -> list[tuple[str, str]]:
        """Return who gave the last verdicts, and when, in order.

        Args:
            collection: its name.
            most: at most so many.

        Returns:
            Auditor and moment of each.
        """
        columns = AUDITS.c
        query = select(columns.auditor, columns.recorded_at).where(columns.collection == collection)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(columns.id.desc()).limit(most)).fetchall()
        return [(auditor, at) for auditor, at in reversed(rows)]
