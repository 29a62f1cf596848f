"""Requests clustering that a person, a trigger or the schedule asked for."""

import re
from datetime import UTC, datetime

import dagster as dg

from autolabel_assets.resources.workspace import WorkspaceResource
from autolabel_assets.sensors.run_requests import RunSource
from autolabel_assets.sensors.run_sensor import RunDecision, build_run_sensor
from autolabel_assets.sensors.status import first_schedule_status
from autolabel_core.clusters.history import ask_for_run
from autolabel_core.clusters.table import Clusters, state_of
from autolabel_core.clusters.triggers import ask_where_due, asks_in_full
from autolabel_core.declarations import Collection
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.operations.staleness_plan import Plan
from autolabel_core.tables.workspace import OpenCollection

CLUSTERS_SENSOR = "clusters"


def build_clusters(collection: Collection) -> dg.SensorDefinition:
    """Return the sensor `<collection>_clusters`.

    A full run may take long, so that it has a sensor and a run of its own, and uploads are labelled
    beside it. What was asked for stands in the ledger until a run has answered it.
    """
    target = dg.AssetSelection.assets([collection.collection_name, Clusters.name])
    return build_run_sensor(collection, CLUSTERS_SENSOR, str(__doc__), _compare, target)


def _compare(collection: OpenCollection, _cursor: str | None) -> RunDecision:
    """Ask where a trigger says so, then see what is due; the documents are read once for both."""
    definitions = Clusters(collection).defined
    asked = ask_where_due(definitions, datetime.now(UTC))
    definitions = [definition.read_again() for definition in definitions]
    due = [f"{definition.name}: {definition.due}" for definition in definitions if definition.due]
    wanted = Plan((Clusters.name,), (), fingerprint(state_of(definitions)))
    log = (*(f"requested a full run of {name}" for name in asked), *due)
    return RunDecision(wanted if due else Plan((), ()), "no full run is due", log=log)


def build_cluster_job(collection: Collection) -> object:
    """Return the job `<collection>_group_anew`, which the schedules launch."""
    name = collection.collection_name
    return dg.define_asset_job(
        name=f"{name}_group_anew",
        selection=dg.AssetSelection.assets([name, Clusters.name]),
        description="The clusters that are due.",
        tags=RunSource(CLUSTERS_SENSOR, name).tags,
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
