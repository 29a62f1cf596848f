"""The base of sensors that request runs: compare in the background, then request or skip."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import dagster as dg

from autolabel_assets.resources.workspace import WorkspaceResource
from autolabel_assets.sensors.run_requests import RunSource, request_run
from autolabel_assets.sensors.status import first_status
from autolabel_core.declarations import Collection
from autolabel_core.foundation.background import BackgroundJobs
from autolabel_core.operations.staleness_plan import Plan
from autolabel_core.tables.table import LedgerSnapshot
from autolabel_core.tables.workspace import OpenCollection

TICK_SECONDS = 8.0
BACKGROUND = BackgroundJobs()
"""Listings and comparisons that outlast a tick; they live as long as the code location."""


class RunDecision(NamedTuple):
    """What a sensor found when it compared what should be with what is.

    Attributes:
        wanted: the run to request; empty: none.
        nothing_to_do: why there is none, for Dagster's UI.
        cursor: kept for the next tick where no run is requested.
        source: what marks the run as its source; None: the sensor's own name.
        log: lines for the log of the tick.
        observed: numbers of the bucket, where something changed in it, to be shown over time.
    """

    wanted: Plan
    nothing_to_do: str
    cursor: str | None = None
    source: str | None = None
    log: tuple[str, ...] = ()
    observed: Mapping[str, int] = MappingProxyType({})


Compare = Callable[[OpenCollection, str | None], RunDecision]


def build_run_sensor(
    collection: Collection,
    sensor: str,
    description: str,
    compare: Compare,
    target: dg.AssetSelection | None = None,
) -> dg.SensorDefinition:
    """Return the sensor `<collection>_<sensor>`.

    Args:
        collection: the declaration.
        sensor: the name.
        description: what it is for, shown in Dagster's UI.
        compare: given the open collection and the cursor of the last tick. It runs in a thread of
            its own, and where it takes longer than a tick a later one takes up what it found.
        target: assets that its runs may materialize; None: all of the collection.

    Returns:
        The sensor.
    """
    name = collection.collection_name

    @dg.sensor(
        name=f"{name}_{sensor}",
        description=description,
        target=target or dg.AssetSelection.groups(name),
        minimum_interval_seconds=collection.automation.check_every_seconds,
        default_status=first_status(collection),
    )
    def run_sensor(
        context: dg.SensorEvaluationContext, workspace: WorkspaceResource
    ) -> dg.SensorResult:
        opened = workspace.open()
        found = BACKGROUND.result_or_start(
            f"{sensor} {opened.paths.home} {name}",
            lambda: compare(opened.open(name), context.cursor),
            TICK_SECONDS,
        )
        if found is None:
            reason = f"still comparing in the background: it takes more than {TICK_SECONDS:g} s"
            return dg.SensorResult(skip_reason=reason, cursor=context.cursor)
        for line in found.log:
            context.log.info(line)
        if found.observed:
            _observe_bucket(context.instance, name, found.observed)
        if not found.wanted:
            again = f"looks again in {collection.automation.check_every_seconds:g} s"
            reason = f"{found.nothing_to_do}; {again}"
            return dg.SensorResult(skip_reason=reason, cursor=found.cursor)
        source = RunSource(found.source or sensor, name)
        batches = LedgerSnapshot(opened, name).batches
        return request_run(context, opened, source, found.wanted, batches, found.cursor)

    return run_sensor


def _observe_bucket(
    instance: dg.DagsterInstance, collection: str, numbers: Mapping[str, int]
) -> None:
    key = dg.AssetKey([collection, "bucket"])
    instance.report_runless_asset_event(dg.AssetObservation(key, metadata=dict(numbers)))
