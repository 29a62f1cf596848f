"""Requests runs from Dagster: what is in flight, how earlier runs ended, which key is new."""

import time
from typing import NamedTuple

import dagster as dg

from autolabel_assets.resources.dead_runs import SENSOR_TAG, fail_dead_runs
from autolabel_core.operations.automation import Outcome, may_ask, run_key
from autolabel_core.operations.registration import partitions_name
from autolabel_core.operations.staleness_plan import Plan
from autolabel_core.tables.workspace import Workspace

COLLECTION_TAG = "autolabel/collection"
PLAN_TAG = "autolabel/plan"
RANGE_TAGS = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
LOOK_BACK = 12
IN_VAIN = (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)


class RunSource(NamedTuple):
    """Which sensor asks, and for which collection."""

    name: str
    collection: str

    @property
    def tags(self) -> dict[str, str]:
        """What marks its runs."""
        return {COLLECTION_TAG: self.collection, SENSOR_TAG: self.name}


def request_run(
    context: dg.SensorEvaluationContext,
    workspace: Workspace,
    source: RunSource,
    wanted: Plan,
    batches: list[str],
    cursor: str | None = None,
) -> dg.SensorResult:
    """Ask for one run that brings about what is wanted, unless it must wait.

    Args:
        context: the tick's.
        workspace: the stores.
        source: who asks.
        wanted: assets and batches.
        batches: all batches of the collection; new ones become partitions in this tick.
        cursor: kept for the next tick where nothing is asked for now.

    Returns:
        The result of the tick.
    """
    partitions = dg.DynamicPartitionsDefinition(name=partitions_name(source.collection))
    known = set(context.instance.get_dynamic_partitions(partitions_name(source.collection)))
    missing = [batch for batch in batches if batch not in known]
    more = [partitions.build_add_request(missing)] if missing else []
    fail_dead_runs(context.instance, workspace)
    outcomes = _outcomes(context.instance, source.tags)
    plan_tags = {COLLECTION_TAG: source.collection, PLAN_TAG: wanted.wanted}
    same_plan = _outcomes(context.instance, plan_tags)
    is_in_progress = any(outcome.ended is None for outcome in same_plan)
    if is_in_progress or not may_ask(wanted.wanted, outcomes, time.time()):
        reason = f"{_shown(wanted)}: waits for a run in progress, or before a retry after failures"
        return dg.SensorResult(skip_reason=reason, dynamic_partitions_requests=more, cursor=cursor)
    tags = {**source.tags, PLAN_TAG: wanted.wanted}
    statuses = [dg.DagsterRunStatus.SUCCESS, *IN_VAIN]
    ended = context.instance.get_runs_count(dg.RunsFilter(tags=tags, statuses=statuses))
    context.log.info(f"requests {_shown(wanted)}")
    request = dg.RunRequest(
        run_key=run_key(source.name, source.collection, wanted.wanted, ended),
        asset_selection=[dg.AssetKey([source.collection, asset]) for asset in wanted.assets],
        partition_key=wanted.batches[0] if len(wanted.batches) == 1 else None,
        tags={**tags, **_range_of(wanted)},
    )
    return dg.SensorResult(run_requests=[request], dynamic_partitions_requests=more, cursor="")


def _range_of(wanted: Plan) -> dict[str, str]:
    """Return the tags that make one run of many batches."""
    if len(wanted.batches) < 2:
        return {}
    return dict(zip(RANGE_TAGS, (wanted.batches[0], wanted.batches[-1]), strict=True))


def _outcomes(instance: dg.DagsterInstance, tags: dict[str, str]) -> list[Outcome]:
    """Return the latest runs with these tags, newest first."""
    found = instance.get_run_records(dg.RunsFilter(tags=tags), limit=LOOK_BACK)
    return [_outcome(record) for record in found]


def _outcome(record: dg.RunRecord) -> Outcome:
    run = record.dagster_run
    return Outcome(
        run.tags.get(PLAN_TAG, ""),
        (record.end_time or record.update_timestamp.timestamp()) if run.is_finished else None,
        run.status == dg.DagsterRunStatus.SUCCESS,
    )


def _shown(wanted: Plan) -> str:
    batches = f"{len(wanted.batches)} batch{'' if len(wanted.batches) == 1 else 'es'}"
    return f"{', '.join(wanted.assets)} over {batches}"
