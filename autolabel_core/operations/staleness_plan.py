"""Plans what is stale in a collection, by comparing fingerprints of tables with their sources."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autolabel_core.declarations import Collection
from autolabel_core.foundation.errors import NotFoundError
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.tables.embeddings import Embeddings
from autolabel_core.tables.raw_objects import RawObjects
from autolabel_core.tables.reference_set import ReferenceSet
from autolabel_core.tables.table import WHOLE, DerivedTable
from autolabel_core.tables.taxonomy_labels import TaxonomyLabels
from autolabel_core.tables.workspace import OpenCollection

if TYPE_CHECKING:
    from autolabel_core.training.requested_weights import RequestedWeights


def _detections() -> type[DerivedTable]:
    from autolabel_core.tables.detections import DetectionTable

    return DetectionTable


def _reindexed_vectors() -> type[DerivedTable]:
    from autolabel_core.tables.reindexed_vectors import ReindexedVectors

    return ReindexedVectors


def _clusters() -> type[DerivedTable]:
    from autolabel_core.clusters.table import Clusters

    return Clusters


def _label_exports() -> type[DerivedTable]:
    from autolabel_core.exports.label_exports_table import AnnotationExports

    return AnnotationExports


def _box_exports() -> type[DerivedTable]:
    from autolabel_core.exports.box_exports_table import BoxExports

    return BoxExports


def _detector_weights() -> type[DerivedTable]:
    from autolabel_core.training.detectors.weights_table import FineTunedWeights

    return FineTunedWeights


def _head_weights() -> type[DerivedTable]:
    from autolabel_core.training.heads.weights_table import HeadWeights

    return HeadWeights


def _suggestions() -> type[DerivedTable]:
    from autolabel_core.tables.suggestions import Suggestions

    return Suggestions


def _always(collection: Collection) -> bool:
    return True


def _has_detector(collection: Collection) -> bool:
    return collection.detection is not None


def _has_no_detector(collection: Collection) -> bool:
    return collection.detection is None


def _proposes_by_name(collection: Collection) -> bool:
    return collection.zero_shot is not None


def _has_clusters(collection: Collection) -> bool:
    return bool(collection.clusters)


def _trains_a_head(collection: Collection) -> bool:
    return collection.feature_extractor.fine_tune and collection.detection is None


@dataclass(frozen=True)
class TableEntry:
    """A kind of derived table.

    Attributes:
        name: the asset's name.
        load: imports the class; what a collection does not have is never imported.
        applies_to: whether a collection has this table.
    """

    name: str
    load: Callable[[], type[DerivedTable]]
    applies_to: Callable[[Collection], bool] = _always


TABLES: tuple[TableEntry, ...] = (
    TableEntry("raw_objects", lambda: RawObjects),
    TableEntry("detections", _detections, _has_detector),
    TableEntry("embeddings", lambda: Embeddings),
    TableEntry("reference_set", lambda: ReferenceSet),
    TableEntry("suggestions", _suggestions, _proposes_by_name),
    TableEntry("taxonomy_labels", lambda: TaxonomyLabels),
    TableEntry("reindexed_vectors", _reindexed_vectors),
    TableEntry("clusters", _clusters, _has_clusters),
    TableEntry("annotation_exports", _label_exports, _has_no_detector),
    TableEntry("annotation_exports", _box_exports, _has_detector),
    TableEntry("fine_tuned_weights", _detector_weights, _has_detector),
    TableEntry("fine_tuned_weights", _head_weights, _trains_a_head),
)


@dataclass(frozen=True)
class Plan:
    """One run: these assets over these batches. Empty when all is current.

    Attributes:
        assets: names, in the order of the graph.
        batches: stale batches, in order.
        wanted: fingerprint of what the stale files shall be made from; another content has another.
    """

    assets: tuple[str, ...]
    batches: tuple[str, ...]
    wanted: str = ""

    def __bool__(self) -> bool:
        """Whether anything is to be done."""
        return bool(self.assets)


def tables_of(collection: Collection) -> list[type[DerivedTable]]:
    """Return the tables that a collection has, in the order of the graph."""
    return [entry.load() for entry in TABLES if entry.applies_to(collection)]


def edges_of(collection: Collection, table: type[DerivedTable]) -> list[tuple[str, str]]:
    """Return what a table is made from, as collections and names of tables that there are.

    Args:
        collection: the declaration.
        table: one of its tables.

    Returns:
        The edges of the graph that end in the table, those from other collections among them.
    """
    name = collection.collection_name
    there = {entry.name for entry in TABLES if entry.applies_to(collection)}
    edges = table.edges(collection)
    return [(owner, above) for owner, above in edges if owner != name or above in there]


def plan(
    collection: OpenCollection,
    uploads_only: bool = False,
    leave_own_runs: bool = False,
) -> Plan:
    """Compare every derived table with its sources; what stands downstream of a stale one is stale.

    Args:
        collection: opened with its stores.
        uploads_only: leave out what labels, references and rules made stale: new documents are
            labelled by the references that stand, and labels wait for their threshold.
        leave_own_runs: leave out what a sensor of its own asks for, such as a full run of clusters;
            uploads leave it out too.

    Returns:
        The next run: changed references make all labels stale. After it the plan is asked again,
        because new vectors may make more references than were to be seen before.
    """
    stale: dict[str, list[str]] = {}
    raw = RawObjects(collection)
    wanted: list[tuple[str, str, str | None]] = []
    changed: set[str] = set()
    for table in (raw.sibling(opened) for opened in tables_of(collection.declaration)):
        if table.on_request or ((uploads_only or leave_own_runs) and table.needs_own_run()):
            continue
        batches = table.stale_by_uploads() if uploads_only else table.stale()
        wanted += [(table.name, batch, table.fingerprint(batch)) for batch in batches]
        changed |= {table.name} if batches else set()
        batches = _with_downstream(table, batches, stale, changed, uploads_only)
        if batches:
            stale[table.name] = batches
    partitions = sorted({b for batches in stale.values() for b in batches if b != WHOLE})
    return Plan(tuple(stale), tuple(partitions), fingerprint(wanted) if stale else "")


def weights_of(collection: Collection) -> type[RequestedWeights]:
    """Return the table of what is trained for a collection.

    Args:
        collection: the declaration.

    Returns:
        That of its detector, or of the head on its features.

    Raises:
        NotFoundError: it declares neither.
    """
    from autolabel_core.training.requested_weights import RequestedWeights

    for table in tables_of(collection):
        if issubclass(table, RequestedWeights):
            return table
    raise NotFoundError(
        f"`{collection.collection_name}` declares nothing to train: add `detection`, or "
        "`fine_tune: true` under `feature_extractor`, to its YAML."
    )


def training_plan(collection: OpenCollection) -> Plan:
    """Return the run that trains and judges, where that was asked for; no sweep includes it.

    Args:
        collection: opened with its stores.

    Returns:
        The run; empty when all that was asked for is done.
    """
    table = weights_of(collection.declaration)(collection)
    if not table.stale():
        return Plan((), ())
    return Plan((table.name,), (), fingerprint([table.name, table.fingerprint(WHOLE)]))


def _with_downstream(
    table: DerivedTable,
    batches: list[str],
    stale: dict[str, list[str]],
    changed: set[str],
    uploads_only: bool,
) -> list[str]:
    """Add to a table's stale batches those that what stands upstream will make stale."""
    above = table.upstream_of(table.collection.declaration)
    upstream = {batch for name in above for batch in stale.get(name, [])}
    if not table.partitioned:
        waits = uploads_only and table.waits_for_labels
        return [WHOLE] if upstream and not waits else batches
    if any(WHOLE in stale.get(name, []) and name in changed for name in above):
        return table.partitions
    return sorted({*batches, *upstream} - {WHOLE})
