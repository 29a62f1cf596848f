"""The sensors for webhooks and alerts, built only where some are declared."""

from collections.abc import Mapping

import dagster as dg

from autolabel_assets.sensors.alerts import build_alerts
from autolabel_assets.sensors.deliver_webhooks import build_deliver_webhooks
from autolabel_core.declarations import Collection


def build_notices(
    collections: Mapping[str, Collection],
    status: dg.DefaultSensorStatus = dg.DefaultSensorStatus.RUNNING,
) -> list[dg.SensorDefinition]:
    """Return the sensors `alerts` and `deliver_webhooks`, each where a declaration needs it."""
    watches = any(collection.alerts for collection in collections.values())
    tells = watches or any(collection.webhooks for collection in collections.values())
    found = [build_alerts(status)] if watches else []
    return [*found, *([build_deliver_webhooks(status)] if tells else [])]
