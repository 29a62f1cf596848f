"""The initial state of sensors and schedules, before anybody switched them."""

import dagster as dg

from autolabel_core.declarations import Collection


def first_status(collection: Collection) -> dg.DefaultSensorStatus:
    """Return a sensor's status until somebody switches it in Dagster's UI."""
    enabled = collection.automation.enabled
    return dg.DefaultSensorStatus.RUNNING if enabled else dg.DefaultSensorStatus.STOPPED


def first_schedule_status(collection: Collection) -> dg.DefaultScheduleStatus:
    """Return a schedule's status until somebody switches it in Dagster's UI."""
    enabled = collection.automation.enabled
    return dg.DefaultScheduleStatus.RUNNING if enabled else dg.DefaultScheduleStatus.STOPPED
