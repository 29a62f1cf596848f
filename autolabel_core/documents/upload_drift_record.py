"""What `status` tells of the uploads by day."""

from __future__ import annotations

from typing import TypedDict

from autolabel_core.documents.upload_drift import upload_drift
from autolabel_core.documents.upload_drift_text import change_cure, change_text
from autolabel_core.tables.workspace import OpenCollection


class DriftRecord(TypedDict):
    """What was found of a collection's uploads by day.

    `judged` counts documents that were compared with earlier ones; `p_value` is how rare what was
    seen since the last change is without one. `kind`, `since`, `text` and `cure` are of the change
    that lasts; None where none does.
    """

    judged: int
    days: int
    p_value: float
    kind: str | None
    since: str | None
    text: str | None
    cure: str | None


def drift_record(collection: OpenCollection) -> DriftRecord | None:
    """Return what the uploads of a collection look like by day; None where nothing is labelled.

    Args:
        collection: opened with its stores.

    Returns:
        The record.
    """
    if collection.declaration.taxonomy is None:
        return None
    found = upload_drift(collection)
    if not found:
        return None
    change = found[0].lasting
    return {
        "judged": found[0].judged,
        "days": len(found[0].parts),
        "p_value": found[0].p_value if change is None else change.p_value,
        "kind": change.figures.kind if change else None,
        "since": change.parts[0] if change else None,
        "text": change_text(change) if change else None,
        "cure": change_cure(change, collection.name) if change else None,
    }
