"""What the verdicts of all audits say: the error rate of the auto-labels, with its interval."""

from __future__ import annotations

from typing import TypedDict

from autolabel_core.foundation.statistics import wilson_interval
from autolabel_core.tables.workspace import OpenCollection


class AuditSummary(TypedDict):
    """How many auto-labels were audited and wrong; the rate with its 95 % Wilson interval."""

    audited: int
    wrong: int
    rate: float | None
    low: float
    high: float


def audit_summary(collection: OpenCollection) -> AuditSummary:
    """Return the false-positive rate over all verdicts of the collection.

    Args:
        collection: opened with its stores.

    Returns:
        The rate, None before the first audit. The latest verdict of a document counts.
    """
    verdicts = collection.ledger.audits(collection.name)
    latest = {(v.document_id, v.content_hash, v.auto_label): v.verdict for v in verdicts}
    audited, wrong = len(latest), sum(verdict == "wrong" for verdict in latest.values())
    low, high = wilson_interval(wrong, audited)
    rate = wrong / audited if audited else None
    return {"audited": audited, "wrong": wrong, "rate": rate, "low": low, "high": high}
