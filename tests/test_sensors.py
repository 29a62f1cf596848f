"""The sensors as functions: what a tick asks for, and what it leaves alone."""

from __future__ import annotations

import os
import time
import warnings
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from support.angle_samples import NAME, declaration, label

from autolabel_app.runs import sweep
from autolabel_assets.resources import dead_runs
from autolabel_assets.resources.workspace import WorkspaceResource
from autolabel_assets.sensors import run_sensor
from autolabel_assets.sensors.audits import build_audit, build_audit_schedule
from autolabel_assets.sensors.full_reconciliation import (
    build_full_reconciliation,
    build_reconciliation_schedule,
)
from autolabel_assets.sensors.new_annotations import build_new_annotations
from autolabel_assets.sensors.new_objects import build_new_objects
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.operations.staleness_plan import TABLES, plan

BUILD = {"new_objects": build_new_objects, "new_annotations": build_new_annotations}
ENDED = {True: dg.DagsterRunStatus.SUCCESS, False: dg.DagsterRunStatus.FAILURE}


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture(autouse=True)
def without_index(monkeypatch):
    kept = tuple(table for table in TABLES if table.name != "reindexed_vectors")
    monkeypatch.setattr("autolabel_core.operations.staleness_plan.TABLES", kept)


@pytest.fixture
def tick(home, instance):
    """Ring at a door: `tick("new_objects", cursor)`."""
    resource = WorkspaceResource(
        home=str(home.paths.home),
        collections=str(home.paths.collections),
        ledger_url=home.paths.ledger_url,
    )

    def ring(door, cursor=None):
        sensor = BUILD[door](home.workspace.collection(NAME))
        with dg.build_sensor_context(
            instance, cursor=cursor, resources={"workspace": resource}
        ) as context:
            return sensor(context)

    return ring


def launched(instance, request, status, **more):
    """Put a run into the instance as the daemon would have launched it."""
    from dagster._core.test_utils import create_run_for_test

    return create_run_for_test(instance, NAME, tags=dict(request.tags), status=status, **more)


def test_new_objects_become_a_run_over_their_batch(workspace, tick, home):
    workspace({NAME: declaration()}, {NAME: {"a": 0, "b": 5}})
    found = tick("new_objects")
    (request,) = found.run_requests
    assert request.partition_key == "batch_000001"
    assert [key.path[1] for key in request.asset_selection] == [
        *("raw_objects", "embeddings", "reference_set", "taxonomy_labels", "annotation_exports")
    ]
    assert request.tags["autolabel/collection"] == NAME
    (added,) = found.dynamic_partitions_requests
    assert (added.partitions_def_name, added.partition_keys) == (
        f"{NAME}_batches",
        ["batch_000001"],
    )


def test_many_batches_are_one_run(workspace, tick):
    workspace({NAME: declaration() | {"batch_size": 2}}, {NAME: {f"k{i}": i for i in range(5)}})
    (request,) = tick("new_objects").run_requests
    assert request.partition_key is None
    assert {k: v for k, v in request.tags.items() if k.startswith("dagster/asset")} == {
        "dagster/asset_partition_range_start": "batch_000001",
        "dagster/asset_partition_range_end": "batch_000003",
    }


def test_what_is_in_flight_is_not_asked_for_again(workspace, tick, instance):
    workspace({NAME: declaration()}, {NAME: {"a": 0}})
    (request,) = tick("new_objects").run_requests
    launched(instance, request, dg.DagsterRunStatus.NOT_STARTED)
    assert "waits for a run in progress" in tick("new_objects").skip_reason.skip_message


def test_a_plan_that_another_sensor_brings_about_is_not_asked_for_twice(workspace, tick, instance):
    """A promotion of a model concerns two sensors: one run serves both."""
    workspace({NAME: declaration()}, {NAME: {"a": 0}})
    (request,) = tick("new_objects").run_requests
    tags = {**request.tags, "autolabel/sensor": "new_weights"}
    launched(instance, request._replace(tags=tags), dg.DagsterRunStatus.NOT_STARTED)
    assert "waits for a run in progress" in tick("new_objects").skip_reason.skip_message


