"""The folder of a demo: its own, and made anew by the next one."""

from __future__ import annotations

import shutil
from pathlib import Path

from autolabel_core.foundation.errors import AutolabelError

MARKER = "demo.marker"


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
