"""Relabel everything by new annotations, once enough of them wait or the oldest is old enough."""

from datetime import UTC, datetime

import dagster as dg

from autolabel_assets.resources.workspace import WorkspaceResource
from autolabel_assets.sensors.run_requests import (
    BACKGROUND,
    TICK_SECONDS,
    RunSource,
    request_run,
    sensor_options,
)
from autolabel_core.declarations import Collection
from autolabel_core.operations.automation import (
    Waiting,
    relabel_is_due,
    request_retraining,
    waiting,
)
from autolabel_core.operations.staleness_plan import Plan, plan
from autolabel_core.tables.table import LedgerSnapshot
from autolabel_core.tables.workspace import OpenCollection

DOOR = "new_annotations"


def build_new_annotations(collection: Collection) -> dg.SensorDefinition:
    """Return the sensor `<collection>_new_annotations`.

    The cursor holds since when something waits that has no time of its own, such as a reference
    that is gone. Everything else is read from the ledger and the tables.
    """
    name = collection.collection_name

    @dg.sensor(**sensor_options(collection, DOOR, str(__doc__)))
    def new_annotations(
        context: dg.SensorEvaluationContext, workspace: WorkspaceResource
    ) -> dg.SensorResult:
        opened = workspace.open()
        declared = opened.open(name)
        if request_retraining(declared):
            context.log.info("asked for training in the ledger: enough was corrected")
        job = f"{DOOR} {opened.paths.home} {name}"
        found = BACKGROUND.result_or_start(job, lambda: _compare(declared), TICK_SECONDS)
        if found is None:
            return dg.SensorResult(
                skip_reason="labels and tables are still being compared", cursor=context.cursor
            )
        waits, wanted = found
        if not waits:
            return dg.SensorResult(skip_reason="every label is applied", cursor="")
        now = datetime.now(UTC)
        since = datetime.fromisoformat(context.cursor) if context.cursor else now
        rule = declared.declaration.automation.relabel
        if not wanted or not relabel_is_due(waits, rule, since, now):
            return dg.SensorResult(
                skip_reason=f"{waits.documents} of {rule.after_labels} labels wait, at most "
                f"{rule.after_minutes:g} minutes",
                cursor=since.isoformat(),
            )
        batches = LedgerSnapshot(opened, name).batches
        return request_run(
            context, opened, RunSource(DOOR, name), wanted, batches, since.isoformat()
        )

    return new_annotations


def _compare(collection: OpenCollection) -> tuple[Waiting, Plan]:
    waits = waiting(collection)
    return waits, plan(collection, leave_own_runs=True) if waits else Plan((), ())
