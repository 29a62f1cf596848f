"""What `status` and runs tell of the uploads by day: numbers, a sentence, what a picture shows."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from autolabel_core.documents.upload_drift import DAY_HOURS, UploadDrift, upload_drift
from autolabel_core.documents.upload_drift_text import change_cure, change_text
from autolabel_core.documents.uploaded_documents import window_of
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.tables.remembered import remembered
from autolabel_core.tables.taxonomy_labels import TaxonomyLabels
from autolabel_core.tables.workspace import OpenCollection

FORMAT = 1
"""Part of what a kept record is made from: raised where the same uploads give another."""


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


class DriftByDay(TypedDict):
    """A record with what a picture shows.

    `parts` are the days, `medians` their similarities, and `spans` the first day, the last day and
    the kind of each change.
    """

    record: DriftRecord
    parts: list[str]
    medians: list[float]
    spans: list[tuple[str, str, str]]


def drift_record(collection: OpenCollection) -> DriftRecord | None:
    """Return what the uploads of a collection look like by day.

    Args:
        collection: opened with its stores.

    Returns:
        The record; None where nothing is labelled or all was uploaded on one day.
    """
    found = drift_by_day(collection)
    return None if found is None else found["record"]


def drift_by_day(collection: OpenCollection) -> DriftByDay | None:
    """Compare the uploads of each day with those before, once for the same labels and uploads.

    Args:
        collection: opened with its stores.

    Returns:
        What was found; None where nothing is labelled or all was uploaded on one day.
    """
    if collection.declaration.taxonomy is None or not _came_on_several_days(collection):
        return None

    def made_from() -> str:
        table = TaxonomyLabels(collection)
        files = [(batch, table.warehouse.fingerprint(table.path(batch))) for batch in table.batches]
        position = collection.ledger.arrival_position(collection.name)
        return fingerprint(FORMAT, collection.ledger.database.shown, position, files)

    # A list, because what is kept is never None.
    kept = remembered(collection, "uploads_by_day", made_from, lambda: _computed(collection))
    return kept[0] if kept else None


def _came_on_several_days(collection: OpenCollection) -> bool:
    first, last = collection.ledger.arrival_span(collection.name)
    days = {
        window_of(datetime.fromisoformat(moment).timestamp(), DAY_HOURS)
        for moment in (first, last)
        if moment
    }
    return len(days) > 1


def _computed(collection: OpenCollection) -> list[DriftByDay]:
    return [_by_day(drift, collection.name) for drift in upload_drift(collection)]


def _by_day(drift: UploadDrift, collection_name: str) -> DriftByDay:
    change = drift.lasting
    return {
        "record": {
            "judged": drift.judged,
            "days": len(drift.parts),
            "p_value": drift.p_value if change is None else change.p_value,
            "kind": change.figures.kind if change else None,
            "since": change.parts[0] if change else None,
            "text": change_text(change) if change else None,
            "cure": change_cure(change, collection_name) if change else None,
        },
        "parts": list(drift.parts),
        "medians": list(drift.medians),
        "spans": [
            (seen.parts[0], seen.parts[-1], seen.figures.kind.replace("_", " "))
            for seen in drift.changes
        ],
    }
