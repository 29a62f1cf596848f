"""Evaluates the alerts of all collections; each firing is recorded with its event."""

import time
from datetime import UTC, datetime, timedelta
from functools import partial

import dagster as dg

from autolabel_assets.resources.workspace import WorkspaceResource
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.notifications.alerts.check import Checked, check_alerts

EVERY_SECONDS = 30
BUDGET_SECONDS = 40.0
COLLECTION_TAG = "autolabel/collection"


def build_alerts(status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    """Return the sensor `alerts`; it launches no runs.

    A tick goes round the collections, and begins with the one that the last tick did not reach.
    """

    @dg.sensor(
        name="alerts",
        description=__doc__,
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=status,
    )
    def alerts(context: dg.SensorEvaluationContext, workspace: WorkspaceResource) -> dg.SkipReason:
        opened = workspace.open()
        names = sorted(n for n, declared in opened.collections.items() if declared.alerts)
        first = names.index(context.cursor) if context.cursor in names else 0
        until = time.monotonic() + BUDGET_SECONDS
        checked: list[Checked] = []
        reached = ""
        for name in [*names[first:], *names[:first]]:
            if time.monotonic() >= until:
                reached = name
                break
            failures = partial(_failures, context.instance)
            checked += check_alerts(opened.open(name), datetime.now(UTC), failures)
        context.update_cursor(reached)
        problems = [str(one) for one in opened.declared.problems]
        problems += [one.problem for one in checked if one.problem]
        if problems:
            raise AutolabelError("; ".join(problems))
        fired = [one.alert.name for one in checked if one.firing]
        return dg.SkipReason(f"{len(checked)} alerts; fired: {', '.join(fired) or 'none'}")

    return alerts


def _failures(instance: dg.DagsterInstance, collection: str, hours: float) -> int:
    since = datetime.now(UTC) - timedelta(hours=hours)
    wanted = dg.RunsFilter(
        tags={COLLECTION_TAG: collection},
        statuses=[dg.DagsterRunStatus.FAILURE],
        updated_after=since,
    )
    return instance.get_runs_count(wanted)
