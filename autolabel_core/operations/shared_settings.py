"""Settings of several projects that one process opens: the environment is shared by all of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.project_folder import env_file_settings

_SHARED: dict[str, tuple[Path, str]] = {}
"""Which variables of this process come from the `.env` of which project."""


def without_other_projects(root: Path | None) -> dict[str, str]:
    """Return the environment without what the `.env` of another project put into it."""
    others = {n for n, (source, value) in _SHARED.items() if source != root}
    return {n: v for n, v in os.environ.items() if n not in others or _SHARED[n][1] != v}


def share_settings(root: Path, process: Mapping[str, str]) -> None:
    """Put what `.env` says of others than autolabel into the environment of this process.

    Args:
        root: the project's folder.
        process: the environment without what other projects put into it.

    Raises:
        AutolabelError: another project's `.env` gave a variable another value before.
    """
    settings = env_file_settings(root)
    names = [n for n in settings if not n.startswith(("AUTOLABEL_", "DAGSTER_"))]
    for name in names:
        present = os.environ.get(name)
        if present and name not in process and present != settings[name]:
            raise AutolabelError(
                f"{name} has one value in {_SHARED[name][0] / '.env'}, which this process took "
                f"when it opened that project, and another in {root / '.env'}. Open the projects "
                f"in two processes, or set {name} in the environment for both."
            )
    for name in names:
        if not os.environ.get(name):
            os.environ[name] = settings[name]
            _SHARED[name] = (root, settings[name])
