"""Finds the project: the nearest folder above that has `autolabel.toml`, as git finds `.git`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from autolabel_core.foundation.errors import NotFoundError
from autolabel_core.foundation.paths import (
    COLLECTIONS_VARIABLE,
    DAGSTER_HOME_VARIABLE,
    DEFAULT_HOME,
    DEFINITIONS_VARIABLE,
    HOME_VARIABLE,
    LEDGER_VARIABLE,
    WAREHOUSE_VARIABLE,
    sqlite_url,
)

MARKER = "autolabel.toml"
DAGSTER_SETTINGS = "dagster.yaml"
_FOLDERS = (
    *(HOME_VARIABLE, COLLECTIONS_VARIABLE, WAREHOUSE_VARIABLE),
    *(DEFINITIONS_VARIABLE, DAGSTER_HOME_VARIABLE),
)
_STATE = (HOME_VARIABLE, LEDGER_VARIABLE, WAREHOUSE_VARIABLE)
_SQLITE_FILE = "sqlite:///"


def find_project(start: Path) -> Path | None:
    """Return the nearest folder that holds `autolabel.toml`: `start`, or one that it lies in."""
    start = start.resolve()
    return next((f for f in (start, *start.parents) if (f / MARKER).is_file()), None)


def project_settings(root: Path) -> dict[str, str]:
    """Return the variables that a project sets: what `.env` says, and its own folders.

    Args:
        root: the project's folder.

    Returns:
        By name. Relative paths in `.env` are relative to the project, wherever a command is run.
    """
    own = {HOME_VARIABLE: str(root / DEFAULT_HOME), COLLECTIONS_VARIABLE: str(root / "collections")}
    if (root / DAGSTER_SETTINGS).is_file():
        own[DAGSTER_HOME_VARIABLE] = str(root)
    return {**own, **env_file_settings(root)}


def env_file_settings(root: Path) -> dict[str, str]:
    """Return what `.env` of a project sets; empty values count as not set."""
    file = root / ".env"
    if not file.is_file():
        return {}
    from dotenv import dotenv_values

    values = dotenv_values(file, encoding="utf-8").items()
    return {name: _absolute(name, value, root) for name, value in values if value}


def with_project(environ: Mapping[str, str], start: Path) -> dict[str, str]:
    """Return an environment with what the project sets where the environment sets nothing.

    Args:
        environ: the environment; its variables win.
        start: the folder from which the project is looked for.

    Returns:
        The environment as it is where there is no project.
    """
    root = find_project(start)
    if root is None:
        return dict(environ)
    given = {name: value for name, value in environ.items() if value}
    settings = project_settings(root)
    if HOME_VARIABLE in given and settings.get(DAGSTER_HOME_VARIABLE) == str(root):
        # Runs and partitions belong to the state that they speak of.
        del settings[DAGSTER_HOME_VARIABLE]
    return {**environ, **settings, **given}


def enter_project() -> None:
    """Set the variables of the project around the working folder, for this process and its own."""
    os.environ.update(with_project(os.environ, Path.cwd()))


def check_state_exists(environ: Mapping[str, str], folder: Path) -> None:
    """Refuse to read the state of a folder that has none: opening it would begin one there.

    Args:
        environ: the environment, with what the project sets.
        folder: the working folder.

    Raises:
        NotFoundError: there is neither a project nor state; the message says where it was looked
            for.
    """
    home = folder.resolve() / DEFAULT_HOME
    if any(environ.get(name) for name in _STATE) or home.is_dir():
        return
    raise NotFoundError(
        f"No project here: no {MARKER} in {home.parent} or in a folder above it, no folder {home}, "
        f"and {HOME_VARIABLE} is not set. Go into your project, or point {HOME_VARIABLE} at its "
        "state; `autolabel init FOLDER` makes a new one."
    )


def _absolute(name: str, value: str, root: Path) -> str:
    if name == LEDGER_VARIABLE and value.startswith(_SQLITE_FILE):
        return sqlite_url(root / value.removeprefix(_SQLITE_FILE))
    if name not in _FOLDERS or "://" in value:
        return value
    return str((root / Path(value).expanduser()).resolve())
