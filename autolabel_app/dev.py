"""Starts Dagster's web server and daemon on the project around the working folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from autolabel_app.dagster_home import prepare_dagster_home
from autolabel_app.supervisor import supervise
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.paths import CHECKOUT, Paths
from autolabel_core.foundation.project_folder import env_file_settings, find_project

WORKSPACE = "workspace.yaml"
NO_ADVERT = "ignore:Function `dev_command` is superseded"


def run_dagster_dev(options: Sequence[str]) -> int:
    """Run `dagster dev` in the project's folder until it ends or is told to stop.

    Args:
        options: further options for it.

    Returns:
        The exit status for this process.

    Raises:
        AutolabelError: there is no project around the working folder, or its `.env` and the
            environment disagree.
    """
    folder = find_project(Path.cwd()) or CHECKOUT
    if not (folder / WORKSPACE).is_file():
        raise AutolabelError(
            f"There is no {WORKSPACE} in {folder}: `autolabel init FOLDER` makes a project, "
            "and `autolabel init .` adds what a project lacks."
        )
    _refuse_contradictions(folder)
    paths = Paths.from_environment()
    prepare_dagster_home(paths)
    os.environ.update(paths.environment)
    os.environ["PYTHONWARNINGS"] = ",".join(
        filter(None, [NO_ADVERT, os.environ.get("PYTHONWARNINGS")])
    )
    os.chdir(folder)
    command = [sys.executable, "-m", "dagster", "dev", "-w", WORKSPACE]
    sys.stdout.flush()
    return supervise([*command, *options])


def _refuse_contradictions(folder: Path) -> None:
    """Dagster lets `.env` win over the environment; our commands let the environment win."""
    for name, value in env_file_settings(folder).items():
        given = os.environ.get(name) or value
        if given != value:
            raise AutolabelError(
                f"{name} is {given!r} in the environment and {value!r} in {folder / '.env'}. "
                "Dagster would take the latter, other commands take the former: unset one."
            )
