"""What people decided about labels that a table of labels has to follow."""

from __future__ import annotations

from autolabel_core.ledger import Ledger
from autolabel_core.tables.label_columns import RejectedLabel

Position = tuple[int, int, str]
"""Number, row and id of the last annotation that counted."""


def rejected_labels(ledger: Ledger, collection: str) -> set[RejectedLabel]:
    """Return the auto-labels that an audit found wrong; the latest verdict on each holds."""
    verdicts = ledger.audits(collection)
    latest = {(v.document_id, v.content_hash, v.auto_label): v.verdict for v in verdicts}
    return {judged for judged, verdict in latest.items() if verdict == "wrong"}


class AnnotatedDocuments:
    """Which documents of a collection were annotated since some annotation; asked once for each."""

    def __init__(self, ledger: Ledger, collection: str) -> None:
        self._ledger, self._collection = ledger, collection
        self._known: dict[Position, set[str] | None] = {}

    def since(self, position: Position) -> set[str] | None:
        """Return the ids of the documents; None where the ledger is another than then."""
        if position not in self._known:
            last = position[1]
            is_same = self._ledger.annotation_position(self._collection, last) == position
            annotated = self._ledger.annotated_after(self._collection, last) if is_same else None
            self._known[position] = annotated
        return self._known[position]
