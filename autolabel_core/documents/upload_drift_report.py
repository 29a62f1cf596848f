"""What a run tells of the uploads by day: numbers, a sentence, a picture."""

from __future__ import annotations

from typing import TypedDict

from autolabel_core.documents.upload_drift_record import drift_by_day
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
    found = drift_by_day(collection)
    if found is None or not found["record"]["judged"]:
        return {}
    record = found["record"]
    spans = [(first, last, kind) for first, last, kind in found["spans"]]
    return {
        "drift p-value": record["p_value"],
        "drift": record["text"] or "none",
        "uploads by day": similarity_by_day(found["parts"], found["medians"], spans),
    }
