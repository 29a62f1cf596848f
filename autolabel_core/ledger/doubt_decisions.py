"""Decisions of people about labels that were doubted."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypedDict

from autolabel_core.ledger.judgement_schema import DOUBT_DECISIONS
from autolabel_core.ledger.rows import Rows, append


class SeenNearDuplicate(TypedDict):
    """A near-duplicate of a document, and the label that it had."""

    document_id: str
    label: str


class SeenEvidence(TypedDict):
    """What was known when a label was decided about.

    `labels` are the one that the document had and the one that was proposed; `annotations`
    the ids of the events that stood, whatever their label.
    """

    labels: list[str]
    annotations: list[str]
    near_duplicates: list[SeenNearDuplicate]


@dataclass(frozen=True)
class DoubtDecision:
    """A person looked at a doubtful label: it stays, becomes `new_label`, or is withdrawn."""

    collection: str
    document_id: str
    key: str
    content_hash: str
    decision: Literal["keep", "change", "withdraw"]
    label: str
    new_label: str | None
    annotator: str
    payload: SeenEvidence
    recorded_at: str = ""
    decision_id: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def stands(self) -> str | None:
        """The label that the person left the document with; None where they withdrew it."""
        return self.label if self.decision == "keep" else self.new_label


class DoubtDecisionRows(Rows):
    """Decisions about doubtful labels in the ledger."""

    def append_doubt_decisions(self, decisions: Sequence[DoubtDecision]) -> None:
        """Append decisions, all or nothing."""
        at = self._now()
        rows = [{**vars(d), "recorded_at": d.recorded_at or at} for d in decisions]
        if rows:
            with self._database.writing() as connection:
                append(connection, DOUBT_DECISIONS, rows)

    def doubt_decisions(self, collection: str) -> list[DoubtDecision]:
        """Return all decisions of a collection, in order."""
        return self._listed(DoubtDecision, DOUBT_DECISIONS, {"collection": collection})
