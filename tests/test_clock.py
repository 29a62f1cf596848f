"""A clock that is wrong, or goes back, delays nothing and turns no decision round."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from support.angle_samples import NAME, label
from support.daemon import labels
from test_sensors import instance, launched, tick, without_index

from autolabel_core.ledger import Ledger
from autolabel_core.operations.automation import waiting

__all__ = ["instance", "tick", "without_index"]
NOW = datetime.now(UTC)
AHEAD, BEHIND = NOW + timedelta(days=400), NOW - timedelta(days=400)


@pytest.fixture
def clock(monkeypatch):
    """The ledger's clock, set by hand: `clock[0] = AHEAD`."""
    at = [NOW]
    real = Ledger.__init__
    monkeypatch.setattr(
        Ledger, "__init__", lambda self, url: real(self, url, lambda: at[0].isoformat())
    )
    return at


def test_the_later_of_two_labels_holds_whatever_the_clock_said(
    angles, home, clock, bring_up_to_date
):
    ws = angles({"a": 0, "b": 5}, {"a": "left"})
    clock[0] = AHEAD
    label(ws, {"a": "up"})
    clock[0] = BEHIND
    label(ws, {"a": "down"})
    home.put(NAME, {"b": 6})
    bring_up_to_date(ws, NAME)
    assert labels(ws, NAME) == {"a": ("down", "human"), "b": ("down", "auto")}


def test_a_label_from_the_future_waits_no_longer_than_others(angles, tick, clock):
    ws = angles({"a": 0, "b": 5}, {"a": "left"})
    clock[0] = AHEAD
    label(ws, {"b": "right"})
    found = tick("new_annotations")
    assert found.skip_reason.skip_message == (
        "1 of 10 labels wait, at most 5 minutes; looks again in 15 s"
    )
    seen = datetime.fromisoformat(found.cursor) - timedelta(minutes=6)
    assert tick("new_annotations", seen.isoformat()).run_requests


def test_a_wait_that_began_in_the_future_is_over(angles, tick, clock):
    ws = angles({"a": 0, "b": 5}, {"a": "left"})
    clock[0] = AHEAD
    label(ws, {"b": "right"})
    assert waiting(ws.open(NAME))
    assert tick("new_annotations", AHEAD.isoformat()).run_requests


def test_runs_in_vain_that_ended_in_the_future_are_not_waited_for(angles, tick, home, instance):
    angles({"a": 0}, {"a": "left"})
    home.put(NAME, {"b": 5})
    for _ in range(4):
        (request,) = tick("new_objects").run_requests
        run = launched(instance, request, dg.DagsterRunStatus.NOT_STARTED)
        end(instance, run, AHEAD)
    assert tick("new_objects").run_requests


def end(instance, run, at):
    """Let a run fail at some moment."""
    happened(instance, run, "PIPELINE_START", at - timedelta(minutes=1))
    happened(instance, run, "PIPELINE_FAILURE", at)


def happened(instance, run, what, at):
    from dagster._core.events import DagsterEvent, DagsterEventType
    from dagster._core.events.log import EventLogEntry

    event = DagsterEvent(DagsterEventType[what.replace("PIPELINE", "RUN")].value, NAME, message="")
    instance.handle_new_event(
        EventLogEntry(
            error_info=None,
            level=20,
            user_message="",
            run_id=run.run_id,
            timestamp=at.timestamp(),
            job_name=NAME,
            dagster_event=event,
        )
    )


def test_a_run_that_died_before_the_clock_went_back_is_found_dead(angles, tick, home, instance):
    angles({"a": 0}, {"a": "left"})
    home.put(NAME, {"b": 5})
    (request,) = tick("new_objects").run_requests
    run = launched(instance, request, dg.DagsterRunStatus.NOT_STARTED)
    happened(instance, run, "RUN_START", AHEAD)
    life = home.workspace.run_lock(run.run_id)
    life.acquire()
    assert tick("new_objects").skip_reason
    life.release()
    assert tick("new_objects").run_requests
    assert instance.get_run_by_id(run.run_id).status == dg.DagsterRunStatus.FAILURE
