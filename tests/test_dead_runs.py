"""Runs whose process is gone are reported, whoever launched them; all others are left alone."""

from __future__ import annotations

import json
import socket
from contextlib import closing

import dagster as dg
import pytest
from dagster._core.events import DagsterEvent, DagsterEventType
from dagster._core.test_utils import create_run_for_test

from autolabel_assets.resources import dead_runs
from autolabel_assets.resources.dead_runs import CODE_SERVER_TAG, SENSOR_TAG, fail_dead_runs
from autolabel_core.storage.run_lock import RunLock

FAILED, STARTED = dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.STARTED
STARTING = dg.DagsterRunStatus.STARTING


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def status_after(instance, workspace, run):
    fail_dead_runs(instance, workspace)
    return instance.get_run_by_id(run.run_id).status


def started(instance, tags=None):
    run = create_run_for_test(instance, "any", tags=tags)
    event = DagsterEvent(DagsterEventType.RUN_START.value, "any", message="started")
    instance.report_dagster_event(event, run.run_id)
    return run


def left_behind(workspace, run):
    """The lock of a run whose process was killed: the file stays, nobody holds it."""
    path = workspace.paths.locks / f"run.{run.run_id}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


@pytest.mark.parametrize("tags", [{}, {SENSOR_TAG: "new_objects"}])
def test_a_killed_run_is_reported_as_soon_as_its_lock_is_left_behind(home, instance, tags):
    ws, run = home.workspace, started(instance, tags)
    path = left_behind(ws, run)
    assert status_after(instance, ws, run) == FAILED
    assert not path.exists()


def test_a_run_of_a_sensor_without_a_lock_is_given_time_to_take_it(home, instance, monkeypatch):
    run = started(instance, {SENSOR_TAG: "new_objects"})
    assert status_after(instance, home.workspace, run) == STARTED, "it just began"
    monkeypatch.setattr(dead_runs, "STARTING_SECONDS", -1.0)
    assert status_after(instance, home.workspace, run) == FAILED


def test_a_run_that_takes_its_lock_meanwhile_is_left_alone(home, instance, monkeypatch):
    ws, run = home.workspace, started(instance)
    lock = RunLock(left_behind(ws, run))
    monkeypatch.setattr(dead_runs.time, "sleep", lambda _: lock.acquire())
    assert status_after(instance, ws, run) == STARTED
    lock.release()


def test_a_run_that_ends_meanwhile_has_ended_well(home, instance, monkeypatch):
    ws, run = home.workspace, started(instance, {SENSOR_TAG: "new_objects"})
    ended = DagsterEvent(DagsterEventType.RUN_SUCCESS.value, "any", message="done")
    report = lambda _: instance.report_dagster_event(ended, run.run_id)  # noqa: E731
    monkeypatch.setattr(dead_runs.time, "sleep", report)
    monkeypatch.setattr(dead_runs, "STARTING_SECONDS", -1.0)
    assert status_after(instance, ws, run) == dg.DagsterRunStatus.SUCCESS


def test_a_living_run_and_one_of_others_without_lock_are_left_alone(home, instance, monkeypatch):
    monkeypatch.setattr(dead_runs, "STARTING_SECONDS", -1.0)
    ws, living, foreign = home.workspace, started(instance), started(instance)
    lock = RunLock(left_behind(ws, living))
    lock.acquire()
    assert status_after(instance, ws, living) == STARTED
    assert status_after(instance, ws, foreign) == STARTED
    lock.release()


@pytest.mark.parametrize("family", ["socket", "port"])
def test_a_run_that_was_starting_when_its_code_server_went_is_reported(
    home, instance, tmp_path, family
):
    with closing(socket.socket(socket.AF_UNIX if family == "socket" else socket.AF_INET)) as server:
        server.bind(str(tmp_path / "s") if family == "socket" else ("127.0.0.1", 0))
        server.listen()
        where = server.getsockname() if family == "socket" else server.getsockname()[1]
        tags = {CODE_SERVER_TAG: json.dumps({"host": "localhost", family: where})}
        run = create_run_for_test(instance, "any", tags=tags, status=STARTING)
        assert status_after(instance, home.workspace, run) == STARTING
    assert status_after(instance, home.workspace, run) == FAILED


@pytest.mark.parametrize("tags", [{}, {CODE_SERVER_TAG: '{"host": "code", "port": 1}'}])
def test_a_starting_run_of_which_nothing_is_known_is_left_to_the_time_limit(home, instance, tags):
    run = create_run_for_test(instance, "any", tags=tags, status=STARTING)
    assert status_after(instance, home.workspace, run) == STARTING
