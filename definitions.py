"""The Dagster code location: assembly only."""

import dagster as dg

from autolabel_assets.factory import build_definitions
from resources.progress import ProgressResource
from resources.workspace import WorkspaceResource

defs = dg.Definitions(
    **build_definitions(WorkspaceResource().open().collections),  # type: ignore[arg-type]
    executor=dg.in_process_executor,
    resources={"workspace": WorkspaceResource(), "progress": ProgressResource()},
)