@pytest.mark.parametrize("succeeded", [True, False])
def test_what_is_still_wrong_after_a_run_is_asked_for_under_a_new_key(
    workspace, tick, instance, succeeded
):
    workspace({NAME: declaration()}, {NAME: {"a": 0}})
    keys = []
    for _ in range(2):
        (request,) = tick("new_objects").run_requests
        keys.append(request.run_key)
        launched(instance, request, ENDED[succeeded])
    assert len(set(keys)) == 2
    assert "before a retry after failures" in tick("new_objects").skip_reason.skip_message


def test_the_same_content_has_the_same_key(workspace, tick, home):
    workspace({NAME: declaration()}, {NAME: {"a": 0}})
    first, again = (tick("new_objects").run_requests[0].run_key for _ in range(2))
    home.put(NAME, {"a": 45})
    other = tick("new_objects").run_requests[0].run_key
    assert first == again != other


def test_a_run_whose_machine_went_down_is_reported_and_asked_for_again(
    workspace, tick, instance, home, monkeypatch
):
    workspace({NAME: declaration()}, {NAME: {"a": 0}})
    (request,) = tick("new_objects").run_requests
    run = launched(instance, request, dg.DagsterRunStatus.NOT_STARTED)
    from dagster._core.events import DagsterEvent, DagsterEventType

    event = DagsterEvent(DagsterEventType.RUN_START.value, NAME, message="started")
    instance.report_dagster_event(event, run.run_id)
    life = home.workspace.run_lock(run.run_id)
    life.acquire()
    monkeypatch.setattr(dead_runs, "STARTING_SECONDS", -1.0)
    assert tick("new_objects").skip_reason
    life.release()
    assert tick("new_objects").run_requests
    assert instance.get_run_by_id(run.run_id).status == dg.DagsterRunStatus.FAILURE


def test_a_run_that_just_began_is_left_alone(workspace, tick, instance):
    workspace({NAME: declaration()}, {NAME: {"a": 0}})
    (request,) = tick("new_objects").run_requests
    launched(instance, request, dg.DagsterRunStatus.STARTED)
    assert tick("new_objects").skip_reason


def test_a_bucket_that_cannot_be_read_is_no_quiet_day(workspace, tick):
    workspace({NAME: declaration() | {"source": {"uri": "gone"}}})
    with pytest.raises(AutolabelError, match="gone does not exist"):
        tick("new_objects")


def test_a_listing_that_takes_long_goes_on_beside_the_tick(workspace, tick, monkeypatch):
    workspace({NAME: declaration()}, {NAME: {"a": 0}})
    import autolabel_assets.sensors.new_objects as module

    real = module.register
    monkeypatch.setattr(run_sensor, "TICK_SECONDS", 0.1)
    monkeypatch.setattr(module, "register", lambda *a: time.sleep(0.5) or real(*a))
    assert "still comparing" in tick("new_objects").skip_reason.skip_message
    time.sleep(1.0)
    assert tick("new_objects").run_requests


def test_labels_wait_for_their_threshold(angles, tick):
    ws = angles({f"k{i}": i for i in range(6)}, {"k0": "left"}, batch_size=3)
    assert tick("new_annotations").skip_reason.skip_message == (
        "every label is applied; looks again in 15 s"
    )
    label(ws, {f"k{i}": "right" for i in range(1, 4)})
    found = tick("new_annotations")
    assert found.skip_reason.skip_message == (
        "3 of 10 labels wait, at most 5 minutes; looks again in 15 s"
    )
    began = datetime.fromisoformat(found.cursor) - timedelta(minutes=6)
    (request,) = tick("new_annotations", began.isoformat()).run_requests
    assert [key.path[1] for key in request.asset_selection] == [
        *("reference_set", "taxonomy_labels", "annotation_exports")
    ]
    assert request.tags["dagster/asset_partition_range_end"] == "batch_000002"


def test_enough_labels_wait_for_nothing(angles, tick):
    ws = angles({f"k{i}": i for i in range(12)}, {"k0": "left"})
    label(ws, {f"k{i}": "right" for i in range(1, 11)})
    assert tick("new_annotations").run_requests


