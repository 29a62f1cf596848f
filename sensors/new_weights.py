"""Apply weights in service to images that they have not seen, and run training that waits."""

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
from autolabel_core.operations.automation import weights_wait
from autolabel_core.operations.staleness_plan import Plan, plan, training_plan
from autolabel_core.tables.table import LedgerSnapshot
from autolabel_core.tables.workspace import OpenCollection

DOOR, TRAINING = "new_weights", "training"


def build_new_weights(collection: Collection) -> dg.SensorDefinition:
    """Return the sensor `<collection>_new_weights`.

    Images that other weights looked at are looked at again, embedded, indexed and labelled, by the
    same plan as ever. Training has a sensor of its own, so that uploads are labelled beside it.
    """
    name = collection.collection_name

    @dg.sensor(**sensor_options(collection, DOOR, str(__doc__)))
    def new_weights(
        context: dg.SensorEvaluationContext, workspace: WorkspaceResource
    ) -> dg.SensorResult:
        opened = workspace.open()
        declared = opened.open(name)
        job = f"{DOOR} {opened.paths.home} {name}"
        found = BACKGROUND.result_or_start(job, lambda: _compare(declared), TICK_SECONDS)
        if found is None:
            return dg.SensorResult(skip_reason="weights and tables are still being compared")
        door, wanted = found
        if not wanted:
            return dg.SensorResult(skip_reason="every image has met the weights in service")
        return request_run(
            context, opened, RunSource(door, name), wanted, LedgerSnapshot(opened, name).batches
        )

    return new_weights


def _compare(collection: OpenCollection) -> tuple[str, Plan]:
    if collection.declaration.detection is not None and weights_wait(collection):
        return DOOR, plan(collection, leave_own_runs=True)
    return TRAINING, training_plan(collection)
