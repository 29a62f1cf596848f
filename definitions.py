"""The Dagster code location: collects assets, sensors and resources."""

import dagster as dg

from autolabel_assets.factory import build_definitions
from autolabel_assets.resources.progress import ProgressResource
from autolabel_assets.resources.workspace import WorkspaceResource
from autolabel_assets.sensors.declaration_problems import build_declaration_problems
from autolabel_assets.sensors.factory import build_automation
from autolabel_assets.sensors.notices import build_notices
from autolabel_core.foundation.project_folder import enter_project

enter_project()
DECLARED = WorkspaceResource().open().declared
COLLECTIONS = DECLARED.collections

defs = dg.Definitions.merge(
    dg.Definitions(
        **build_definitions(COLLECTIONS),  # type: ignore[arg-type]
        sensors=[*build_notices(COLLECTIONS), *build_declaration_problems(DECLARED.problems)],
        resources={"workspace": WorkspaceResource(), "progress": ProgressResource()},
        executor=dg.in_process_executor,
    ),
    build_automation(COLLECTIONS),
)
