"""`autolabel dev` as a real process: it ends in time with a run in progress, and goes on later."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import dagster as dg
import psutil
import pytest
from support.angle_samples import NAME, declaration
from support.daemon import labels
from support.swift_server import free_port

from autolabel_app.dagster_home import prepare_dagster_home
from autolabel_core.foundation.paths import CHECKOUT, DAGSTER_HOME_VARIABLE

pytestmark = pytest.mark.slow
SOON, STOP_SECONDS = 120, 10
AUTOMATION = {"check_every_seconds": 1, "full_reconciliation": None}
ENDED = {dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}


@pytest.fixture
def dev(home, monkeypatch, tmp_path):
    """Start `autolabel dev`; whatever is left at the end is killed."""
    for name, value in home.paths.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TOY_WAIT", str(tmp_path / "wait"))
    monkeypatch.setenv(DAGSTER_HOME_VARIABLE, str(tmp_path / "dagster"))
    prepare_dagster_home(home.paths)
    made = []

    def start():
        command = [sys.executable, "-m", "autolabel_app", "dev", "--port", str(free_port())]
        with (tmp_path / "dev.log").open("ab") as log:
            made.append(
                subprocess.Popen(command, cwd=CHECKOUT, stdout=log, stderr=log, env=os.environ)
            )
        return made[-1]

    yield start
    for process in made:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def until(holds, what):
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < SOON, what
        time.sleep(0.25)


def statuses():
    with dg.DagsterInstance.get() as instance:
        return {run.run_id: run.status for run in instance.get_runs()}


def test_it_ends_with_a_run_in_progress_and_the_next_start_repeats_the_run(
    workspace, home, dev, tmp_path
):
    waiting = {**declaration(), "automation": AUTOMATION}
    waiting["feature_extractor"] = {"feature_extractor_name": "waiting_extractor"}
    ws = workspace({NAME: waiting}, {NAME: {"a": 0, "b": 5}})
    (tmp_path / "wait").touch()
    process = dev()
    until(lambda: dg.DagsterRunStatus.STARTED in statuses().values(), "a run begins")
    (interrupted,) = statuses()
    below = psutil.Process(process.pid).children(recursive=True)
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert time.monotonic() - began < STOP_SECONDS
    assert [p for p in below if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []

    (tmp_path / "wait").unlink()
    dev()
    until(lambda: len(labels(ws, NAME)) == 2, "the next start repeats it")
    until(lambda: statuses()[interrupted] in ENDED, "the run is reported")
