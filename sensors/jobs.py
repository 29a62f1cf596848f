"""Builds jobs of one step for the schedules."""

from collections.abc import Callable

import dagster as dg

from autolabel_assets.resources.failures import domain_errors_as_failures
from autolabel_assets.resources.workspace import WorkspaceResource
from autolabel_assets.sensors.run_requests import COLLECTION_TAG
from autolabel_core.declarations import Collection
from autolabel_core.tables.workspace import OpenCollection

Work = Callable[[dg.OpExecutionContext, OpenCollection], None]


def build_job(collection: Collection, job: str, description: str, work: Work) -> dg.JobDefinition:
    """Return the job `<collection>_<job>`, whose step opens the stores and does the work."""
    name = collection.collection_name

    @dg.op(name=f"{name}_{work.__name__}", description=description, out=dg.Out(dg.Nothing))
    def step(context: dg.OpExecutionContext, workspace: WorkspaceResource) -> None:
        with domain_errors_as_failures():
            work(context, workspace.open().open(name))

    @dg.job(name=f"{name}_{job}", description=description, tags={COLLECTION_TAG: name})
    def made() -> None:
        step()

    return made
