"""The metrics that alerts compare, read from the documents of the last sweep."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

import numpy as np

from autolabel_core.declarations import Alert
from autolabel_core.declarations.alert import DRIFT
from autolabel_core.declarations.collections_folder import find_retriever
from autolabel_core.documents.documents import Documents
from autolabel_core.documents.label_source_sql import MACHINES, UNDECIDED
from autolabel_core.documents.record import DocumentRecord
from autolabel_core.foundation.ids import object_of
from autolabel_core.foundation.json_types import Json
from autolabel_core.foundation.statistics import coverage
from autolabel_core.ledger import AlertFiring
from autolabel_core.notifications.alerts.drift_episodes import (
    JudgedPart,
    episodes,
    judge_parts,
    unreported,
)
from autolabel_core.notifications.alerts.rules import MAX_LISTED, Reading
from autolabel_core.tables.workspace import OpenCollection, Workspace

RunFailures = Callable[[str, float], int]
DEFAULT_WINDOW_HOURS = 24.0


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
    if alert.metric == DRIFT:
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
    name = collection.name
    changes = collection.ledger.last_changes(name)
    place = {document: i for i, document in enumerate(changes)}
    rows = [row for row in _confidences(collection, alert.group_by) if object_of(row[0]) in place]
    rows.sort(key=lambda row: place[object_of(row[0])])
    batches = {d: a.batch for d, a in collection.ledger.objects(name).items()}
    if alert.window_hours is None:
        part_of = {document: batches[object_of(document)] for document, _, _ in rows}
        last = max(part_of.values(), default="")
    else:
        part_of = {d: _window(changes[object_of(d)], alert.window_hours) for d, _, _ in rows}
        last = _window(now.astimezone(UTC).isoformat(), alert.window_hours, -1)
    groups = list(dict.fromkeys(group for _, _, group in rows))
    drifts = []
    for group in groups:
        parts: dict[str, list[float]] = {}
        for document, confidence, of in rows:
            if of == group and part_of[document] <= last:
                parts.setdefault(part_of[document], []).append(confidence)
        ordered = {name: np.array(parts[name], np.float64) for name in sorted(parts)}
        by_looks = alert.window_hours is None
        judged = judge_parts(ordered, alert.trigger.holds, len(groups), by_looks)
        if judged:
            drifts.append(_drift_reading(group, judged, _reported_parts(past, group)))
    return drifts


def _reported_parts(past: Sequence[AlertFiring], group: str | None) -> set[str]:
    """Return the batches of a group that an alert reported."""
    reported: set[str] = set()
    for row in past:
        if row.group == group:
            since, parts = row.payload.get("since"), row.payload.get("parts", ())
            named = [since, *parts] if isinstance(parts, Sequence) else [since]
            reported |= {name for name in named if isinstance(name, str) and name}
    return reported


def _drift_reading(group: str | None, judged: list[JudgedPart], reported: set[str]) -> Reading:
    """Return drift that was not reported yet, else the state of the latest batch."""
    fresh = unreported(judged, reported)
    about = fresh or episodes(judged)[-1:] if judged[-1].drifted or fresh else [judged[-1:]]
    parts = [part for run in about for part in run]
    worst = min(parts, key=lambda part: part.p)
    shown: dict[str, Json] = {
        "since": parts[0].name,
        "parts": [part.name for part in parts],
        "median_before": worst.median_before,
        "median_now": worst.median_now,
    }
    return Reading(group, worst.p, (about[-1][0].name,), shown)


def _confidences(
    collection: OpenCollection, field: str | None
) -> Iterable[tuple[str, float, str | None]]:
    view = Documents(collection)
    grouped = f"{view.expression(field)}::VARCHAR" if field else "NULL::VARCHAR"
    sql = (
        f"SELECT document_id, confidence::DOUBLE, {grouped} AS g FROM documents "
        f"WHERE confidence IS NOT NULL AND {MACHINES}"
    )
    with view.connect() as connection:
        rows = connection.execute(sql).fetchall()
    return [row for row in rows if field is None or row[2] is not None]


def _window(moment: str, hours: float, offset: int = 0) -> str:
    """Return the beginning of the window that a moment lies in; windows follow one another."""
    seconds = hours * 3600.0
    number = int(datetime.fromisoformat(moment).timestamp() // seconds) + offset
    return datetime.fromtimestamp(number * seconds, UTC).isoformat(timespec="minutes")
