"""Label objects that are new or overwritten, and take out those that are gone."""

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
from autolabel_core.operations.registration import register
from autolabel_core.operations.staleness_plan import plan

DOOR = "new_objects"


def build_new_objects(collection: Collection) -> dg.SensorDefinition:
    """Return the sensor `<collection>_new_objects`.

    Each tick lists the bucket whole, records what changed, and asks for whatever uploads made
    stale. What waits for labels is left to `new_annotations`.
    """
    name = collection.collection_name

    @dg.sensor(**sensor_options(collection, DOOR, str(__doc__)))
    def new_objects(
        context: dg.SensorEvaluationContext, workspace: WorkspaceResource
    ) -> dg.SensorResult:
        opened = workspace.open()
        declared = opened.open(name)
        found = BACKGROUND.result_or_start(
            f"{DOOR} {opened.paths.home} {name}",
            lambda: (register(declared), plan(declared, uploads_only=True)),
            TICK_SECONDS,
        )
        if found is None:
            return dg.SensorResult(
                skip_reason=f"the bucket is still being listed, beside the tick: it takes more "
                f"than {TICK_SECONDS:g} s"
            )
        registration, wanted = found
        if not wanted:
            return dg.SensorResult(skip_reason="every object is registered and labelled")
        return request_run(context, opened, RunSource(DOOR, name), wanted, registration.batches)

    return new_objects
