"""What a run tells of the uploads by day: numbers, a sentence, a picture."""

from __future__ import annotations

from typing import TypedDict

from autolabel_core.documents.upload_drift import UploadDrift, upload_drift
from autolabel_core.documents.upload_drift_text import change_text
from autolabel_core.foundation.charts import similarity_by_day
from autolabel_core.tables.workspace import OpenCollection

DriftReport = TypedDict(
    "DriftReport", {"drift p-value": float, "drift": str, "uploads by day": bytes}, total=False
)


def drift_report(collection: OpenCollection) -> DriftReport:
    """Compare the uploads of each day with those before.

    Args:
        collection: its labels are up to date.

    Returns:
        Numbers and a PNG by name; nothing before there are two days to compare.
    """
    found = upload_drift(collection)
    if not found or not found[0].judged:
        return {}
    drift = found[0]
    change = drift.lasting
    return {
        "drift p-value": drift.p_value if change is None else change.p_value,
        "drift": "none" if change is None else change_text(change),
        "uploads by day": similarity_by_day(drift.parts, drift.medians, _spans(drift)),
    }


def _spans(drift: UploadDrift) -> list[tuple[str, str, str]]:
    return [
        (change.parts[0], change.parts[-1], change.figures.kind.replace("_", " "))
        for change in drift.changes
    ]
