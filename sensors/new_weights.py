"""Applies weights in service to images they have not seen, and requests pending training."""

import dagster as dg

from autolabel_assets.sensors.run_sensor import RunDecision, build_run_sensor
from autolabel_core.declarations import Collection
from autolabel_core.operations.automation import weights_wait
from autolabel_core.operations.staleness_plan import plan, training_plan
from autolabel_core.tables.workspace import OpenCollection

NOTHING = "every image has been seen by the weights in service, and no training was requested"
TRAINING = "training"


def build_new_weights(collection: Collection) -> dg.SensorDefinition:
    """Return the sensor `<collection>_new_weights`.

    Images that other weights looked at are looked at again, embedded, indexed and labelled, by the
    same plan as ever. Training is a run of its own, so that uploads are labelled beside it.
    """
    return build_run_sensor(collection, "new_weights", str(__doc__), _compare)


def _compare(collection: OpenCollection, _cursor: str | None) -> RunDecision:
    if collection.declaration.detection is not None and weights_wait(collection):
        return RunDecision(plan(collection, leave_own_runs=True), NOTHING)
    return RunDecision(training_plan(collection), NOTHING, source=TRAINING)
