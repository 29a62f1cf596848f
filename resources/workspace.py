"""The workspace as a Dagster resource; the environment gives what is not configured."""

from pathlib import Path

import dagster as dg
from pydantic import PrivateAttr

from autolabel_assets.resources.s3 import S3AccessResource
from autolabel_core.foundation.paths import Paths, warehouse_address
from autolabel_core.storage.run_lock import RunLock
from autolabel_core.tables.workspace import Workspace


class WorkspaceResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Opens ledger, warehouse and declarations. Empty values mean: as the environment says."""

    home: str = ""
    collections: str = ""
    ledger_url: str = ""
    warehouse: str = ""
    s3: S3AccessResource | None = None

    _run_lock: RunLock | None = PrivateAttr(default=None)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Hold the run's sign of life: a sensor that finds it free knows that the run is dead."""
        if context.run is not None:
            self._run_lock = self.open().run_lock(context.run.run_id)
            self._run_lock.acquire()

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Let go of it."""
        if self._run_lock is not None:
            self._run_lock.release()

    def open(self) -> Workspace:
        """Return the workspace."""
        default = Paths.from_environment()
        home = Path(self.home) if self.home else default.home
        own_ledger = f"sqlite:///{home / 'ledger.sqlite'}" if self.home else default.ledger_url
        own_warehouse = "" if self.home else default.warehouse_uri
        return Workspace(
            Paths(
                home,
                Path(self.collections) if self.collections else default.collections,
                self.ledger_url or own_ledger,
                warehouse_address(self.warehouse) or own_warehouse,
            ),
            (self.s3 or S3AccessResource()).settings(),
        )
