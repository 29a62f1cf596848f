"""The health of endpoints and recent alerts, for `status` and for Dagster's checks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TypedDict

from autolabel_core.declarations import Collection
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.ledger import Ledger
from autolabel_core.ledger.alert_firings import QUIET
from autolabel_core.notifications.webhooks.endpoints import (
    MARKS,
    Endpoint,
    access,
    endpoint_state,
    endpoints_of,
)

MAX_FIRINGS = 5
WAITING_COUNTED = 1000
LATE_MINUTES = 10.0


class EndpointHealth(TypedDict):
    """One endpoint: events that are tried again, events given up, when it answered 410 Gone.

    `waiting` events were not tried yet (at most WAITING_COUNTED are counted), the oldest since
    `waiting_minutes`; `problem` says what keeps it from being told, such as a missing variable.
    """

    endpoint: str
    enabled: bool
    failing: int
    abandoned: int
    disabled_at: str | None
    last_detail: str | None
    waiting: int
    waiting_minutes: float
    problem: str | None


class FiredAlert(TypedDict):
    """An alert that fired, on which group of `group_by`, at which number, and when."""

    alert: str
    group: str | None
    value: float | None
    at: str


def endpoint_health(ledger: Ledger, collection: Collection) -> list[EndpointHealth]:
    """Return the endpoints of a collection, with what did not reach them.

    Args:
        ledger: holds the deliveries.
        collection: the declaration.

    Returns:
        One record for each endpoint.
    """
    records: list[EndpointHealth] = []
    for endpoint in endpoints_of([collection]):
        missed = [d for d in ledger.undelivered(endpoint.name) if d.event_id not in MARKS]
        records.append(
            {
                "endpoint": endpoint.name,
                "enabled": endpoint.enabled,
                "failing": sum(d.outcome == "failed" for d in missed),
                "abandoned": sum(d.outcome == "abandoned" for d in missed),
                "disabled_at": endpoint_state(ledger, endpoint).disabled_at,
                "last_detail": missed[-1].detail if missed else None,
                **_waiting(ledger, endpoint),
            }
        )
    return records


class _Waiting(TypedDict):
    waiting: int
    waiting_minutes: float
    problem: str | None


def _waiting(ledger: Ledger, endpoint: Endpoint) -> _Waiting:
    after = endpoint_state(ledger, endpoint).after
    pending = [] if after is None else ledger.pending(endpoint.wanted(after), WAITING_COUNTED)
    untried = [one.event for one in pending if one.last is None]
    minutes = 0.0
    if untried:
        since = datetime.fromisoformat(untried[0].recorded_at)
        minutes = max(0.0, (datetime.now(UTC) - since).total_seconds() / 60)
    problem = None
    try:
        access(endpoint)
    except AutolabelError as error:
        problem = str(error)
    return {"waiting": len(untried), "waiting_minutes": minutes, "problem": problem}


def waiting_problem(endpoint: EndpointHealth) -> str:
    """Say why nothing reaches an endpoint; empty where nothing keeps it, or it is switched off.

    Args:
        endpoint: its state.

    Returns:
        What is missing or waits for too long, and the cure.
    """
    if not endpoint["enabled"] or endpoint["disabled_at"]:
        return ""
    waiting = endpoint.get("waiting", 0)
    count = f"{waiting}{' or more' if waiting == WAITING_COUNTED else ''}"
    if endpoint.get("problem"):
        return f"{endpoint['problem']} {count} events wait for it."
    if waiting and endpoint["waiting_minutes"] >= LATE_MINUTES:
        return (
            f"{count} events wait for {endpoint['endpoint']}, the oldest for "
            f"{endpoint['waiting_minutes']:.0f} minutes: nothing delivers. Start the daemon "
            "(`make dev`)."
        )
    return ""


def recent_firings(ledger: Ledger, collection: Collection) -> list[FiredAlert]:
    """Return the last alerts that fired, the latest first."""
    if not collection.alerts:
        return []
    rows = ledger.alert_firings(collection.collection_name)
    fired = [row for row in rows if row.fingerprint != QUIET][-MAX_FIRINGS:]
    return [
        {
            "alert": row.alert,
            "group": row.group,
            "value": row.value,
            "at": row.recorded_at,
        }
        for row in reversed(fired)
    ]