def test_enough_corrections_ask_for_training(angles, tick, home):
    ws = angles(
        {"a": 0, "b": 5, "c": 6},
        {"a": "left"},
        automation={"retrain": {"after_corrections": 2}},
    )
    label(ws, {"b": "right", "c": "right"})
    tick("new_annotations")
    tick("new_annotations")
    assert [r.kind for r in home.workspace.ledger.requests(NAME)] == ["retrain"]


def test_disabled_automation_stands_still_until_somebody_switches_it_on(workspace):
    off = declaration() | {"automation": {"enabled": False, "audit": "0 6 * * 1"}}
    collection = workspace({NAME: off}, {NAME: {}}).collection(NAME)
    for build in BUILD.values():
        assert build(collection).default_status == dg.DefaultSensorStatus.STOPPED
    (schedule,) = build_audit_schedule(collection, build_audit(collection))
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED


def test_reconciliation_registers_and_says_what_is_stale(workspace, home, instance):
    ws = workspace({NAME: declaration()}, {NAME: {"a": 0}})
    job = build_full_reconciliation(ws.collection(NAME))
    assert [s.cron_schedule for s in build_reconciliation_schedule(ws.collection(NAME), job)] == [
        "0 * * * *"
    ]
    paths = home.paths
    resource = WorkspaceResource(
        home=str(paths.home), collections=str(paths.collections), ledger_url=paths.ledger_url
    )
    done = job.execute_in_process(instance=instance, resources={"workspace": resource})
    assert done.success
    assert instance.get_dynamic_partitions(f"{NAME}_batches") == ["batch_000001"]
    (output,) = [e for e in done.all_events if e.event_type_value == "STEP_OUTPUT"]
    metadata = output.event_specific_data.metadata
    assert (metadata["created"].value, metadata["stale batches"].value) == (1, 1)


def test_an_audit_is_drawn_once_into_a_file_that_is_kept(angles, home, instance):
    ws = angles({f"k{i}": i for i in range(8)}, {"k0": "left"}, automation={"audit": "0 6 * * 1"})
    job = build_audit(ws.collection(NAME))
    paths = home.paths
    resource = WorkspaceResource(
        home=str(paths.home), collections=str(paths.collections), ledger_url=paths.ledger_url
    )
    tags = {"autolabel/at": datetime(2026, 1, 5, 6, tzinfo=UTC).isoformat(timespec="minutes")}
    for text in ("key,label", "filled in"):
        assert job.execute_in_process(
            instance=instance, resources={"workspace": resource}, tags=tags
        ).success
        (file,) = (paths.audits / NAME).iterdir()
        assert file.read_text(encoding="utf-8").startswith(text)
        file.write_text("filled in", encoding="utf-8")


@pytest.mark.slow
def test_a_sweep_and_the_sensors_see_the_same(workspace, tick, home, monkeypatch):
    for name, value in home.paths.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DAGSTER_HOME", "")
    ws = workspace({NAME: declaration()}, {NAME: {"a": 0, "b": 5}})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sweep(ws, [NAME], False, lambda line: None)
    os.environ.pop("DAGSTER_HOME", None)
    assert not plan(ws.open(NAME))
    assert tick("new_objects").skip_reason.skip_message == (
        "2 objects, 0 new, 0 changed, 0 gone; every table is up to date with them; "
        "looks again in 15 s"
    )


def test_the_bucket_is_observed_where_something_changed(workspace, tick, home, instance):
    workspace({NAME: declaration()}, {NAME: {"a": 0, "b": 5}})
    tick("new_objects")
    tick("new_objects")
    home.put(NAME, {"c": 7})
    tick("new_objects")
    key = dg.AssetKey([NAME, "bucket"])
    found = instance.fetch_observations(key, limit=10).records
    numbers = [
        {k: v.value for k, v in record.asset_observation.metadata.items()} for record in found
    ]
    assert numbers == [
        {"objects": 3, "new": 1, "changed": 0, "gone": 0},
        {"objects": 2, "new": 2, "changed": 0, "gone": 0},
    ]
