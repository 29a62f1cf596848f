"""Reports runs as failed whose process is gone: nobody else can, and they would wait for ever."""

import json
import socket
import time
from contextlib import closing
from pathlib import Path

import dagster as dg

from autolabel_core.storage.run_lock import RunLock
from autolabel_core.tables.workspace import Workspace

STARTING_SECONDS = 60.0
CODE_SERVER_TAG = ".dagster/grpc_info"
"""Where Dagster's own launcher notes which code server it asked to start a run."""
THIS_MACHINE = ("localhost", "127.0.0.1")
LOOK_BACK = 50
SECOND_LOOK_SECONDS = 0.2
UNFINISHED = [
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
SENSOR_TAG = "autolabel/sensor"
"""Marks the runs that a sensor requested; all of them take the lock."""


def fail_dead_runs(instance: dg.DagsterInstance, workspace: Workspace) -> None:
    """Report every unfinished run as failed whose process, or whose code server, is gone.

    That frees what they hold (pools), and lets what they were to bring about be requested again.
    Launchers that watch their runs themselves, as that of Kubernetes, are left to it.

    Args:
        instance: Dagster's.
        workspace: the stores.
    """
    if instance.run_launcher.supports_check_run_worker_health or not _dead(instance, workspace):
        return
    # A run that takes its lock, or has let go of it and reports its end, looks dead for a moment.
    time.sleep(SECOND_LOOK_SECONDS)
    for run in _dead(instance, workspace):
        instance.report_run_failed(
            run, "Its process ended without reporting; what it was to do is requested again."
        )
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        workspace.run_lock(run.run_id).release()


def _dead(instance: dg.DagsterInstance, workspace: Workspace) -> list[dg.DagsterRun]:
    unfinished = instance.get_run_records(dg.RunsFilter(statuses=UNFINISHED), limit=LOOK_BACK)
    return [
        record.dagster_run
        for record in unfinished
        if _is_dead(record, workspace.run_lock(record.dagster_run.run_id))
    ]


def _is_dead(record: dg.RunRecord, lock: RunLock) -> bool:
    """Whether a run shows no sign of life: its lock is left behind, or it never took one.

    One that just began may be about to take it; one that began in the future did not just begin:
    the clock went back. A run that others define in our code location may have no lock, so that its
    absence says nothing of it.
    """
    run, began = record.dagster_run, record.start_time
    if lock.is_alive():
        return False
    if lock.is_left_behind:
        return True
    if began is None:
        return _is_gone(run.tags.get(CODE_SERVER_TAG))
    return abs(time.time() - began) >= STARTING_SECONDS and SENSOR_TAG in run.tags


def _is_gone(code_server: str | None) -> bool:
    """Whether nothing listens on this machine where a code server did."""
    address = json.loads(code_server) if code_server else {}
    if address.get("host") not in THIS_MACHINE:
        return False
    path, port = address.get("socket"), address.get("port")
    if path:
        return not Path(path).exists() or _refuses(socket.AF_UNIX, path)
    return port is not None and _refuses(socket.AF_INET, ("127.0.0.1", port))


def _refuses(family: socket.AddressFamily, address: object) -> bool:
    with closing(socket.socket(family)) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(address)  # type: ignore[arg-type]
        except (ConnectionRefusedError, FileNotFoundError):
            return True
        except OSError:
            return False
    return False
