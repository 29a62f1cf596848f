"""Delivers events to webhooks and to the channels of alerts."""

import dagster as dg

from autolabel_assets.resources.workspace import WorkspaceResource
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.notifications.webhooks.deliver_all import deliver_all

EVERY_SECONDS = 15
BUDGET_SECONDS = 40.0


def build_deliver_webhooks(status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    """Return the sensor `deliver_webhooks`; it launches no runs and empties the outbox itself.

    A tick that meets endpoints with a problem delivers to the others first, and then fails.
    """

    @dg.sensor(
        name="deliver_webhooks",
        description=__doc__,
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=status,
    )
    def deliver_webhooks(
        context: dg.SensorEvaluationContext, workspace: WorkspaceResource
    ) -> dg.SkipReason:
        done = deliver_all(workspace.open(), BUDGET_SECONDS)
        if done.problems:
            raise AutolabelError(f"{done}; {'; '.join(done.problems)}")
        return dg.SkipReason(str(done))

    return deliver_webhooks
