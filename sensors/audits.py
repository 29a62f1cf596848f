"""Schedule: draws a random sample of auto-labels into a file for a person to check."""

from datetime import UTC, datetime

import dagster as dg

from autolabel_assets.sensors.jobs import build_job
from autolabel_assets.sensors.status import first_schedule_status
from autolabel_core.declarations import Collection
from autolabel_core.labelling.audit import draw_scheduled_sample
from autolabel_core.tables.workspace import OpenCollection

AT_TAG = "autolabel/at"


def build_audit(collection: Collection) -> dg.JobDefinition:
    """Return the job `<collection>_audit`; it notes the file on `taxonomy_labels`."""
    return build_job(collection, "audit", str(__doc__), draw_sample)


def draw_sample(context: dg.OpExecutionContext, collection: OpenCollection) -> None:
    """Draw the sample of the moment that the schedule meant."""
    name = collection.name
    at = context.run.tags.get(AT_TAG) or datetime.now(UTC).isoformat(timespec="minutes")
    drawn = draw_scheduled_sample(collection, at)
    metadata = {
        "sample": dg.MetadataValue.path(drawn.file),
        "auto-labels to verify": drawn.size,
        "then": f"fill in `verdict`, and `autolabel audit {name} --csv {drawn.file}`",
    }
    asset = dg.AssetKey([name, "taxonomy_labels"])
    context.log_event(dg.AssetObservation(asset_key=asset, metadata=metadata))


def build_audit_schedule(
    collection: Collection, job: dg.JobDefinition
) -> list[dg.ScheduleDefinition]:
    """Return the schedule of the job, or nothing where no `audit` is declared."""
    declared = collection.automation.audit
    if declared is None:
        return []

    @dg.schedule(
        job=job,
        name=f"{job.name}_schedule",
        cron_schedule=declared.cron,
        default_status=first_schedule_status(collection),
    )
    def audit_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        at = context.scheduled_execution_time.isoformat(timespec="minutes")
        return dg.RunRequest(run_key=at, tags={AT_TAG: at})

    return [audit_schedule]
