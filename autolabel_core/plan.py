"""What is out of date in a collection: what should be, compared with what is."""

from __future__ import annotations

from dataclasses import dataclass

from autolabel_core.declarations import Collection
from autolabel_core.derived.annotation_exports import AnnotationExports
from autolabel_core.derived.embeddings import Embeddings
from autolabel_core.derived.raw_objects import RawObjects
from autolabel_core.derived.reference_set import ReferenceSet
from autolabel_core.derived.reindexed_vectors import ReindexedVectors
from autolabel_core.derived.table import WHOLE, DerivedTable
from autolabel_core.derived.taxonomy_labels import TaxonomyLabels
from autolabel_core.workspace import Workspace

TABLES: tuple[type[DerivedTable], ...] = (
    RawObjects,
    Embeddings,
    ReferenceSet,
    TaxonomyLabels,
    ReindexedVectors,
    AnnotationExports,
)
UPSTREAM: dict[str, tuple[str, ...]] = {
    "raw_objects": (),
    "embeddings": ("raw_objects",),
    "reference_set": ("embeddings",),
    "taxonomy_labels": ("embeddings", "reference_set"),
    "reindexed_vectors": ("embeddings",),
    "annotation_exports": ("taxonomy_labels",),
}


@dataclass(frozen=True)
class Plan:
    """One run: these assets over these batches. Empty when all is current.

    Attributes:
        assets: names, in the order of the graph.
        batches: stale batches, in order.
    """

    assets: tuple[str, ...]
    batches: tuple[str, ...]

    def __bool__(self) -> bool:
        """Whether anything is to be done."""
        return bool(self.assets)


def plan(workspace: Workspace, collection: Collection) -> Plan:
    """Compare every derived table with its sources; what stands downstream of a stale one is stale.

    Args:
        workspace: the stores.
        collection: the declaration.

    Returns:
        The next run: changed references make all labels stale. After it the plan is asked again,
        because new vectors may make more references than were to be seen before.
    """
    stale: dict[str, list[str]] = {}
    raw = RawObjects(workspace, collection)
    changed: set[str] = set()
    for table in (raw.beside(opened) for opened in TABLES):
        found = table.stale()
        changed |= {table.name} if found else set()
        upstream = {b for name in UPSTREAM[table.name] for b in stale.get(name, [])}
        if table.partitioned:
            found = sorted({*found, *upstream} - {WHOLE})
            if any(
                WHOLE in stale.get(name, []) and name in changed for name in UPSTREAM[table.name]
            ):
                found = table.partitions
        elif upstream:
            found = [WHOLE]
        if found:
            stale[table.name] = found
    partitions = sorted({b for found in stale.values() for b in found if b != WHOLE})
    return Plan(tuple(stale), tuple(partitions))
