"""What people said of the objects of a collection, as the last sweep read them.

Asked after a label was given, it costs that label, and not the history: see `annotation_sums`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cached_property

import pyarrow as pa

from autolabel_core.ledger import Annotation
from autolabel_core.ledger.annotation_table import LedgerPosition
from autolabel_core.ledger.annotations import effective_annotations, stale_annotations
from autolabel_core.storage.typed_rows import optional_texts_of, texts_of
from autolabel_core.tables.annotation_sums import UNSEEN, Terms, add_up, label_digest, summed
from autolabel_core.tables.document_table import DocumentTable
from autolabel_core.tables.label_conflicts import LabelConflict, conflicts_of
from autolabel_core.tables.moved_labels import LabelHistories
from autolabel_core.tables.moves import Moves, moves_of

COLUMNS = ["document_id", "key", "content_hash"]


class ObjectAnnotations:
    """The annotations of whole objects.

    Args:
        objects: the table of them.
        position: the last annotation that counts; None: the last one that the table looks at.
    """

    def __init__(self, objects: DocumentTable, position: LedgerPosition | None = None) -> None:
        self._objects = objects
        self._position = position or objects.recorded.annotation_position
        self._ledger = objects.collection.ledger
        self._name = objects.collection_name

    @cached_property
    def _terms(self) -> Mapping[str, Terms]:
        collection, recorded = self._objects.collection, self._objects.recorded
        what = "labels_by_people"
        return summed(collection, recorded, what, self._made_from, self._measure, self._position)

    def _made_from(self, batch: str) -> str | None:
        """What the terms of a batch depend on; None where its file may change and not say so."""
        read = self._objects.settled_fingerprint(batch)
        return None if read is None else f"{read} {self._objects.recorded.versions[batch]}"

    def _measure(self, batch: str, documents: Collection[str] | None, until: int) -> Terms:
        if documents is None:
            documents = self._ever_in(batch)
        return self._terms_of(documents, self._objects_of(batch, documents), until)

    def _terms_of(self, documents: Collection[str], objects: pa.Table, until: int) -> Terms:
        events = self._ledger.annotations_of(self._name, documents, until)
        contents = _contents_of(objects)
        holding = effective_annotations(events, contents).values()
        conflicts = conflicts_of(events, self._objects.recorded.arrivals_of(documents), contents)
        sums = {
            "stale": len(stale_annotations(events, contents)),
            "disagreements": len(conflicts),
            "labels": sum(map(label_digest, holding)),
        }
        displaced = (e for e in events if contents.get(e.document_id) != e.content_hash)
        return Terms(add_up([sums]), frozenset(event.document_id for event in displaced))

    def _ever_in(self, batch: str) -> set[str]:
        arrivals = self._objects.objects
        if self._objects.collection.declaration.frames is not None:
            annotated = self._ledger.annotated_after(self._name, 0)
            found = self._objects.recorded.arrivals_of(annotated)
            return {document for document, last in found.items() if last.batch == batch}
        return {document for document, last in arrivals.items() if last.batch == batch}

    def _objects_of(self, batch: str, documents: Collection[str] | None = None) -> pa.Table:
        """Read `COLUMNS` of a batch, or of some of its documents."""
        path = self._objects.path(batch)
        if batch == UNSEEN or not self._objects.warehouse.exists(path):
            return pa.table({name: pa.array([], pa.string()) for name in COLUMNS})
        table = self._objects.warehouse.read_table(path, COLUMNS)
        return table if documents is None else _where(table, "document_id", documents)

    @property
    def label_digests(self) -> dict[str, str]:
        """By batch a digest of the labels that people gave, as far as they hold."""
        return {batch: f"{terms.sums['labels']:032x}" for batch, terms in self._terms.items()}

    @property
    def stale(self) -> int:
        """How many documents have a last label that was given to a content which is gone."""
        return self._total["stale"]

    @property
    def disagreements(self) -> int:
        """How many documents and pairs of people with different labels there are."""
        return self._total["disagreements"]

    @property
    def _total(self) -> Mapping[str, int]:
        return add_up(terms.sums for terms in self._terms.values())

    def holding(self, documents: Collection[str] | None = None) -> dict[str, Annotation]:
        """Return the annotation that holds for each of some documents, or of all.

        Args:
            documents: ids; None is all.

        Returns:
            By document id.
        """
        holding = self._ledger.holding_annotations(self._name, documents)
        contents = self._contents({annotation.document_id for annotation in holding})
        return {
            annotation.document_id: annotation
            for annotation in holding
            if contents.get(annotation.document_id) == annotation.content_hash
        }

    def holding_in(
        self, batch: str, documents: Collection[str] | None, until: int | None
    ) -> dict[str, Annotation]:
        """Return the annotation that holds for each of some documents of a batch.

        Args:
            batch: its name.
            documents: ids; None is all of the batch.
            until: the greatest id of the ledger that counts; None is that of the last annotation.

        Returns:
            By document id.
        """
        contents = _contents_of(self._objects_of(batch, documents))
        until = self._position.last if until is None else until
        events = self._ledger.annotations_of(self._name, contents, until)
        return effective_annotations(events, contents)

    def conflicts(self) -> list[LabelConflict]:
        """Return where two people label one document differently, read by a sweep or not yet."""
        events = self._ledger.annotations(self._name)
        contents = self._contents({event.document_id for event in events})
        return conflicts_of(events, self._objects.objects, contents)

    def _contents(self, documents: set[str]) -> dict[str, str]:
        """Present content hash of each document that can be read."""
        arrivals = self._objects.recorded.arrivals_of(documents)
        contents: dict[str, str] = {}
        for batch in sorted({arrival.batch for arrival in arrivals.values()}):
            contents |= _contents_of(self._objects_of(batch, documents))
        return contents

    def moves(self, unwritten: Mapping[str, pa.Table]) -> Moves[Annotation]:
        """Return which labels were given to a content that lies under another key now.

        Only documents with annotations of another content than theirs can have moved, and only
        those that have such a content now can be where they went.

        Args:
            unwritten: `COLUMNS` of batches that are not written yet.

        Returns:
            What is to be carried over, and what a person has to decide.
        """
        last = self._position.last
        displaced = self._displaced(unwritten) if last else set()
        if not displaced:
            return Moves()
        events = self._ledger.annotations_of(self._name, displaced, last)
        contents = {event.content_hash for event in events}
        batches = [batch for batch in self._objects.batches if batch not in unwritten]
        objects = [*unwritten.values(), *(self._objects_of(batch) for batch in batches)]
        places = [_where(table, "content_hash", contents) for table in objects]
        documents = displaced.union(*(texts_of(table, "document_id") for table in places))
        histories = LabelHistories(self._ledger.annotations_of(self._name, documents, last))
        return moves_of(histories, objects)

    def _displaced(self, unwritten: Mapping[str, pa.Table]) -> set[str]:
        displaced: set[str] = set()
        for batch, table in unwritten.items():
            terms = self._terms_of(self._ever_in(batch), table, self._position.last)
            displaced |= terms.displaced
        for batch, terms in self._terms.items():
            displaced |= set() if batch in unwritten else terms.displaced
        return displaced


def _where(table: pa.Table, column: str, values: Collection[str]) -> pa.Table:
    import pyarrow.compute as pc

    return table.filter(pc.is_in(table[column], value_set=pa.array(sorted(values), pa.string())))


def _contents_of(objects: pa.Table) -> dict[str, str]:
    """Content hash of each object that could be read."""
    ids, contents = texts_of(objects, "document_id"), optional_texts_of(objects, "content_hash")
    pairs = zip(ids, contents, strict=True)
    return {document: content for document, content in pairs if content}
