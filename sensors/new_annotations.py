"""Requests relabelling once enough new annotations wait, or the oldest has waited long enough."""

from datetime import UTC, datetime

import dagster as dg

from autolabel_assets.sensors.run_sensor import RunDecision, build_run_sensor
from autolabel_core.declarations import Collection
from autolabel_core.operations.automation import relabel_is_due, request_retraining, waiting
from autolabel_core.operations.staleness_plan import Plan, plan
from autolabel_core.tables.workspace import OpenCollection

TRAINING_REQUESTED = "requested training in the ledger: enough was corrected"


def build_new_annotations(collection: Collection) -> dg.SensorDefinition:
    """Return the sensor `<collection>_new_annotations`.

    The cursor holds since when something waits that has no time of its own, such as a reference
    that is gone. Everything else is read from the ledger and the tables.
    """
    return build_run_sensor(collection, "new_annotations", str(__doc__), _compare)


def _compare(collection: OpenCollection, cursor: str | None) -> RunDecision:
    log = (TRAINING_REQUESTED,) if request_retraining(collection) else ()
    waits = waiting(collection)
    if not waits:
        return RunDecision(Plan((), ()), "every label is applied", cursor="", log=log)
    now = datetime.now(UTC)
    since = datetime.fromisoformat(cursor) if cursor else now
    rule = collection.declaration.automation.relabel
    is_due = relabel_is_due(waits, rule, since, now)
    wanted = plan(collection, leave_own_runs=True) if is_due else Plan((), ())
    still_waiting = (
        f"{waits.documents} of {rule.after_labels} labels wait, at most "
        f"{rule.after_minutes:g} minutes"
    )
    return RunDecision(wanted, still_waiting, cursor=since.isoformat(), log=log)
