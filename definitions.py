"""The Dagster code location: assembly only."""

import dagster as dg

from autolabel_assets.factory import build_definitions
from resources.progress import ProgressResource
from resources.workspace import WorkspaceResource
from sensors.notices import build_notices

COLLECTIONS = WorkspaceResource().open().collections

defs = dg.Definitions(
    **build_definitions(COLLECTIONS),  # type: ignore[arg-type]
    sensors=build_notices(COLLECTIONS),
    resources={"workspace": WorkspaceResource(), "progress": ProgressResource()},
)
