"""Nobody runs a command: the real daemon labels what is dropped into the bucket."""

from __future__ import annotations

import time
from contextlib import contextmanager

import dagster as dg
import pytest
from dagster._core.execution.backfill import PartitionBackfill
from support.angle_samples import NAME, declaration, label
from support.daemon import Daemon, labels
from support.soak import soak

from autolabel_app.runs import _load_definitions
from autolabel_core.operations.automation import waiting
from autolabel_core.operations.registration import partitions_name, register
from autolabel_core.operations.staleness_plan import plan, tables_of

pytestmark = pytest.mark.slow
SOON = 120
QUICK = {"check_every_seconds": 1, "relabel": {"after_labels": 3, "after_minutes": 60}}


def current(ws):
    collection = ws.open(NAME)
    return not plan(collection) and not waiting(collection)


def test_it_runs_by_itself(workspace, home):
    ws = workspace({NAME: {**declaration(), "automation": QUICK, "batch_size": 4}}, {NAME: {}})
    with Daemon(ws.paths) as daemon:
        home.put(NAME, {"a": 0, "b": 5, "z": 90, "far": 200})
        daemon.until(lambda: len(labels(ws, NAME)) == 4, SOON, "four objects in the table")
        assert set(labels(ws, NAME).values()) == {(None, None)}

        label(ws, {"a": "left", "z": "up"})
        home.put(NAME, {"late": 3})
        daemon.until(lambda: "late" in labels(ws, NAME), SOON, "a second batch")
        assert labels(ws, NAME)["b"] == (None, None), "two labels are below the threshold"
        label(ws, {"far": "down"})
        wanted = {
            "a": ("left", "human"),
            "b": ("left", "auto"),
            "far": ("down", "human"),
            "late": ("left", "auto"),
            "z": ("up", "human"),
        }
        daemon.until(lambda: labels(ws, NAME) == wanted, SOON, "old data change by themselves")

        (home.put(NAME, {"b": 92}) / "late").unlink()
        wanted = {**wanted, "b": ("up", "auto")}
        del wanted["late"]
        daemon.until(lambda: labels(ws, NAME) == wanted, SOON, "overwritten and deleted")
        daemon.until(lambda: current(ws), SOON, "nothing is stale")


def test_a_batch_that_arrives_while_a_relabel_runs_does_not_stay_stale(workspace, home):
    ws = workspace(
        {NAME: {**declaration(), "automation": QUICK, "batch_size": 2}},
        {NAME: {f"k{i}": i for i in range(6)}},
    )
    with Daemon(ws.paths) as daemon:
        daemon.until(lambda: len(labels(ws, NAME)) == 6, SOON, "six objects in the table")
        label(ws, {"k0": "left", "k1": "left", "k2": "left"})
        daemon.until(daemon.run_processes, SOON, "a relabel begins")
        home.put(NAME, {f"late{i}": 10 + i for i in range(3)})
        daemon.until(lambda: len(labels(ws, NAME)) == 9 and current(ws), SOON, "nothing is stale")
    assert {label for label, _ in labels(ws, NAME).values()} == {"left"}


def test_runs_killed_at_random_moments_lose_nothing(tmp_path):
    done = soak(tmp_path, rounds=2, seed=1)
    assert done["run"] + done["daemon"] > 0


def test_a_backfill_from_the_pages_is_one_run_over_all_batches(workspace, home, monkeypatch):
    """What the UI's backfill page records, with the sensors switched off."""
    ws = workspace(
        {NAME: {**declaration(), "automation": {"enabled": False}, "batch_size": 2}},
        {NAME: {f"k{i}": i for i in range(6)}},
    )
    batches = register(ws.open(NAME)).batches
    for name, value in ws.paths.environment.items():
        monkeypatch.setenv(name, value)
    graph = _load_definitions().get_repository_def().asset_graph
    with Daemon(ws.paths) as daemon, instance_of(ws) as instance:
        instance.add_dynamic_partitions(partitions_name(NAME), batches)
        keys = [dg.AssetKey([NAME, table.name]) for table in tables_of(ws.collection(NAME))]
        partitioned = [key for key in keys if graph.get(key).is_partitioned]
        instance.add_backfill(
            PartitionBackfill.from_asset_partitions(
                backfill_id="all",
                asset_graph=graph,
                partition_names=None,
                asset_selection=partitioned,
                backfill_timestamp=time.time(),
                tags={},
                dynamic_partitions_store=instance,
                all_partitions=True,
                title=None,
                description=None,
                run_config=None,
            )
        )
        daemon.until(lambda: len(labels(ws, NAME)) == 6, SOON, "all batches labelled")
        assert instance.get_runs_count() == 1


@contextmanager
def instance_of(ws):
    with dg.DagsterInstance.from_config(str(ws.paths.dagster_home)) as instance:
        yield instance
