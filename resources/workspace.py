"""The workspace as a Dagster resource; what is not configured, the environment says."""

from pathlib import Path

import dagster as dg

from autolabel_core.paths import Paths
from autolabel_core.workspace import Workspace


class WorkspaceResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Opens ledger, warehouse and declarations. Empty values mean: as the environment says."""

    home: str = ""
    collections: str = ""
    ledger_url: str = ""

    def open(self) -> Workspace:
        """Return the workspace."""
        default = Paths.from_environment()
        home = Path(self.home) if self.home else default.home
        own_ledger = f"sqlite:///{home / 'ledger.sqlite'}" if self.home else default.ledger_url
        return Workspace(
            Paths(
                home,
                Path(self.collections) if self.collections else default.collections,
                self.ledger_url or own_ledger,
            )
        )
