"""Reports collections whose YAML is invalid; they have no assets of their own to report it."""

import logging
from collections.abc import Sequence

import dagster as dg

from autolabel_assets.resources.workspace import WorkspaceResource
from autolabel_core.foundation.errors import DeclarationError

EVERY_SECONDS = 60


def build_declaration_problems(problems: Sequence[DeclarationError]) -> list[dg.SensorDefinition]:
    """Make the sensor that misses no collection silently.

    Each of its ticks fails with what is wrong. Once the files are right, it asks for the code
    location to be loaded again.

    Args:
        problems: what was wrong when the code location was loaded; logged as errors.

    Returns:
        The sensor `declaration_problems`, or nothing where every file can be used.
    """
    for problem in problems:
        logging.getLogger("autolabel").error("%s", problem)
    if not problems:
        return []

    @dg.sensor(
        description=__doc__,
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def declaration_problems(workspace: WorkspaceResource) -> dg.SkipReason:
        workspace.open().declared.raise_problems()
        return dg.SkipReason("every declaration is right now: reload the code location")

    return [declaration_problems]
