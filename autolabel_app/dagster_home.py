"""Finds or makes Dagster's home, before anything of Dagster is imported."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from autolabel_app.project_files import DAGSTER_YAML
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.paths import DAGSTER_HOME_VARIABLE, Paths
from autolabel_core.foundation.project_folder import DAGSTER_SETTINGS

GRPC_TIMEOUT_VARIABLE = "DAGSTER_GRPC_TIMEOUT_SECONDS"
GRPC_TIMEOUT_SECONDS = 300
"""How long the daemon waits until a run has started; Dagster's own 60 s end runs under load."""


def prepare_dagster_home(paths: Paths) -> Path:
    """Return Dagster's home: the user's `DAGSTER_HOME`, else one in `AUTOLABEL_HOME`; made if new.

    Args:
        paths: where state lives.

    Returns:
        The folder; the environment variable is set to it.

    Raises:
        AutolabelError: it is a file.
    """
    home = Path(os.environ.get(DAGSTER_HOME_VARIABLE) or paths.dagster_home).expanduser().absolute()
    if home.exists() and not home.is_dir():
        raise AutolabelError(f"{DAGSTER_HOME_VARIABLE} is {home}, a file: name a folder.")
    home.mkdir(parents=True, exist_ok=True)
    settings = home / DAGSTER_SETTINGS
    if not settings.exists() and (home == paths.dagster_home or not any(home.iterdir())):
        settings.write_text(DAGSTER_YAML, encoding="utf-8")
    os.environ[DAGSTER_HOME_VARIABLE] = str(home)
    # A home of the user's own may not say it.
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "yes")
    os.environ.setdefault(GRPC_TIMEOUT_VARIABLE, str(GRPC_TIMEOUT_SECONDS))
    return home


@contextlib.contextmanager
def without_advice_about_settings() -> Iterator[None]:
    """Dagster warns of a `DAGSTER_HOME` without dagster.yaml, which is the user's to leave so."""

    def concerns_more(record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith("No dagster instance configuration file")

    logger = logging.getLogger("dagster")
    logger.addFilter(concerns_more)
    try:
        yield
    finally:
        logger.removeFilter(concerns_more)
