"""Which cluster definitions reach a collection's documents, and under which names."""

from __future__ import annotations

from collections.abc import Mapping

from autolabel_core.declarations.cluster import Cluster
from autolabel_core.declarations.collection import Collection

COLUMN_OF = {
    "cluster_id": "cluster_id",
    "label": "cluster_label",
    "summary": "cluster_summary",
    "keywords": "cluster_keywords",
    "confidence": "cluster_confidence",
    "extra": "cluster_extra",
}
"""What `enrich` lists, and the field of the document that it becomes."""

EXTRA = "extra"
"""The part that is JSON: `clusters.<definition>.extra.<key>` and `cluster_extra.<key>`."""

PREFIX = "clusters"
"""`clusters.<definition>.<part>` is there for every definition, enriched or not."""

PARTS = (*COLUMN_OF, "cosine_similarity_to_centroid", "mode")

NUMBERS = frozenset({"confidence", "cosine_similarity_to_centroid"})
"""The parts that are numbers; all others are texts."""


def covering(collections: Mapping[str, Collection], name: str) -> list[tuple[str, Cluster]]:
    """Return the definitions whose clusters a collection's documents are in.

    Args:
        collections: all declared ones.
        name: the collection.

    Returns:
        The collection that declares each, and the definition: its own first; of two definitions
        with one name the first.
    """
    owners = sorted(collections, key=lambda owner: (owner != name, owner))
    found: dict[str, tuple[str, Cluster]] = {}
    for owner in owners:
        for definition in collections[owner].clusters:
            if name in (definition.collection_identifiers or (owner,)):
                found.setdefault(definition.cluster_name, (owner, definition))
    return list(found.values())


def enriching(collections: Mapping[str, Collection], name: str) -> tuple[str, Cluster] | None:
    """Return the one definition whose clusters become fields of a collection's documents."""
    return next((one for one in covering(collections, name) if one[1].enrich), None)


def enriched_fields(collections: Mapping[str, Collection], name: str) -> tuple[str, ...]:
    """Return the fields that a collection's documents take from their clusters."""
    found = enriching(collections, name)
    return tuple(COLUMN_OF[part] for part in found[1].enrich) if found else ()


def is_cluster_field(field: str) -> bool:
    """Whether a field of a document comes from its clusters."""
    return field.partition(".")[0] in (*COLUMN_OF.values(), PREFIX)
