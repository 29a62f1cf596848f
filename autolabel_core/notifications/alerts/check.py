"""Evaluates the alerts of a collection, and records each firing with its event."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from autolabel_core.declarations import Alert
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.ledger import Event, event_id
from autolabel_core.notifications.alerts.readings import RunFailures, readings
from autolabel_core.notifications.alerts.rules import AlertVerdict, evaluate_alert, firing_payload
from autolabel_core.notifications.webhooks.endpoints import (
    ALERT_EVENT,
    declare_endpoints,
    endpoints_of,
)
from autolabel_core.notifications.webhooks.retry_schedule import moment_after
from autolabel_core.tables.workspace import OpenCollection


@dataclass(frozen=True)
class Checked:
    """One alert that was looked at: a verdict for each group, or the problem that kept it."""

    alert: Alert
    verdicts: tuple[AlertVerdict, ...] = ()
    problem: str | None = None

    @property
    def firing(self) -> list[AlertVerdict]:
        """The groups that fire now."""
        return [verdict for verdict in self.verdicts if verdict.firing]


def check_alerts(
    collection: OpenCollection,
    now: datetime,
    run_failures: RunFailures | None = None,
    on_demand: bool = False,
) -> list[Checked]:
    """Look at every alert of a collection that is enabled; one with a problem keeps none waiting.

    Args:
        collection: opened with its stores.
        now: the present moment.
        run_failures: see `readings`.
        on_demand: whether a person asks; alerts of the mode `on_demand` wait for that.

    Returns:
        What became of each.
    """
    alerts = [
        a
        for a in collection.declaration.alerts
        if a.enabled and (on_demand or a.mode != "on_demand")
    ]
    if not alerts:
        return []
    name = collection.name
    declare_endpoints(collection.ledger, endpoints_of(collection.workspace.collections.values()))
    checked = []
    with collection.warehouse.writing(name, "alerts"):
        for alert in alerts:
            try:
                checked.append(_check(collection, alert, now, run_failures))
            except AutolabelError as error:
                checked.append(Checked(alert, problem=f"alert `{alert.name}` of `{name}`: {error}"))
    return checked


def _check(
    collection: OpenCollection,
    alert: Alert,
    now: datetime,
    run_failures: RunFailures | None,
) -> Checked:
    name, ledger = collection.name, collection.ledger
    past = ledger.alert_firings(name, alert.name)
    values = readings(collection, alert, now, run_failures, past)
    verdicts = evaluate_alert(name, alert, values, past, now)
    checked = Checked(alert, tuple(verdicts))
    at = moment_after(now, 0.0)
    rows = [replace(v.row, recorded_at=at) for v in verdicts if v.row is not None]
    events = []
    if checked.firing:
        fact = (name, alert.name, len(past), [row.fingerprint for row in rows])
        payload = firing_payload(name, alert, checked.firing)
        events = [Event(event_id(ALERT_EVENT, *fact), ALERT_EVENT, name, alert.name, payload)]
    if rows:
        ledger.append_alert_firings(rows, events)
    return checked
