"""Decides when an alert fires: above its level, once for the same cause, not while cooling down.

The memory is rows of `alert_firings`. A row with the fingerprint QUIET says that the alert is not
firing, and holds the number that the next rise is counted from.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from autolabel_core.declarations import Alert
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.foundation.json_types import Json, JsonObject
from autolabel_core.ledger import AlertFiring
from autolabel_core.ledger.alert_firings import QUIET

MAX_LISTED = 20


@dataclass(frozen=True)
class Reading:
    """What was found for one group (None: all documents).

    Attributes:
        group: the value of `group_by`.
        value: the number that is compared.
        about: ids of the documents, or the name of the batch, that the number is about; the same is
            told once.
        shown: what a person is told beside the number.
    """

    group: str | None
    value: float
    about: tuple[str, ...] = ()
    shown: JsonObject = field(default_factory=dict)


@dataclass(frozen=True)
class AlertVerdict:
    """What became of one reading: `row` is appended to the ledger, None leaves all as it was."""

    reading: Reading
    firing: bool
    holds: bool
    row: AlertFiring | None
    because: str


def evaluate_alert(
    collection: str,
    alert: Alert,
    readings: Iterable[Reading],
    past: Iterable[AlertFiring],
    now: datetime,
) -> list[AlertVerdict]:
    """Decide for each group whether the alert fires.

    Args:
        collection: whose.
        alert: the declaration.
        readings: what was found now, at most one for each group.
        past: the alert's rows in the ledger, in order.
        now: the present moment. A firing in the future is a clock that went back, and does not
            silence.

    Returns:
        One verdict for each reading, and for each group that fired and is no more.
    """
    last: dict[str | None, AlertFiring] = {}
    fired: dict[str | None, AlertFiring] = {}
    for row in past:
        group = row.group
        last[group] = row
        if row.fingerprint != QUIET:
            fired[group] = row
    current = list(readings)
    gone = [
        Reading(group, 0.0)
        for group, row in last.items()
        if row.fingerprint != QUIET and group not in {r.group for r in current}
    ]
    cool = timedelta(minutes=alert.cool_down_minutes)
    verdicts = []
    for reading in current:
        before, firing = last.get(reading.group), fired.get(reading.group)
        age = now - datetime.fromisoformat(firing.recorded_at) if firing else None
        cooling = age is not None and timedelta(0) <= age < cool
        verdicts.append(_verdict(collection, alert, reading, before, cooling))
    return verdicts + [_quiet(collection, alert, reading, "no longer there") for reading in gone]


def _verdict(
    collection: str, alert: Alert, reading: Reading, before: AlertFiring | None, cooling: bool
) -> AlertVerdict:
    rises = alert.trigger.operator == "rises by"
    if rises and before is None:
        return _quiet(collection, alert, reading, "first count")
    base = before.value or 0.0 if before and rises else 0.0
    if not alert.trigger.holds(reading.value, base):
        was_firing = before is not None and before.fingerprint != QUIET
        if (was_firing and not rises) or (rises and reading.value < base):
            return _quiet(collection, alert, reading, "fell")
        return AlertVerdict(reading, False, False, None, "condition not met")
    mark = fingerprint(reading.group, reading.about, reading.value if rises else None)
    if before is not None and before.fingerprint == mark:
        return AlertVerdict(reading, False, True, None, "reported before")
    if cooling:
        return AlertVerdict(reading, False, True, None, "cooling down")
    row = _row(collection, alert, reading, mark)
    return AlertVerdict(reading, True, True, row, "fires")


def _quiet(collection: str, alert: Alert, reading: Reading, because: str) -> AlertVerdict:
    return AlertVerdict(reading, False, False, _row(collection, alert, reading, QUIET), because)


def _row(collection: str, alert: Alert, reading: Reading, mark: str) -> AlertFiring:
    payload = {"group": reading.group, **(reading.shown if mark != QUIET else {})}
    return AlertFiring(collection, alert.name, mark, reading.value, payload)


def firing_payload(
    collection: str, alert: Alert, verdicts: Iterable[AlertVerdict]
) -> dict[str, Json]:
    """Return the payload of `alert.triggered`: one for all groups that fire together.

    Args:
        collection: whose.
        alert: the declaration.
        verdicts: of the groups that fire.

    Returns:
        The payload; at most MAX_LISTED groups are listed, all are counted.
    """
    firing = list(verdicts)
    return {
        "alert": alert.name,
        "collection": collection,
        "description": alert.description,
        "source": alert.source,
        "watched": alert.metric or alert.retriever,
        "trigger_on": alert.trigger_on,
        "group_by": alert.group_by,
        "groups_firing": len(firing),
        "groups": [
            {"group": v.reading.group, "value": v.reading.value, **v.reading.shown}
            for v in firing[:MAX_LISTED]
        ],
    }
