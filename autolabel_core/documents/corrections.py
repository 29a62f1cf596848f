"""Corrections: labels of people that differ from the auto-label before them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pyarrow as pa

from autolabel_core.foundation.ids import document_id, object_of
from autolabel_core.ledger import Annotation
from autolabel_core.ledger.annotations import MOVED
from autolabel_core.ledger.arrivals import batches_of
from autolabel_core.tables.taxonomy_labels import TaxonomyLabels
from autolabel_core.tables.workspace import OpenCollection

STOOD_BEFORE = "auto_label"
"""Where an annotation's provenance keeps the auto-label that a person saw when giving it."""


def standing_auto_labels(
    collection: OpenCollection, content_hashes: Mapping[str, str]
) -> dict[str, str]:
    """Return the auto-labels that stand in the tables now.

    Args:
        collection: opened with its stores.
        content_hashes: by key, the content that is asked about.

    Returns:
        The auto-label by key; a key is absent where none stands for that content.
    """
    import pyarrow.compute as pc

    labels = TaxonomyLabels(collection)
    ids = {document_id(collection.name, key): key for key in content_hashes}
    batches = batches_of(collection.ledger.objects_of(collection.name, {*map(object_of, ids)}))
    wanted = pa.array(sorted(ids), pa.string())
    auto_labels: dict[str, str] = {}
    for batch in batches:
        path = labels.path(batch)
        if labels.warehouse.fingerprint(path) is None:
            continue
        columns = ["document_id", "content_hash", "label", "label_source"]
        table = labels.warehouse.read_table(path, columns)
        for row in table.filter(pc.is_in(table["document_id"], value_set=wanted)).to_pylist():
            key = ids[row["document_id"]]
            if row["label_source"] == "auto" and row["content_hash"] == content_hashes[key]:
                auto_labels[key] = row["label"]
    return auto_labels


def is_correction(event: Annotation) -> bool:
    """Whether a person gave another label than the auto-label that stood before."""
    before = event.provenance.get(STOOD_BEFORE)
    is_persons = event.source == "human" and event.action == "label" and event.origin != MOVED
    return is_persons and before is not None and before != event.label


def count_corrections(events: Iterable[Annotation]) -> int:
    """Count corrected contents: one that is corrected twice counts once."""
    return len({(e.document_id, e.content_hash) for e in events if is_correction(e)})
