"""Clusters that are due: asked for by a person, by a trigger or by the clock."""

import re
from datetime import UTC, datetime
from typing import NamedTuple

import dagster as dg

from autolabel_assets.resources.workspace import WorkspaceResource
from autolabel_assets.sensors.run_requests import (
    BACKGROUND,
    TICK_SECONDS,
    RunSource,
    request_run,
    sensor_options,
)
from autolabel_assets.sensors.status import first_schedule_status
from autolabel_core.clusters.history import ask_for_run
from autolabel_core.clusters.table import Clusters, state_of
from autolabel_core.clusters.triggers import ask_where_due, asks_in_full
from autolabel_core.declarations import Collection
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.operations.staleness_plan import Plan
from autolabel_core.tables.workspace import OpenCollection

DOOR = "clusters"


class _Found(NamedTuple):
    """What a comparison found: what triggers asked for, why runs are due, and what is wanted."""

    asked: list[str]
    due: list[str]
    wanted: Plan
    batches: list[str]


def build_clusters(collection: Collection) -> dg.SensorDefinition:
    """Return the sensor `<collection>_clusters`.

    A full run may take long, so that it has a sensor and a run of its own, and uploads are labelled
    beside it. What was asked for stands in the ledger until a run has answered it.
    """
    name = collection.collection_name

    target = dg.AssetSelection.assets([name, Clusters.name])

    @dg.sensor(**sensor_options(collection, DOOR, str(__doc__)) | {"target": target})
    def clusters(
        context: dg.SensorEvaluationContext, workspace: WorkspaceResource
    ) -> dg.SensorResult:
        opened = workspace.open()
        declared = opened.open(name)
        job = f"{DOOR} {opened.paths.home} {name}"
        found = BACKGROUND.result_or_start(job, lambda: _compare(declared), TICK_SECONDS)
        if found is None:
            return dg.SensorResult(skip_reason="documents are still being compared")
        for asked in found.asked:
            context.log.info(f"asked for a full run of {asked}")
        if not found.due:
            return dg.SensorResult(skip_reason="no full run is due")
        context.log.info("; ".join(found.due))
        return request_run(context, opened, RunSource(DOOR, name), found.wanted, found.batches)

    return clusters


def _compare(collection: OpenCollection) -> _Found:
    """Ask where a trigger says so, then see what is due; the documents are read once for both."""
    table = Clusters(collection)
    defined = table.defined
    asked = ask_where_due(defined, datetime.now(UTC))
    defined = [one.read_again() for one in defined]
    due = [f"{one.name}: {one.due}" for one in defined if one.due]
    wanted = Plan((Clusters.name,), (), fingerprint(state_of(defined)))
    return _Found(asked, due, wanted, table.batches)


def build_cluster_job(collection: Collection) -> object:
    """Return the job `<collection>_group_anew`, which the schedules launch."""
    name = collection.collection_name
    return dg.define_asset_job(
        name=f"{name}_group_anew",
        selection=dg.AssetSelection.assets([name, Clusters.name]),
        description="The clusters that are due.",
        tags=RunSource(DOOR, name).tags,
    )


def build_cluster_schedules(collection: Collection, job: object) -> list[dg.ScheduleDefinition]:
    """Return a schedule for each cron that asks for full runs."""
    crons = [
        (definition.cluster_name, trigger.cron)
        for definition in collection.clusters
        for trigger in definition.all_triggers
        if trigger.cron and asks_in_full(definition, trigger)
    ]
    return [_schedule(collection, job, i, *found) for i, found in enumerate(crons)]


def _schedule(
    collection: Collection,
    job: object,
    number: int,
    cluster: str,
    cron: str,
) -> dg.ScheduleDefinition:
    name = collection.collection_name
    plain = re.sub(r"\W", "_", cluster)

    @dg.schedule(
        job=job,
        name=f"{name}_clusters_{number}_{plain}_schedule",
        cron_schedule=cron,
        default_status=first_schedule_status(collection),
        description=f"Asks for a full run of {cluster}.",
    )
    def schedule(
        context: dg.ScheduleEvaluationContext, workspace: WorkspaceResource
    ) -> dg.RunRequest:
        at = context.scheduled_execution_time.isoformat(timespec="minutes")
        ask_for_run(workspace.open().ledger, name, cluster, "schedule", at)
        return dg.RunRequest(run_key=f"{cluster}:{at}")

    return schedule
