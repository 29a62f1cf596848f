"""Alerts fire on the level, once for the same, by group; what fires is told by an event."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
from support.angle_samples import NAME

from autolabel_core.declarations import Alert
from autolabel_core.ledger import AlertFiring
from autolabel_core.ledger.alert_firings import QUIET
from autolabel_core.notifications.alerts.check import check_alerts
from autolabel_core.notifications.alerts.readings import readings
from autolabel_core.notifications.alerts.rules import Reading, evaluate_alert
from autolabel_core.operations.status import collection_status
from autolabel_core.tables.workspace import OpenCollection

START = datetime(2030, 1, 1, tzinfo=UTC)
UNLABELLED = {
    "retriever_name": "unlabelled",
    "stages": [
        {
            "stage_id": "attribute_filter",
            "parameters": {"field": "label", "operator": "exists", "value": False},
        }
    ],
}


class Watch:
    """An alert with its memory, looked at by hand."""

    def __init__(self, **keys):
        self.alert = Alert.model_validate({"name": "a", **keys})
        self.rows: list[AlertFiring] = []
        self.minute = 0.0

    def look(self, value, about=(), group=None, minutes=1.0):
        """Return whether the alert fires, after so many minutes."""
        self.minute += minutes
        now = START + timedelta(minutes=self.minute)
        found = [Reading(group, value, tuple(about))]
        verdicts = evaluate_alert("c", self.alert, found, self.rows, now)
        for verdict in verdicts:
            if verdict.row is not None:
                row = {**vars(verdict.row), "recorded_at": now.isoformat()}
                self.rows.append(AlertFiring(**row))
        return any(verdict.firing for verdict in verdicts)


def test_results_fire_once_for_the_same_documents():
    watch = Watch(retriever="r", cool_down_minutes=60.0)
    assert not watch.look(0)
    assert watch.look(2, "ab")
    assert not watch.look(2, "ab", minutes=500)
    assert watch.look(3, "abc", minutes=500)


def test_the_cool_down_silences_and_then_tells():
    watch = Watch(retriever="r", cool_down_minutes=60.0)
    assert watch.look(1, "a")
    assert not watch.look(2, "ab", minutes=59)
    assert watch.look(2, "ab", minutes=1)


def test_without_cool_down_every_change_is_told():
    watch = Watch(retriever="r", cool_down_minutes=0.0)
    assert [watch.look(n, "abcdef"[:n]) for n in (1, 2, 2, 3, 0, 3)] == [
        *(True, True, False),
        *(True, False, True),
    ]


def test_a_metric_tells_once_until_it_recovers():
    watch = Watch(metric="coverage", trigger_on="< 60%", cool_down_minutes=0.0)
    values = [0.7, 0.5, 0.4, 0.55, 0.6, 0.59, 0.59]
    assert [watch.look(v) for v in values] == [False, True, False, False, False, True, False]


def test_a_metric_that_flickers_is_told_once_in_the_cool_down():
    watch = Watch(metric="coverage", trigger_on="< 0.6", cool_down_minutes=60.0)
    assert sum(watch.look(0.5 + 0.2 * (n % 2)) for n in range(60)) == 1


def test_a_rise_is_counted_from_the_last_firing_or_the_trough():
    watch = Watch(retriever="r", trigger_on="count rises by 10", cool_down_minutes=0.0)
    values = [100, 109, 110, 119, 120, 50, 59, 60, 60]
    fires = [False, False, True, False, True, False, False, True, False]
    assert [watch.look(v) for v in values] == fires


def test_groups_fire_apart_and_a_group_that_is_gone_falls_silent():
    watch = Watch(retriever="r", group_by="metadata.camera_id", cool_down_minutes=0.0)
    assert watch.look(1, "x", group="north")
    assert watch.look(1, "x", group="south")
    assert watch.rows[-1].fingerprint == QUIET and watch.rows[-1].payload == {"group": "north"}
    assert watch.look(1, "x", group="north")


def test_a_clock_that_went_back_silences_nothing():
    watch = Watch(retriever="r")
    assert watch.look(1, "a")
    assert watch.look(1, "b", minutes=-1000)


def watched(angles, objects, labels, *alerts):
    return angles(objects, labels, retrievers=[UNLABELLED], alerts=list(alerts))


def test_what_fires_is_one_event_with_its_documents(angles, home):
    alert = {"name": "unknown", "retriever": "unlabelled"}
    objects = {"a": 0, "b": 5, "far": 90, "further": 180}
    ws = watched(angles, objects, {"a": "left"}, alert)
    [checked] = check_alerts(ws.open(NAME), START)
    assert checked.firing
    [event] = [e for e in ws.ledger.events_after(0, 10_000) if e.event_type == "alert.triggered"]
    assert event.subject == "unknown"
    [group] = event.payload["groups"]
    assert (group["value"], group["documents"]) == (2, ["far", "further"])
    again = home.workspace
    assert not check_alerts(again.open(NAME), START + timedelta(days=9))[0].firing
    status = collection_status(again.open(NAME))
    assert [a["alert"] for a in status["alerts"]] == ["unknown"]


def test_the_metrics_are_those_of_status(angles):
    names = ["coverage", "review_queue"]
    alerts = [{"name": n, "metric": n, "trigger_on": ">= 0"} for n in names]
    alerts += [{"name": "u", "metric": "unreadable_share", "trigger_on": ">= 0"}]
    ws = watched(angles, {"a": 0, "b": 5, "far": 90, "bad": b""}, {"a": "left"}, *alerts)
    collection = ws.open(NAME)
    status = collection_status(collection)
    found = {a.name: readings(collection, a, START)[0].value for a in collection.declaration.alerts}
    share = status["quarantined"] / status["objects"]
    wanted = {"coverage": status["coverage"], "review_queue": status["review_queue"], "u": share}
    assert found == wanted and share == 0.25


def test_a_metric_by_group_is_that_of_its_documents(angles):
    objects = {"a": 0, "b": 5, "c": 90, "d": 100, "e": 3}
    cameras = {"b": "north", "c": "north", "d": "south"}
    for key, camera in cameras.items():
        objects[f"{key}.json"] = json.dumps({"camera_id": camera})
    alert = {
        "name": "cover",
        "metric": "coverage",
        "trigger_on": "< 60%",
        "group_by": "metadata.camera_id",
    }
    ws = watched(angles, objects, {"a": "left"}, alert)
    [checked] = check_alerts(ws.open(NAME), START)
    found = {v.reading.group: (v.reading.value, v.firing) for v in checked.verdicts}
    assert found == {"north": (0.5, True), "south": (0.0, True)}
    events = [e for e in ws.ledger.events_after(0, 10_000) if e.event_type == "alert.triggered"]
    assert len(events) == 1 and events[0].payload["groups_firing"] == 2


def test_run_failures_come_from_who_can_count_them(angles):
    alert = {"name": "runs", "metric": "run_failures", "window_hours": 6.0}
    ws = watched(angles, {"a": 0}, None, alert)
    collection, asked = ws.collection(NAME), []

    def count(name, hours):
        asked.append((name, hours))
        return 2

    assert not check_alerts(OpenCollection(ws, collection), START)[0].verdicts
    assert check_alerts(OpenCollection(ws, collection), START, count)[0].firing
    assert asked == [(NAME, 6.0)]


def test_an_alert_on_demand_and_one_switched_off_wait(angles):
    ws = watched(
        angles,
        {"a": 0},
        None,
        {"name": "asked", "retriever": "unlabelled", "mode": "on_demand"},
        {"name": "off", "retriever": "unlabelled", "enabled": False},
    )
    collection = ws.open(NAME)
    assert check_alerts(collection, START) == []
    [asked] = check_alerts(collection, START, on_demand=True)
    assert asked.firing


def test_a_shift_of_the_last_batch_is_seen(angles):
    rng = np.random.default_rng(0)
    near = rng.uniform(0, 20, 60)
    far = rng.uniform(60, 90, 60)
    objects = {"a0": 0} | {f"b{i:03}": float(d) for i, d in enumerate([*near, *far])}
    alert = {"name": "drift", "metric": "confidence_drift"}
    ws = angles(objects, {"a0": "left"}, alerts=[alert], batch_size=61)
    [checked] = check_alerts(ws.open(NAME), START)
    assert checked.firing and checked.firing[0].reading.about == ("batch_000002",)


def shifting(*shifts):
    """Objects a (labelled, 0°) and one batch of 60 for each shift, in the order of their keys."""
    rng = np.random.default_rng(0)
    batches = [rng.uniform(low, low + 20, 60) for low in shifts]
    return {"a0": 0} | {f"b{i:04}": float(d) for i, d in enumerate(np.concatenate(batches))}


DRIFT = {"alerts": [{"name": "drift", "metric": "confidence_drift", "cool_down_minutes": 0}]}


def test_a_shifted_batch_is_seen_though_another_came_with_it(angles, bring_up_to_date):
    objects = shifting(0, 0, 60) | {f"c{i:04}": 5.0 for i in range(3)}
    ws = angles(objects, {"a0": "left"}, **DRIFT, batch_size=61)
    [checked] = check_alerts(ws.open(NAME), START)
    [fired] = checked.firing
    assert fired.reading.about == ("batch_000003",)
    assert len(ws.open(NAME).ledger.objects(NAME)) == 184, "the last one is alone in its batch"
    [again] = check_alerts(ws.open(NAME), START + timedelta(hours=9))
    assert not again.firing, "the same drift is told once"


def test_the_return_to_normal_is_no_drift(angles, home, bring_up_to_date):
    ws = angles(shifting(0, 60), {"a0": "left"}, **DRIFT, batch_size=60)
    [checked] = check_alerts(ws.open(NAME), START)
    assert checked.firing
    home.put(NAME, {f"c{i:04}": float(i % 20) for i in range(60)})
    bring_up_to_date(ws, NAME)
    [recovered] = check_alerts(ws.open(NAME), START + timedelta(hours=1))
    assert not recovered.firing
    assert ws.ledger.alert_firings(NAME, "drift")[-1].fingerprint == QUIET
    home.put(NAME, {f"d{i:04}": 70.0 + i % 20 for i in range(60)})
    bring_up_to_date(ws, NAME)
    [second] = check_alerts(ws.open(NAME), START + timedelta(hours=2))
    assert second.firing, "another drift is told again"
