"""By the clock: the whole bucket is listed and every table compared, in a run without a limit."""

import dagster as dg

from autolabel_core.automation import waiting
from autolabel_core.declarations import Collection
from autolabel_core.errors import AutolabelError
from autolabel_core.plan import plan
from autolabel_core.registration import partitions_name, register
from resources.workspace import WorkspaceResource
from sensors.asking import COLLECTION_TAG
from sensors.status import first_schedule_status


def build_full_reconciliation(collection: Collection) -> dg.JobDefinition:
    """Return the job `<collection>_full_reconciliation`.

    It records what the bucket holds and says what is stale; the sensors ask for that at their next
    tick, by the same comparison.
    """
    name = collection.collection_name

    @dg.op(name=f"{name}_reconcile", description=__doc__, out=dg.Out(dg.Nothing))
    def reconcile(context: dg.OpExecutionContext, workspace: WorkspaceResource) -> None:
        try:
            opened = workspace.open()
            declared = opened.collection(name)
            found = register(opened, declared)
            context.instance.add_dynamic_partitions(partitions_name(name), found.batches)
            stale, waits = plan(opened, declared), waiting(opened, declared)
        except AutolabelError as error:
            raise dg.Failure(description=str(error), allow_retries=False) from error
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

    @dg.job(name=f"{name}_full_reconciliation", description=__doc__, tags={COLLECTION_TAG: name})
    def full_reconciliation() -> None:
        reconcile()

    return full_reconciliation


def build_reconciliation_schedule(
    collection: Collection, job: dg.JobDefinition
) -> list[dg.ScheduleDefinition]:
    """Return the schedule of the job, or nothing where `full_reconciliation` is null."""
    cron = collection.automation.full_reconciliation
    if cron is None:
        return []
    status = first_schedule_status(collection)
    return [dg.ScheduleDefinition(job=job, cron_schedule=cron, default_status=status)]
