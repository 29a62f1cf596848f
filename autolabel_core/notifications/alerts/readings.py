"""The metrics that alerts compare, read from the documents of the last sweep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from autolabel_core.declarations import Alert
from autolabel_core.declarations.alert import DRIFT
from autolabel_core.declarations.collections_folder import find_retriever
from autolabel_core.documents.documents import Documents
from autolabel_core.documents.label_source_sql import MACHINES, UNDECIDED
from autolabel_core.documents.record import DocumentRecord
from autolabel_core.documents.upload_drift import DAY_HOURS, UploadDrift, upload_drift
from autolabel_core.documents.upload_drift_text import change_text
from autolabel_core.foundation.json_types import Json
from autolabel_core.foundation.statistics import coverage
from autolabel_core.ledger import AlertFiring
from autolabel_core.notifications.alerts.rules import MAX_LISTED, Reading
from autolabel_core.tables.workspace import OpenCollection, Workspace

RunFailures = Callable[[str, float], int]
DEFAULT_WINDOW_HOURS = 24.0
BY_BATCH = "confidence_drift"


def readings(
    collection: OpenCollection,
    alert: Alert,
    now: datetime,
    run_failures: RunFailures | None = None,
    past: Sequence[AlertFiring] = (),
) -> list[Reading]:
    """Read what an alert watches.

    Args:
        collection: whose alert it is.
        alert: the declaration.
        now: the present moment.
        run_failures: tells how many runs of a collection failed in the last hours; None where
            Dagster cannot be asked: then such an alert has no reading.
        past: the alert's rows in the ledger: drift that was reported is not reported again.

    Returns:
        One for each group; groups without a document, and numbers that are not defined, have none.
    """
    if alert.retriever is not None:
        return _retrieved(collection.workspace, alert)
    if alert.metric == "run_failures":
        if run_failures is None:
            return []
        hours = alert.window_hours or DEFAULT_WINDOW_HOURS
        return [Reading(None, float(run_failures(collection.name, hours)))]
    if alert.metric in DRIFT:
        return _drift(collection, alert, now, past)
    return _counted(collection, alert)


def _retrieved(workspace: Workspace, alert: Alert) -> list[Reading]:
    from autolabel_core.documents.search import retrieve

    searched, retriever = find_retriever(workspace.collections, str(alert.retriever))
    documents = retrieve(OpenCollection(workspace, searched), retriever, alert.inputs)
    group_of = _groups(OpenCollection(workspace, searched), alert.group_by)
    groups: dict[str | None, list[DocumentRecord]] = {} if alert.group_by else {None: []}
    if alert.group_by:
        groups = {group: [] for group in sorted(set(group_of.values()))}
    for document in documents:
        group = group_of.get(document["document_id"]) if alert.group_by else None
        if group in groups:
            groups[group].append(document)
    return [
        Reading(
            group,
            float(len(matches)),
            tuple(sorted(d["document_id"] for d in matches)),
            {"documents": [d["key"] for d in matches[:MAX_LISTED]]},
        )
        for group, matches in groups.items()
    ]


def _groups(collection: OpenCollection, field: str | None) -> dict[str, str]:
    """Return the group of each document that has one."""
    if field is None:
        return {}
    view = Documents(collection)
    group = f"{view.expression(field)}::VARCHAR"
    with view.connect() as connection:
        sql = f"SELECT document_id, {group} FROM documents WHERE {group} IS NOT NULL"
        return dict(connection.execute(sql).fetchall())


def _counted(collection: OpenCollection, alert: Alert) -> list[Reading]:
    view = Documents(collection)
    grouped = f"{view.expression(alert.group_by)}::VARCHAR" if alert.group_by else "NULL::VARCHAR"
    sql = (
        f"SELECT {grouped} AS g, count(*), count(reason), "
        "count(*) FILTER (label_source = 'auto'), "
        f"count(*) FILTER (reason IS NULL AND {MACHINES}), "
        f"count(*) FILTER (reason IS NULL AND {UNDECIDED}) "
        "FROM documents GROUP BY g ORDER BY g"
    )
    with view.connect() as connection:
        rows = connection.execute(sql).fetchall()
    result = []
    for group, total, unreadable, auto, machine, queue in rows:
        value = {
            "coverage": coverage(auto, machine),
            "unreadable_share": unreadable / total,
            "review_queue": float(queue),
        }[str(alert.metric)]
        if value is not None and (group is not None or alert.group_by is None):
            result.append(Reading(group, value, shown={"documents_in_group": total}))
    return result


def _drift(
    collection: OpenCollection, alert: Alert, now: datetime, past: Sequence[AlertFiring]
) -> list[Reading]:
    by_batch = alert.metric == BY_BATCH and alert.window_hours is None
    found = upload_drift(
        collection,
        alert.group_by,
        alert.window_hours or DAY_HOURS,
        by_batch,
        alert.trigger.limit,
        None if alert.window_hours is None else now,
    )
    return [
        _drift_reading(drift, _reported_parts(past, drift.group)) for drift in found if drift.judged
    ]


def _reported_parts(past: Sequence[AlertFiring], group: str | None) -> set[str]:
    """Return the days or batches of a group that an alert reported."""
    reported: set[str] = set()
    for row in past:
        if row.group == group:
            since, parts = row.payload.get("since"), row.payload.get("parts", ())
            named = [since, *parts] if isinstance(parts, Sequence) else [since]
            reported |= {name for name in named if isinstance(name, str) and name}
    return reported


def _drift_reading(drift: UploadDrift, reported: set[str]) -> Reading:
    """Return a change that was not reported yet, else the one that lasts, else the present."""
    fresh = [change for change in drift.changes if not reported.intersection(change.parts)]
    change = fresh[-1] if fresh else drift.lasting
    if change is None:
        return Reading(drift.group, drift.p_value)
    shown: dict[str, Json] = {
        "since": change.parts[0],
        "parts": list(change.parts),
        "kind": change.figures.kind,
        "text": change_text(change),
        "documents_looked_at": change.documents,
        "is_over": change.is_over,
        "median_before": change.median_before,
        "median_now": change.median_now,
        "documents": list(change.examples),
    }
    return Reading(drift.group, change.p_value, (change.parts[0],), shown)
