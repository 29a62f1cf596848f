"""The base of derived tables: is it current? If not, build it; then report."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Collection as AnyCollection
from collections.abc import Mapping
from functools import cached_property
from pathlib import PurePath
from typing import ClassVar, TypeVar, cast

from autolabel_core.declarations import Collection
from autolabel_core.foundation.errors import NotFoundError
from autolabel_core.foundation.ids import fingerprint, object_of
from autolabel_core.foundation.json_types import Report
from autolabel_core.foundation.progress import Progress, no_progress
from autolabel_core.ledger import Arrival, BoxAnnotation
from autolabel_core.ledger.annotation_table import LedgerPosition
from autolabel_core.ledger.arrivals import DELETED, batches_of, versions_of
from autolabel_core.storage.buckets import ObjectSource
from autolabel_core.storage.file_watch import FirstLooks
from autolabel_core.tables.lost_ledger import check_ledger
from autolabel_core.tables.remembered import remembered
from autolabel_core.tables.workspace import OpenCollection, Workspace

WHOLE = "all"
SHARED = "references"
"""The folder, within one table, of files that serve all of its batches."""
FORMAT = 1
"""Of what is remembered of arrivals; another number forgets it."""
FEW = 1_000
"""Of so many documents the arrivals are asked for one by one; of more, all are read."""


Table = TypeVar("Table", bound="DerivedTable")


class LedgerSnapshot:
    """What the ledger holds of one collection, read once, and the tables that share it."""

    def __init__(self, workspace: Workspace, collection_name: str) -> None:
        self._workspace = workspace
        self._ledger = workspace.ledger
        self._name = collection_name
        self.opened: dict[type[DerivedTable], DerivedTable] = {}
        self.looks = FirstLooks()  # at files of which the tables keep what they read

    @cached_property
    def objects(self) -> Mapping[str, Arrival]:
        """The last arrival of every document, deleted ones included; a lost ledger is refused."""
        check_ledger(self._workspace, self._name)
        return self._ledger.objects(self._name)

    def arrivals_of(self, documents: AnyCollection[str]) -> Mapping[str, Arrival]:
        """Return the last arrival of the objects of documents, as far as they were ever seen."""
        objects = {document: object_of(document) for document in documents}
        seen: Mapping[str, Arrival]
        if "objects" not in vars(self) and len(documents) <= FEW:
            seen = self._ledger.objects_of(self._name, set(objects.values()))
        else:
            seen = self.objects
        return {d: seen[whole] for d, whole in objects.items() if whole in seen}

    @cached_property
    def versions(self) -> Mapping[str, str]:
        """By batch, in order, a fingerprint of the objects that exist; a lost ledger is refused."""
        check_ledger(self._workspace, self._name)
        opened = self._workspace.open(self._name)
        return remembered(opened, "versions", self._last_arrival, self._versions)

    def _last_arrival(self) -> str:
        position = self._ledger.arrival_position(self._name)
        return fingerprint(FORMAT, self._ledger.database.shown, position)

    def _versions(self) -> dict[str, str]:
        return {batch: versions_of(there) for batch, there in self.present_by_batch.items()}

    @cached_property
    def batches(self) -> list[str]:
        """All batches of the collection, in order."""
        return list(self.versions)

    @cached_property
    def present_by_batch(self) -> dict[str, list[Arrival]]:
        """Objects that exist, by batch, each list ascending by document id."""
        groups: dict[str, list[Arrival]] = {batch: [] for batch in batches_of(self.objects)}
        for arrival in sorted(self.objects.values()):
            if arrival.event != DELETED:
                groups[arrival.batch].append(arrival)
        return groups

    @cached_property
    def annotation_position(self) -> LedgerPosition:
        """How far the annotations reached when they were first asked for; later ones wait."""
        return self._ledger.annotation_position(self._name)

    @cached_property
    def box_annotations(self) -> list[BoxAnnotation]:
        """Every annotation of a box, in order."""
        return self._ledger.box_annotations(self._name)


class DerivedTable(ABC):
    """One derived table of one collection; opened for one piece of work, not kept.

    Args:
        collection: opened with its stores.
        recorded: what the ledger holds, where another table has read it already.

    Attributes:
        name: the asset's name, and the folder's.
        partitioned: whether there is one file for each batch; else the batch is `WHOLE`.
        on_request: whether it is made when somebody asks, and by no sweep: it takes hours.
        upstream: names of the tables that it is made from; those that a collection lacks are none.
        pool: tables of one pool are never made at the same time; None: of any, beside any.
        completes_batches: whether a batch is told of as complete once it is in this table.
        is_begun_anew: whether a build starts again where its inputs are replaced meanwhile; what
            takes minutes goes on, and is stale when it is done.
    """

    name: ClassVar[str]
    partitioned: ClassVar[bool] = True
    on_request: ClassVar[bool] = False
    upstream: ClassVar[tuple[str, ...]] = ()
    pool: ClassVar[str | None] = None
    completes_batches: ClassVar[bool] = False
    is_begun_anew: ClassVar[bool] = True

    def __init__(self, collection: OpenCollection, recorded: LedgerSnapshot | None = None) -> None:
        self.collection = collection
        self.warehouse = collection.warehouse
        self.recorded = recorded or LedgerSnapshot(collection.workspace, collection.name)
        self.recorded.opened[type(self)] = self

    def sibling(self, table: type[Table]) -> Table:
        """Return another table of the same collection; what was read is not read again."""
        opened = self.recorded.opened.get(table)
        if opened is None:
            return table(self.collection, self.recorded)
        return cast("Table", opened)

    @classmethod
    def upstream_of(cls, collection: Collection) -> tuple[str, ...]:
        """Return the tables of the collection that make this one stale when they change."""
        return cls.upstream

    @classmethod
    def edges(cls, collection: Collection) -> list[tuple[str, str]]:
        """Return the tables that have to be made before, each as its collection and its name."""
        return [(collection.collection_name, name) for name in cls.upstream_of(collection)]

    def needs_own_run(self) -> bool:
        """Whether what is to be done takes long, and so has a sensor and a run of its own."""
        return False

    @property
    def waits_for_labels(self) -> bool:
        """Whether uploads alone change nothing here: only what people say does."""
        return False

    @property
    def collection_name(self) -> str:
        """The collection's name."""
        return self.collection.name

    @property
    def objects(self) -> Mapping[str, Arrival]:
        """The last arrival of every document, deleted ones included."""
        return self.recorded.objects

    @property
    def batches(self) -> list[str]:
        """All batches of the collection, in order."""
        return self.recorded.batches

    @cached_property
    def source(self) -> ObjectSource:
        """The buckets, opened once: finding their manifests means walking them."""
        return self.collection.source()

    def present(self, batch: str) -> list[Arrival]:
        """Return the objects of a batch that exist, ascending by document id.

        Args:
            batch: its name.

        Returns:
            Their last arrivals.

        Raises:
            NotFoundError: the collection has no such batch.
        """
        if batch not in self.recorded.present_by_batch:
            raise NotFoundError(
                f"`{self.collection_name}` has no batch `{batch}`; it has {len(self.batches)}"
                f"{', the last is ' + self.batches[-1] if self.batches else ''}. "
                "Batches are made by `autolabel sweep` as objects arrive."
            )
        return self.recorded.present_by_batch[batch]

    @property
    def partitions(self) -> list[str]:
        """The batches that this table has files for."""
        return self.batches if self.partitioned else [WHOLE]

    @abstractmethod
    def path(self, batch: str) -> PurePath:
        """Return the file of a batch."""

    @abstractmethod
    def fingerprint(self, batch: str) -> str | None:
        """Return what the file should be made from now; None while its inputs are not there yet."""

    @abstractmethod
    def build(self, batch: str, fingerprint: str, progress: Progress) -> None:
        """Make the file anew."""

    @abstractmethod
    def report(self, batch: str) -> Report:
        """Return what a person wants to know of the result: numbers, texts and tables."""

    def pictures(self, batch: str) -> dict[str, bytes]:
        """Return what a person wants to see of the result, as PNG files; nothing by default."""
        return {}

    def is_current(self, batch: str) -> bool:
        """Whether the file was made from what the sources say now, or has to wait for them.

        Files beside it, such as caches and exports, have to be there as they were written.
        """
        with self.warehouse.noting(self.recorded.looks):
            wanted = self.fingerprint(batch)
            if wanted is None:
                return True
            if self.warehouse.fingerprint(self.path(batch)) != wanted:
                return False
        # Each is looked at, so that every damaged one is set aside.
        return not sum(not self.warehouse.exists(file) for file in self._written(batch))

    def _written(self, batch: str) -> list[PurePath]:
        """Files that were written for a batch; of a table that is no list of batches all."""
        by_name = self._written_by_name
        own = by_name.get(batch, []) if self.partitioned else []
        return own + by_name.get(WHOLE, [])

    @cached_property
    def _written_by_name(self) -> dict[str, list[PurePath]]:
        folder = self.warehouse.path(self.collection_name, self.name)
        by_name: dict[str, list[PurePath]] = defaultdict(list)
        for path in self.warehouse.written_in(folder):
            is_shared = not self.partitioned or SHARED in path.relative_to(folder).parts
            for name in (WHOLE,) if is_shared else {path.stem, path.parent.name}:
                by_name[name].append(path)
        return by_name

    def stale(self) -> list[str]:
        """Return the batches whose file is not current, in order."""
        return [batch for batch in self.partitions if not self.is_current(batch)]

    def stale_by_uploads(self) -> list[str]:
        """Return the batches that uploads alone made stale; what waits for labels is left out."""
        return self.stale()

    def refresh(self, batch: str, progress: Progress = no_progress) -> bool:
        """Bring one file up to date; a file that is current is left alone.

        Args:
            batch: the batch, or `WHOLE`.
            progress: told how far the work is.

        Returns:
            Whether anything had to be done.
        """
        table: DerivedTable | None = None

        def looks() -> FirstLooks:
            nonlocal table
            # Once a file was replaced, nothing that was read of it may be used again.
            is_usable = table is None and not self.recorded.looks.is_broken
            table = self if is_usable else type(self)(self.collection)
            return table.recorded.looks

        def attempt() -> bool:
            return (table or self)._refresh(batch, progress)

        with self.warehouse.writing(self.collection_name, self.name):
            undisturbed = self.warehouse.undisturbed
            return undisturbed(attempt, looks) if self.is_begun_anew else attempt()

    def _refresh(self, batch: str, progress: Progress) -> bool:
        wanted = self.fingerprint(batch)
        if wanted is None or self.is_current(batch):
            return False
        self.build(batch, wanted, progress)
        for file in self._written(batch):
            if not self.warehouse.exists(file):
                self.warehouse.forget(file)
        return True
