"""What `status` and a check of Dagster show: endpoints in trouble, alerts that fired."""

from __future__ import annotations

from typing import TypedDict

from autolabel_core.declarations import Collection
from autolabel_core.ledger import Ledger
from autolabel_core.ledger.alert_firings import QUIET
from autolabel_core.notifications.webhooks.endpoints import MARKS, endpoints_of, state_of

MAX_FIRINGS = 5


class EndpointHealth(TypedDict):
    """One endpoint: events that are tried again, events given up, when it answered 410 Gone."""

    endpoint: str
    enabled: bool
    failing: int
    abandoned: int
    disabled_at: str | None
    last_detail: str | None


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
    found: list[EndpointHealth] = []
    for endpoint in endpoints_of([collection]):
        missed = [d for d in ledger.undelivered(endpoint.name) if d.event_id not in MARKS]
        found.append(
            {
                "endpoint": endpoint.name,
                "enabled": endpoint.enabled,
                "failing": sum(d.outcome == "failed" for d in missed),
                "abandoned": sum(d.outcome == "abandoned" for d in missed),
                "disabled_at": state_of(ledger, endpoint).disabled_at,
                "last_detail": missed[-1].detail if missed else None,
            }
        )
    return found


def recent_firings(ledger: Ledger, collection: Collection) -> list[FiredAlert]:
    """Return the last alerts that fired, the latest first."""
    if not collection.alerts:
        return []
    rows = ledger.alert_firings(collection.collection_name)
    fired = [row for row in rows if row.fingerprint != QUIET][-MAX_FIRINGS:]
    return [
        {
            "alert": row.alert,
            "group": row.payload.get("group"),
            "value": row.value,
            "at": row.recorded_at,
        }
        for row in reversed(fired)
    ]
