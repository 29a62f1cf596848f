"""Asking Dagster for a run: what is in flight, how earlier runs ended, which key is new."""

import time
from typing import Any, NamedTuple

import dagster as dg

from autolabel_assets.sensors.status import first_status
from autolabel_core.declarations import Collection
from autolabel_core.foundation.background import BackgroundJobs
from autolabel_core.operations.automation import Outcome, may_ask, run_key
from autolabel_core.operations.registration import partitions_name
from autolabel_core.operations.staleness_plan import Plan
from autolabel_core.tables.workspace import Workspace

COLLECTION_TAG = "autolabel/collection"
DOOR_TAG = "autolabel/door"
WANTED_TAG = "autolabel/wanted"
RANGE_TAGS = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
TICK_SECONDS = 8.0
LOOK_BACK = 12
STARTING_SECONDS = 60.0
RUNNING = (dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING)
IN_VAIN = (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)

BACKGROUND = BackgroundJobs()
"""Listings and comparisons that outlast a tick; they live as long as the code location."""


class RunSource(NamedTuple):
    """Which sensor asks, and for which collection."""

    name: str
    collection: str

    @property
    def tags(self) -> dict[str, str]:
        """What marks its runs."""
        return {COLLECTION_TAG: self.collection, DOOR_TAG: self.name}


def sensor_options(collection: Collection, door: str, description: str) -> dict[str, Any]:
    """Return what `@sensor` is given for a door, the same for all of them."""
    name = collection.collection_name
    return {
        "name": f"{name}_{door}",
        "description": description,
        "target": dg.AssetSelection.groups(name),
        "minimum_interval_seconds": collection.automation.check_every_seconds,
        "default_status": first_status(collection),
    }


def request_run(
    context: dg.SensorEvaluationContext,
    workspace: Workspace,
    door: RunSource,
    wanted: Plan,
    batches: list[str],
    cursor: str | None = None,
) -> dg.SensorResult:
    """Ask for one run that brings about what is wanted, unless one is in flight or rests.

    Args:
        context: the tick's.
        workspace: the stores.
        door: who asks.
        wanted: assets and batches.
        batches: all batches of the collection; new ones become partitions in this tick.
        cursor: kept for the next tick where nothing is asked for now.

    Returns:
        The result of the tick.
    """
    partitions = dg.DynamicPartitionsDefinition(name=partitions_name(door.collection))
    known = set(context.instance.get_dynamic_partitions(partitions_name(door.collection)))
    missing = [batch for batch in batches if batch not in known]
    more = [partitions.build_add_request(missing)] if missing else []
    outcomes = _outcomes(context.instance, workspace, door)
    if not may_ask(wanted.wanted, outcomes, time.time()):
        reason = f"{_shown(wanted)}: waits for the run in flight, or rests after runs in vain"
        return dg.SensorResult(skip_reason=reason, dynamic_partitions_requests=more, cursor=cursor)
    tags = {**door.tags, WANTED_TAG: wanted.wanted}
    statuses = [dg.DagsterRunStatus.SUCCESS, *IN_VAIN]
    ended = context.instance.get_runs_count(dg.RunsFilter(tags=tags, statuses=statuses))
    context.log.info(f"asks for {_shown(wanted)}")
    request = dg.RunRequest(
        run_key=run_key(door.name, door.collection, wanted.wanted, ended),
        asset_selection=[dg.AssetKey([door.collection, asset]) for asset in wanted.assets],
        partition_key=wanted.batches[0] if len(wanted.batches) == 1 else None,
        tags={**tags, **_range_of(wanted)},
    )
    return dg.SensorResult(run_requests=[request], dynamic_partitions_requests=more, cursor="")


def _range_of(wanted: Plan) -> dict[str, str]:
    """Return the tags that make one run of many batches."""
    if len(wanted.batches) < 2:
        return {}
    return dict(zip(RANGE_TAGS, (wanted.batches[0], wanted.batches[-1]), strict=True))


def _outcomes(instance: dg.DagsterInstance, workspace: Workspace, door: RunSource) -> list[Outcome]:
    """Return the latest runs through a door, newest first; dead ones are reported as failed."""
    found = instance.get_run_records(dg.RunsFilter(tags=door.tags), limit=LOOK_BACK)
    return [_outcome(instance, workspace, record) for record in found]


def _outcome(instance: dg.DagsterInstance, workspace: Workspace, record: dg.RunRecord) -> Outcome:
    run = record.dagster_run
    wanted = run.tags.get(WANTED_TAG, "")
    unwatched = not instance.run_launcher.supports_check_run_worker_health
    if unwatched and not run.is_finished and _is_dead(workspace, record):
        instance.report_run_failed(
            run, "Its process is gone without a word; it is asked for again."
        )
        return Outcome(wanted, time.time(), False)
    return Outcome(
        wanted,
        (record.end_time or record.update_timestamp.timestamp()) if run.is_finished else None,
        run.status == dg.DagsterRunStatus.SUCCESS,
    )


def _is_dead(workspace: Workspace, record: dg.RunRecord) -> bool:
    """Whether a run that did not just begin holds no sign of life: its machine went down with it.

    One that began in the future did not just begin: the clock went back.
    """
    began = record.start_time
    if record.dagster_run.status not in RUNNING or began is None:
        return False
    if abs(time.time() - began) < STARTING_SECONDS:
        return False
    return not workspace.run_lock(record.dagster_run.run_id).is_alive()


def _shown(wanted: Plan) -> str:
    batches = f"{len(wanted.batches)} batch{'' if len(wanted.batches) == 1 else 'es'}"
    return f"{', '.join(wanted.assets)} over {batches}"
