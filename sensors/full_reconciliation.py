"""Schedule: lists the whole bucket and compares every table, in a run without a time limit."""

import dagster as dg

from autolabel_assets.sensors.jobs import build_job
from autolabel_assets.sensors.status import first_schedule_status
from autolabel_core.declarations import Collection
from autolabel_core.operations.automation import waiting
from autolabel_core.operations.registration import partitions_name, register
from autolabel_core.operations.staleness_plan import plan
from autolabel_core.tables.workspace import OpenCollection


def build_full_reconciliation(collection: Collection) -> dg.JobDefinition:
    """Return the job `<collection>_full_reconciliation`.

    It records what the bucket holds and says what is stale; the sensors ask for that at their next
    tick, by the same comparison.
    """
    return build_job(collection, "full_reconciliation", str(__doc__), reconcile)


def reconcile(context: dg.OpExecutionContext, collection: OpenCollection) -> None:
    """Register, make the batches known to Dagster, and note what is stale."""
    found = register(collection)
    partitions = partitions_name(collection.name)
    context.instance.add_dynamic_partitions(partitions, found.batches)
    stale, waits = plan(collection), waiting(collection)
    context.add_output_metadata(
        {
            "created": found.created,
            "updated": found.updated,
            "deleted": found.deleted,
            "stale assets": ", ".join(stale.assets) or "none",
            "stale batches": len(stale.batches),
            "labels that wait": waits.documents,
        }
    )


def build_reconciliation_schedule(
    collection: Collection, job: dg.JobDefinition
) -> list[dg.ScheduleDefinition]:
    """Return the schedule of the job, or nothing where `full_reconciliation` is null."""
    cron = collection.automation.full_reconciliation
    if cron is None:
        return []
    status = first_schedule_status(collection)
    return [dg.ScheduleDefinition(job=job, cron_schedule=cron, default_status=status)]
