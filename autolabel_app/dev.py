"""`make dev`: Dagster's UI and daemon on the demo's collection."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from autolabel_app.runs import prepare_dagster_home
from autolabel_core.foundation.paths import CHECKOUT, Paths


def main() -> None:
    """Replace this process by `dagster dev` with the demo's environment."""
    home = Paths.from_environment().home / "demo"
    paths = Paths(home, home / "collections", f"sqlite:///{home / 'ledger.sqlite'}")
    prepare_dagster_home(paths)
    os.environ.update(paths.environment)
    os.chdir(CHECKOUT)
    dagster = Path(sys.executable).parent / "dagster"
    os.execv(dagster, [str(dagster), "dev", "-w", "workspace.yaml", *sys.argv[1:]])


if __name__ == "__main__":
    main()
