"""Requests labelling of new and overwritten objects, and removal of deleted ones."""

import dagster as dg

from autolabel_assets.sensors.run_sensor import RunDecision, build_run_sensor
from autolabel_core.declarations import Collection
from autolabel_core.operations.registration import register
from autolabel_core.operations.staleness_plan import plan
from autolabel_core.tables.workspace import OpenCollection


def build_new_objects(collection: Collection) -> dg.SensorDefinition:
    """Return the sensor `<collection>_new_objects`.

    Each tick lists the bucket whole, records what changed, and asks for whatever uploads made
    stale. What waits for labels is left to `new_annotations`.
    """
    return build_run_sensor(collection, "new_objects", str(__doc__), _compare)


def _compare(collection: OpenCollection, _cursor: str | None) -> RunDecision:
    found = register(collection)
    changes = {"new": found.created, "changed": found.updated, "gone": found.deleted}
    observed = {"objects": found.objects, **changes} if any(changes.values()) else {}
    shown = ", ".join(f"{count} {name}" for name, count in changes.items())
    return RunDecision(
        plan(collection, uploads_only=True),
        f"{found.objects} objects, {shown}; every table is up to date with them",
        log=(f"the bucket has {found.objects} objects: {shown}",) if observed else (),
        observed=observed,
    )
