"""Copies of promoted documents among the references of another collection.

A copy has the content of the document that it was made from. It would match that document at a
cosine of 1 and count as a machine's success, so the document is compared with the other references
and carries the label as what it is: a person's decision.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from autolabel_core.declarations import Collection
from autolabel_core.declarations.conditions.values import scalar_of
from autolabel_core.foundation.ids import document_id
from autolabel_core.ledger import Annotation
from autolabel_core.tables.applied_taxonomy import AppliedTaxonomy
from autolabel_core.tables.document_table import DocumentRow

PROMOTION = "promotion"
PROMOTED = "promoted"
"""The folder in a bucket of references that copies are written into."""


def key_of_copy(collection_name: str, key: str, references: Collection) -> str:
    """Return the key that a document has, once promoted, in another collection of references.

    Args:
        collection_name: the document's collection.
        key: the document's key.
        references: the collection of the references.

    Returns:
        A key in its first bucket.
    """
    prefix = references.source.buckets[0].key_prefix
    return f"{prefix}{PROMOTED}/{collection_name}/{key}"


def copies_among(rows: Sequence[DocumentRow], taxonomy: AppliedTaxonomy) -> npt.NDArray[np.int32]:
    """Return where each document stands among the references itself, or as its copy.

    Args:
        rows: (n,) documents.
        taxonomy: whose references.

    Returns:
        (n,) positions; -1 where neither is a reference, or the copy has another content by now.
    """
    references, place = taxonomy.references.rows, taxonomy.references.place
    if taxonomy.is_unified:
        return np.array([place.get(row["document_id"], -1) for row in rows], np.int32)
    name, target = taxonomy.collection.name, taxonomy.reference_collection
    positions = np.full(len(rows), -1, np.int32)
    for i, row in enumerate(rows if place else []):
        copy = document_id(target.collection_name, key_of_copy(name, row["key"], target))
        position = place.get(copy, -1)
        if position >= 0 and references[position]["content_hash"] == row["content_hash"]:
            positions[i] = position
    return positions


def annotations_of_copies(
    rows: Sequence[DocumentRow], copies: npt.NDArray[np.int32], taxonomy: AppliedTaxonomy
) -> dict[str, Annotation]:
    """Return the labels of the copies as annotations of the documents they were made from.

    Args:
        rows: (n,) documents.
        copies: (n,) what `copies_among` gave.
        taxonomy: whose references.

    Returns:
        By document id; nothing where documents are their own references.
    """
    if taxonomy.is_unified:
        return {}
    annotations: dict[str, Annotation] = {}
    for row, position in zip(rows, copies.tolist(), strict=True):
        if position < 0:
            continue
        reference = taxonomy.references.rows[position]
        taken = taxonomy.enrichment_from(reference).items()
        fields = {name: value for name, raw in taken if (value := scalar_of(raw)) is not None}
        annotations[row["document_id"]] = Annotation(
            collection=taxonomy.collection.name,
            document_id=row["document_id"],
            key=row["key"],
            label=reference["label"],
            content_hash=reference["content_hash"],
            annotator=PROMOTION,
            origin=PROMOTION,
            source="human" if reference["label_source"] == "human" else "promoted",
            fields=fields,
        )
    return annotations
