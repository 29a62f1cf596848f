"""When a full run is asked for without a command, and how the sensor and the clock ask."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Event

import dagster as dg
import pytest
from conftest import sweep_quietly
from support.angle_samples import NAME
from support.grouped_angles import TOPICS, ask, declared, definition, groups, refresh

from autolabel_assets.resources.workspace import WorkspaceResource
from autolabel_assets.sensors import run_sensor
from autolabel_assets.sensors.clusters import (
    build_cluster_job,
    build_cluster_schedules,
    build_clusters,
)
from autolabel_core.clusters.table import Clusters
from autolabel_core.clusters.triggers import ask_where_due
from autolabel_core.notifications.batch_events import record_batch_events
from autolabel_core.operations.staleness_plan import plan

NOW = datetime.now(UTC)


def with_triggers(*triggers, **more):
    return declared(definition(triggers=list(triggers), **more))


def due(workspace, now=NOW):
    return ask_where_due(Clusters(workspace.open(NAME)).defined, now)


def test_as_many_documents_as_declared_ask_once(angles, home):
    ws = angles(groups(0, 90), declared=with_triggers({"after_documents": 4}))
    assert due(ws) == ["topics (after_documents)"] and due(ws) == []
    refresh(ws)
    home.put(NAME, {f"a{i}": i for i in range(3)})
    sweep_quietly(ws, NAME)
    assert due(ws) == [], "three of four"
    home.put(NAME, {"000-0": 5})
    sweep_quietly(ws, NAME)
    assert due(ws) == ["topics (after_documents)"], "a changed one counts"
    refresh(ws)
    assert due(ws) == []


def test_a_run_that_failed_waits_for_as_many_more(angles, home):
    ws = angles({"a": 0, "b": 1}, declared=with_triggers({"after_documents": 2}))
    assert due(ws)
    refresh(ws)
    assert ws.ledger.cluster_runs(NAME)[-1].status == "nothing"
    assert due(ws) == []
    home.put(NAME, groups(0, 90))
    sweep_quietly(ws, NAME)
    assert due(ws) == ["topics (after_documents)"]


def test_time_since_the_last_run(angles):
    ws = angles(groups(0, 90), declared=with_triggers({"every_minutes": 60.0}))
    assert due(ws, NOW + timedelta(days=1)) == [], "no run yet"
    ask(ws)
    refresh(ws)
    assert due(ws, NOW + timedelta(minutes=30)) == []
    assert due(ws, NOW + timedelta(hours=2)) == ["topics (every_minutes)"]


def test_a_completed_batch(angles, home):
    ws = angles(groups(0, 90), declared=with_triggers({"event": "batch.completed"}))
    record_batch_events(ws.open(NAME))
    assert due(ws) == ["topics (batch.completed)"]
    refresh(ws)
    assert due(ws) == []
    home.put(NAME, {"late": 1})
    sweep_quietly(ws, NAME)
    record_batch_events(ws.open(NAME))
    assert due(ws) == ["topics (batch.completed)"]


def test_new_documents_that_do_not_fit_recommend_it_once(angles, home):
    ws = angles(groups(0, 90, size=20), declared=with_triggers({"should_recluster": True}))
    ask(ws)
    refresh(ws)
    assert due(ws) == [], "the same documents would give the same figures"
    home.put(NAME, {f"a{i}": i / 10 for i in range(20)})
    sweep_quietly(ws, NAME)
    assert due(ws) == [], "they fit"
    home.put(NAME, groups(180, size=19))
    sweep_quietly(ws, NAME)
    assert due(ws) == ["topics (should_recluster)"] and due(ws) == []


def test_triggers_that_assign_ask_for_nothing(angles):
    ws = angles(groups(0, 90), declared=with_triggers({"after_documents": 1, "mode": "assign"}))
    assert due(ws) == []


def tick(workspace, instance):
    context = dg.build_sensor_context(
        instance, resources={"workspace": WorkspaceResource(home=str(workspace.paths.home))}
    )
    with context:
        return build_clusters(workspace.collection(NAME))(context)


@pytest.fixture
def in_environment(monkeypatch):
    def make(workspace):
        for name, value in workspace.paths.environment.items():
            monkeypatch.setenv(name, value)
        return workspace

    return make


def test_the_sensor_asks_for_what_is_due_and_uploads_leave_it_alone(angles, in_environment):
    ws = in_environment(angles(groups(0, 90), declared=declared()))
    with dg.DagsterInstance.ephemeral() as instance:
        assert not tick(ws, instance).run_requests
        ask(ws)
        assert "clusters" not in plan(ws.open(NAME), uploads_only=True).assets
        assert "clusters" not in plan(ws.open(NAME), leave_own_runs=True).assets
        assert "clusters" in plan(ws.open(NAME)).assets
        (request,) = tick(ws, instance).run_requests
        assert request.asset_selection == [dg.AssetKey([NAME, "clusters"])]
        (again,) = tick(ws, instance).run_requests
        assert again.run_key == request.run_key
        refresh(ws)
        assert not tick(ws, instance).run_requests


def test_a_comparison_that_takes_long_goes_on_beside_the_tick(angles, in_environment, monkeypatch):
    import autolabel_assets.sensors.clusters as module

    ws = in_environment(angles(groups(0, 90), declared=declared()))
    ask(ws)
    real, compared = module.ask_where_due, Event()
    monkeypatch.setattr(run_sensor, "TICK_SECONDS", 0.1)
    monkeypatch.setattr(module, "ask_where_due", lambda *a: compared.wait() and real(*a))
    with dg.DagsterInstance.ephemeral() as instance:
        assert "still comparing" in tick(ws, instance).skip_reason.skip_message
        monkeypatch.setattr(run_sensor, "TICK_SECONDS", 60.0)
        compared.set()
        assert tick(ws, instance).run_requests


def test_the_clock_asks_at_its_moment_once(angles, in_environment):
    ws = in_environment(angles(groups(0, 90), declared=declared(definition(schedule="0 3 * * 0"))))
    collection = ws.open(NAME)
    (schedule,) = build_cluster_schedules(
        collection.declaration, build_cluster_job(collection.declaration)
    )
    assert schedule.cron_schedule == "0 3 * * 0" and TOPICS in schedule.name
    at = datetime(2030, 1, 6, 3, tzinfo=UTC)
    for _ in range(2):
        context = dg.build_schedule_context(
            resources={"workspace": WorkspaceResource()}, scheduled_execution_time=at
        )
        with context:
            request = schedule(context)
        assert request.run_key == "topics:2030-01-06T03:00+00:00"
    assert [r.payload["by"] for r in ws.ledger.requests(NAME, "cluster")] == ["schedule"]
    assert Clusters(collection).defined[0].due == "asked for (schedule)"


def test_crons_that_assign_are_no_schedules(angles):
    ws = angles({}, declared=with_triggers({"cron": "0 3 * * *", "mode": "assign"}))
    assert build_cluster_schedules(ws.collection(NAME), None) == []
