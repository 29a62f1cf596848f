"""Builds all sensors, jobs and schedules of the declared collections."""

import dagster as dg

from autolabel_assets.sensors.audits import build_audit, build_audit_schedule
from autolabel_assets.sensors.clusters import (
    build_cluster_job,
    build_cluster_schedules,
    build_clusters,
)
from autolabel_assets.sensors.full_reconciliation import (
    build_full_reconciliation,
    build_reconciliation_schedule,
)
from autolabel_assets.sensors.new_annotations import build_new_annotations
from autolabel_assets.sensors.new_objects import build_new_objects
from autolabel_assets.sensors.new_weights import build_new_weights
from autolabel_core.declarations import Collection


def build_automation(collections: dict[str, Collection]) -> dg.Definitions:
    """Return what makes the collections run by themselves, to be merged with their assets."""
    sensors, jobs, schedules = [], [], []
    for collection in collections.values():
        sensors += [build_new_objects(collection), build_new_annotations(collection)]
        reconciliation, audit = build_full_reconciliation(collection), build_audit(collection)
        jobs += [reconciliation, audit]
        schedules += build_reconciliation_schedule(collection, reconciliation)
        schedules += build_audit_schedule(collection, audit)
        if collection.clusters:
            job = build_cluster_job(collection)
            jobs.append(job)
            sensors.append(build_clusters(collection))
            schedules += build_cluster_schedules(collection, job)
        if collection.detection is not None or collection.feature_extractor.fine_tune:
            sensors.append(build_new_weights(collection))
    return dg.Definitions(sensors=sensors, jobs=jobs, schedules=schedules)
