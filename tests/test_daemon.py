"""Nobody runs a command: the real daemon labels what is dropped into the bucket."""

from __future__ import annotations

import time
from contextlib import contextmanager

import dagster as dg
import pytest
from dagster._core.execution.backfill import PartitionBackfill
from support.angle_samples import declaration, label
from support.daemon import Daemon, labels
from support.soak import soak

from autolabel_app.runs import _load_definitions
from autolabel_core.operations.automation import waiting
from autolabel_core.operations.registration import partitions_name, register
from autolabel_core.operations.staleness_plan import plan, tables_of

pytestmark = pytest.mark.slow
SOON = 120
QUICK = {"check_every_seconds": 1, "relabel": {"after_labels": 3, "after_minutes": 60}}
ALONE, ARRIVING, BY_HAND = "alone", "arriving", "by_hand"
DECLARED = {
    ALONE: {"automation": QUICK, "batch_size": 4},
    ARRIVING: {"automation": QUICK, "batch_size": 2},
    BY_HAND: {"automation": {"enabled": False}, "batch_size": 2},
}


@pytest.fixture(scope="module")
def daemon(module_home):
    """One daemon for a module: it takes longest to start, and each test has its collection."""
    for name, more in DECLARED.items():
        module_home.declare(name, {**declaration(), **more})
        module_home.put(name, {})
    with Daemon(module_home.paths) as daemon:
        yield daemon


def is_current(ws, name):
    collection = ws.open(name)
    return not plan(collection) and not waiting(collection)


def test_it_runs_by_itself(daemon, module_home):
    ws = module_home.workspace
    module_home.put(ALONE, {"a": 0, "b": 5, "z": 90, "far": 200})
    daemon.until(lambda: len(labels(ws, ALONE)) == 4, SOON, "four objects in the table")
    assert set(labels(ws, ALONE).values()) == {(None, None)}

    label(ws, {"a": "left", "z": "up"}, ALONE)
    module_home.put(ALONE, {"late": 3})
    daemon.until(lambda: "late" in labels(ws, ALONE), SOON, "a second batch")
    assert labels(ws, ALONE)["b"] == (None, None), "two labels are below the threshold"
    label(ws, {"far": "down"}, ALONE)
    wanted = {
        "a": ("left", "human"),
        "b": ("left", "auto"),
        "far": ("down", "human"),
        "late": ("left", "auto"),
        "z": ("up", "human"),
    }
    daemon.until(lambda: labels(ws, ALONE) == wanted, SOON, "old data change by themselves")

    (module_home.put(ALONE, {"b": 92}) / "late").unlink()
    wanted = {**wanted, "b": ("up", "auto")}
    del wanted["late"]
    daemon.until(lambda: labels(ws, ALONE) == wanted, SOON, "overwritten and deleted")
    daemon.until(lambda: is_current(ws, ALONE), SOON, "nothing is stale")


def test_a_batch_that_arrives_while_a_relabel_runs_does_not_stay_stale(daemon, module_home):
    ws = module_home.workspace
    module_home.put(ARRIVING, {f"k{i}": i for i in range(6)})
    daemon.until(lambda: len(labels(ws, ARRIVING)) == 6, SOON, "six objects in the table")
    daemon.until(lambda: not daemon.run_processes(), SOON, "no other run is left")
    label(ws, {"k0": "left", "k1": "left", "k2": "left"}, ARRIVING)
    daemon.until(daemon.run_processes, SOON, "a relabel begins")
    module_home.put(ARRIVING, {f"late{i}": 10 + i for i in range(3)})
    daemon.until(
        lambda: len(labels(ws, ARRIVING)) == 9 and is_current(ws, ARRIVING),
        SOON,
        "nothing is stale",
    )
    assert {label for label, _ in labels(ws, ARRIVING).values()} == {"left"}


def test_a_backfill_from_the_pages_is_one_run_over_all_batches(daemon, module_home, monkeypatch):
    """What the UI's backfill page records, with the sensors switched off."""
    ws = module_home.workspace
    module_home.put(BY_HAND, {f"k{i}": i for i in range(6)})
    batches = register(ws.open(BY_HAND)).batches
    for name, value in ws.paths.environment.items():
        monkeypatch.setenv(name, value)
    graph = _load_definitions().get_repository_def().asset_graph
    with instance_of(ws) as instance:
        instance.add_dynamic_partitions(partitions_name(BY_HAND), batches)
        keys = [dg.AssetKey([BY_HAND, table.name]) for table in tables_of(ws.collection(BY_HAND))]
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
        daemon.until(lambda: len(labels(ws, BY_HAND)) == 6, SOON, "all batches labelled")
        runs = [run for run in instance.get_runs() if set(run.asset_selection or ()) & set(keys)]
        assert len(runs) == 1


def test_runs_killed_at_random_moments_lose_nothing(tmp_path):
    done = soak(tmp_path, rounds=2, seed=1)
    assert done["run"] + done["daemon"] > 0


@contextmanager
def instance_of(ws):
    with dg.DagsterInstance.from_config(str(ws.paths.dagster_home)) as instance:
        yield instance
