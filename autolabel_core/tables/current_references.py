"""The references as the ledger, the objects and their vectors say now, batch by batch."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Set
from functools import cached_property
from pathlib import PurePath

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from autolabel_core.declarations.conditions.values import scalar_of
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.foundation.json_types import Json
from autolabel_core.ledger import Annotation
from autolabel_core.ledger.annotation_table import LedgerPosition
from autolabel_core.storage.warehouse import Warehouse, matrix_of
from autolabel_core.tables.annotation_sums import (
    UNSEEN,
    Terms,
    add_up,
    by_batch,
    digest,
)
from autolabel_core.tables.embeddings import Embeddings, Vector
from autolabel_core.tables.fingerprints import UNFINISHED
from autolabel_core.tables.reference_rows import ReferenceRow

References = dict[str, tuple[ReferenceRow, Vector]]
"""Rows and vectors by document id."""


class CurrentReferences:
    """Computes them from their sources.

    Args:
        embeddings: the vectors, and the documents that they belong to.
    """

    def __init__(self, embeddings: Embeddings) -> None:
        self._embeddings = embeddings

    @cached_property
    def all(self) -> References:
        """Every reference, ascending by document id."""
        found: References = {}
        for batch in self._embeddings.batches:
            found |= self.in_batch(batch)
        return {document: found[document] for document in sorted(found)}

    def in_batch(
        self, batch: str, documents: Collection[str] | None = None, until: int | None = None
    ) -> References:
        """Return the references of a batch, or those among some of its documents.

        Args:
            batch: its name.
            documents: ids; None is all of the batch.
            until: the greatest id of the ledger that counts; None is that of the last annotation.

        Returns:
            Rows and vectors by document id.
        """
        path, warehouse = self._embeddings.path(batch), self._embeddings.warehouse
        if warehouse.fingerprint(path) is None:
            return {}
        annotations = self._embeddings.items.annotations_in(batch, documents, until)
        labelled = {
            document: event
            for document, event in annotations.items()
            if event.label is not None and event.content_hash not in self._gold
        }
        if not labelled:
            return {}
        rows = self._embeddings.items.rows_of(set(labelled), batches=[batch])
        metadata = {row["document_id"]: json.loads(row["metadata"] or "{}") for row in rows}
        return {
            document: (_row(labelled[document], metadata.get(document, {})), vector)
            for document, vector in _vectors_of(warehouse, path, labelled).items()
        }

    @cached_property
    def total(self) -> dict[str, int]:
        """How many there are, and a digest of what they say."""
        terms = self._embeddings.items.sums("reference_set", self._made_from, self._terms)
        return add_up([{"references": 0, "digest": 0}, *(found.sums for found in terms.values())])

    @cached_property
    def sources(self) -> dict[str, str | None]:
        """By batch, what references are made from beside annotations; None: it may still change."""
        return {batch: self._made_from(batch) for batch in self._embeddings.batches}

    def _made_from(self, batch: str) -> str | None:
        items = self._embeddings.items.settled_fingerprint(batch)
        vectors = self._embeddings.warehouse.fingerprint(self._embeddings.path(batch)) or ""
        is_settled = items is not None and not vectors.endswith(UNFINISHED)
        gold = f" {fingerprint(*sorted(self._gold))}" if self._gold else ""
        return f"{items} {self._embeddings.folder.name} {vectors}{gold}" if is_settled else None

    @cached_property
    def _gold(self) -> Set[str]:
        """Contents that judge the rule, and which it therefore may not learn from."""
        collection = self._embeddings.collection
        if collection.declaration.detection is not None:
            return set()
        return collection.ledger.gold_images(collection.name).keys()

    def _terms(self, batch: str, documents: Collection[str] | None, until: int) -> Terms:
        references = {} if batch == UNSEEN else self.in_batch(batch, documents, until)
        digests = [digest(row) for row, _ in references.values()]
        return Terms(add_up([{"references": len(digests), "digest": sum(digests)}]))

    def since(
        self, position: LedgerPosition, sources: Mapping[str, str | None]
    ) -> tuple[set[str], References]:
        """Return what may have changed since the references were made.

        Args:
            position: the last annotation that counted then.
            sources: what `sources` was then.

        Returns:
            Documents that were, or are, another reference, and the references among them now,
            ascending by document id.
        """
        objects = self._embeddings.recorded
        ledger, name = self._embeddings.collection.ledger, self._embeddings.collection_name
        annotated = by_batch(objects, ledger.annotated_after(name, position.last))
        documents: set[str] = set()
        found: References = {}
        for batch, made_from in self.sources.items():
            some = annotated.get(batch, set())
            if made_from is None or sources.get(batch) != made_from:
                some |= {d for d, last in objects.objects.items() if last.batch == batch}
            documents |= some
            found |= self.in_batch(batch, some) if some else {}
        return documents, {document: found[document] for document in sorted(found)}


def matrix_from(references: References, width: int) -> npt.NDArray[np.float32]:
    """Return the vectors as a matrix (r, d); d is `width` where there is none."""
    if not references:
        return np.zeros((0, width), np.float32)
    return np.stack([vector for _, vector in references.values()])


def _row(event: Annotation, metadata: dict[str, Json]) -> ReferenceRow:
    own_fields = {
        name: value for name, raw in metadata.items() if (value := scalar_of(raw)) is not None
    }
    return {
        "document_id": event.document_id,
        "key": event.key,
        "content_hash": event.content_hash,
        "label": str(event.label),
        "label_source": event.source,
        "fields": {**own_fields, **event.fields},
        "metadata": metadata,
    }


def _vectors_of(
    warehouse: Warehouse, path: PurePath, annotations: Mapping[str, Annotation]
) -> dict[str, Vector]:
    """Vectors of a file for annotated documents, where they are of the content judged."""
    import pyarrow.compute as pc

    batch = warehouse.read_batch(path)
    ids, contents = batch.column("document_id"), batch.column("content_hash")
    is_annotated = pc.is_in(ids, value_set=pa.array(sorted(annotations), pa.string()))
    rows = np.flatnonzero(pc.and_(is_annotated, pc.is_null(batch.column("reason")))).tolist()
    vectors = matrix_of(batch)
    return {
        ids[row].as_py(): vectors[row]
        for row in rows
        if annotations[ids[row].as_py()].content_hash == contents[row].as_py()
    }
