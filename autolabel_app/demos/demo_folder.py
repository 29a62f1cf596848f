"""The folder that a demo works in; the next demo replaces it, and nothing else."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from autolabel_app.project_files import WORKSPACE_YAML, write_project
from autolabel_core.foundation import project_folder
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.paths import DAGSTER_HOME_VARIABLE, HOME_VARIABLE, Paths

MARKER = "demo.marker"
PROJECT = {
    project_folder.MARKER: "# Commands in this folder find the demo's collection.\n",
    ".env": f"{HOME_VARIABLE}=.\n",
    "workspace.yaml": WORKSPACE_YAML,
}


def fresh_project(paths: Paths) -> None:
    """Make the folder of a demo anew, as a project with a Dagster instance of its own."""
    fresh_folder(paths.home)
    write_project(paths.home, PROJECT)
    os.environ[DAGSTER_HOME_VARIABLE] = str(paths.dagster_home)


def fresh_folder(home: Path) -> None:
    """Empty the folder of an earlier demo, or make it.

    Args:
        home: the folder.

    Raises:
        AutolabelError: it holds something else.
    """
    if home.exists() and any(home.iterdir()):
        if not (home / MARKER).exists():
            raise AutolabelError(
                f"{home} is not an earlier demo's folder and is not empty; it is left alone. "
                "Set AUTOLABEL_HOME elsewhere, or move it away."
            )
        shutil.rmtree(home)
    home.mkdir(parents=True, exist_ok=True)
    (home / MARKER).write_text("This folder is replaced by the next demo.\n", encoding="utf-8")
