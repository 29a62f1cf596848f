"""The walk that every derived table shares: is it current? If not, build it, and say what came out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from autolabel_core.declarations import Collection
from autolabel_core.ledger import Arrival
from autolabel_core.registration import DELETED, batches_of
from autolabel_core.workspace import Workspace

Progress = Callable[[int, int], None]
WHOLE = "all"


def no_progress(_done: int, _total: int) -> None:
    """Report nothing."""


class DerivedTable(ABC):
    """One derived table of one collection; opened for one piece of work, not kept.

    Attributes:
        name: the asset's name, and the folder's.
        partitioned: whether there is one file for each batch; else the batch is `WHOLE`.
    """

    name: ClassVar[str]
    partitioned: ClassVar[bool] = True

    def __init__(self, workspace: Workspace, collection: Collection) -> None:
        """Bind to a collection; sources are read when first needed."""
        self.workspace = workspace
        self.collection = collection
        self.warehouse = workspace.warehouse

    @property
    def collection_name(self) -> str:
        """The collection's name."""
        return self.collection.collection_name

    @cached_property
    def objects(self) -> dict[str, Arrival]:
        """The last arrival of every document, deleted ones included."""
        return self.workspace.ledger.objects(self.collection_name)

    @cached_property
    def batches(self) -> list[str]:
        """All batches of the collection, in order."""
        return batches_of(self.objects)

    @cached_property
    def present_by_batch(self) -> dict[str, list[Arrival]]:
        """Objects that exist, by batch, each list ascending by document id."""
        groups: dict[str, list[Arrival]] = {batch: [] for batch in self.batches}
        for arrival in sorted(self.objects.values()):
            if arrival.event != DELETED:
                groups[arrival.batch].append(arrival)
        return groups

    @property
    def partitions(self) -> list[str]:
        """The batches that this table has files for."""
        return self.batches if self.partitioned else [WHOLE]

    @abstractmethod
    def path(self, batch: str) -> Path:
        """Return the file of a batch."""

    @abstractmethod
    def fingerprint(self, batch: str) -> str | None:
        """Return what the file should be made from now; None while its inputs are not there yet."""

    @abstractmethod
    def build(self, batch: str, fingerprint: str, progress: Progress) -> None:
        """Make the file anew."""

    @abstractmethod
    def report(self, batch: str) -> dict[str, Any]:
        """Return what a person wants to know of the result; PNG pictures are bytes."""

    def is_current(self, batch: str) -> bool:
        """Whether the file was made from what the sources say now, or has to wait for them."""
        wanted = self.fingerprint(batch)
        return wanted is None or self.warehouse.fingerprint(self.path(batch)) == wanted

    def stale(self) -> list[str]:
        """Return the batches whose file is not current, in order."""
        return [batch for batch in self.partitions if not self.is_current(batch)]

    def refresh(self, batch: str, progress: Progress = no_progress) -> bool:
        """Bring one file up to date; a file that is current is left alone.

        Args:
            batch: the batch, or `WHOLE`.
            progress: told how far the work is.

        Returns:
            Whether anything had to be done.
        """
        with self.warehouse.writing(self.collection_name, self.name):
            wanted = self.fingerprint(batch)
            if wanted is None or self.warehouse.fingerprint(self.path(batch)) == wanted:
                return False
            self.build(batch, wanted, progress)
        return True
