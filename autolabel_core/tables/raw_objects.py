"""The objects in the bucket: hash, size, type, dimensions, metadata, or why one is unreadable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Collection as AnyCollection
from dataclasses import replace
from functools import cached_property
from pathlib import PurePath
from typing import TypedDict

import pyarrow as pa

from autolabel_core.foundation.errors import (
    AutolabelError,
    StoreUnavailableError,
    UnreachableItemError,
    UnreadableItemError,
)
from autolabel_core.foundation.ids import content_hash, fingerprint
from autolabel_core.foundation.json_types import Report
from autolabel_core.foundation.media.further_formats import installed_readers
from autolabel_core.foundation.parallel import read_in_order
from autolabel_core.foundation.progress import Progress
from autolabel_core.ledger import Annotation, Arrival
from autolabel_core.storage.typed_rows import rows_as
from autolabel_core.tables.annotation_sums import Measure, Terms, summed
from autolabel_core.tables.carry_over import collection_moves, record_moves
from autolabel_core.tables.document_table import (
    DocumentRow,
    DocumentTable,
    Item,
    Unreadable,
    decode,
)
from autolabel_core.tables.fingerprints import ObjectsFingerprint
from autolabel_core.tables.imported_labels import carried_label, import_labels
from autolabel_core.tables.label_conflicts import LabelConflict
from autolabel_core.tables.moves import UnclearMove
from autolabel_core.tables.object_annotations import COLUMNS, ObjectAnnotations
from autolabel_core.tables.object_content import describe
from autolabel_core.tables.object_rows import SCHEMA, ObjectRow, as_json, unread_row
from autolabel_core.tables.table import versions_of

FORMAT = 1
TEXT_FORMAT = 1
"""Of what is written of a text: another number has all of them read anew."""
FOR_NOW = (StoreUnavailableError, UnreachableItemError)


class PeoplesWords(TypedDict):
    """How many documents people disagree about, and moves that they have to decide."""

    disagreements: int
    unclear_moves: list[UnclearMove]


class RawObjects(DocumentTable):
    """One row for each object that exists, ascending by document id."""

    name = "raw_objects"
    read_columns = tuple(DocumentRow.__annotations__)

    def path(self, batch: str) -> PurePath:
        """Return the file of a batch."""
        return self.warehouse.path(self.collection_name, self.name, f"{batch}.parquet")

    def fingerprint(self, batch: str) -> str:
        """Cover the declaration of the source and every object's version."""
        if batch not in self.recorded.versions:
            self.present(batch)
        declared = fingerprint(self._declared)
        return str(ObjectsFingerprint(declared, self.recorded.versions[batch]))

    @property
    def _declared(self) -> list[object]:
        schemas = [b.bucket_schema.model_dump() for b in self.collection.declaration.source.buckets]
        mappings = self.collection.declaration.feature_extractor.input_mappings
        extractor = self.collection.declaration.feature_extractor.feature_extractor_name
        limit, label = (
            self.collection.declaration.max_object_mb,
            self.collection.declaration.label_field,
        )
        names = self.collection.declaration.references
        declared: list[object] = [FORMAT, schemas, mappings, extractor, limit, label]
        if self.collection.extractor.manifest.input == "text":
            declared.append({"text_format": TEXT_FORMAT})
        elif readers := installed_readers():
            # What could not be read without an extra is read once it is installed.
            declared.append({"readers": readers})
        if any(bucket.allow is not None for bucket in self.collection.declaration.source.buckets):
            declared.append([bucket.allow for bucket in self.collection.declaration.source.buckets])
        return declared if names is None else [*declared, names.model_dump()]

    def build(self, batch: str, fingerprint: str, progress: Progress) -> None:
        """Read what changed, take over the rest, and import the labels that objects carry."""
        known = self._known_rows(batch)
        arrivals = self.present(batch)
        changed = [a for a in arrivals if (a.document_id, a.version) not in known]
        errors: list[AutolabelError] = []
        fresh = {row["document_id"]: row for row in self._read_all(changed, errors, progress)}
        rows = [fresh.get(a.document_id) or known[(a.document_id, a.version)] for a in arrivals]
        table = pa.Table.from_pylist(rows, schema=SCHEMA)
        import_labels(self.collection.ledger, self.collection.declaration, rows)
        if not any(self._is_behind(other) for other in reversed(self.batches) if other != batch):
            record_moves(self, {batch: table.select(COLUMNS)})
        is_finished = not any(isinstance(error, FOR_NOW) for error in errors)
        # What arrived since the fingerprint was asked for is among them.
        made_from = ObjectsFingerprint(
            ObjectsFingerprint.parse(fingerprint).declaration,
            versions_of(arrivals),
            unfinished=not is_finished,
        )
        self.warehouse.write_table(self.path(batch), table, str(made_from))
        waiting = [error for error in errors if isinstance(error, StoreUnavailableError)]
        if waiting:
            raise StoreUnavailableError(
                f"{len(waiting)} of {len(rows)} objects of {batch} could not be read for now; the "
                f"others are recorded, and the next sweep reads these alone: {waiting[0]}"
            )

    def _is_behind(self, batch: str) -> bool:
        """Whether a batch has objects that were not looked at yet."""
        made_from = ObjectsFingerprint.of_file(self.warehouse, self.path(batch))
        if made_from is None:
            return True
        return str(replace(made_from, unfinished=False)) != self.fingerprint(batch)

    def _known_rows(self, batch: str) -> dict[tuple[str, str], ObjectRow]:
        """Readable rows of the file, unless they were read under another declaration."""
        path = self.path(batch)
        made_from = ObjectsFingerprint.of_file(self.warehouse, path)
        if made_from is None or made_from.declaration != fingerprint(self._declared):
            return {}
        return {
            (row["document_id"], row["version"]): row
            for row in self.objects_of(batch)
            if not row["reason"]
        }

    def _read_all(
        self, arrivals: list[Arrival], errors: list[AutolabelError], progress: Progress
    ) -> Iterable[ObjectRow]:
        kind = self.collection.extractor.manifest.input
        mapped = self.collection.declaration.feature_extractor.input_mappings.get(kind)

        def read(arrival: Arrival) -> ObjectRow:
            row = unread_row(arrival)
            try:
                stored = self.source.open(arrival.key)
                row["metadata"] = as_json(stored.metadata)
                carried_label(self.collection.declaration, arrival.key, dict(stored.metadata))
                blob = stored.input_blob(kind, mapped)
                row["size"] = blob.size
                data = blob.read_within(self.collection.declaration.max_object_mb)
                row["size"], row["content_hash"] = len(data), content_hash(data)
                described = describe(kind, data, blob.suffix)
                row["media_type"] = described.media_type
                row["width_px"], row["height_px"] = described.width_px, described.height_px
                row["metadata"] = as_json({**described.facts, **stored.metadata})
            except (UnreadableItemError, StoreUnavailableError) as error:
                row["reason"] = str(error)
                errors.append(error)
            return row

        for done, row in enumerate(read_in_order(read, arrivals), start=1):
            yield row
            progress(done, len(arrivals))

    def keys(self, batch: str) -> dict[str, str]:
        """Return the key of each object of a batch by document id; the ledger knows them."""
        return {arrival.document_id: arrival.key for arrival in self.present(batch)}

    def rows(self, batch: str) -> list[DocumentRow]:
        """Return every object: each is a document."""
        return rows_as(self.warehouse.read_table(self.path(batch), self.read_columns), DocumentRow)

    def objects_of(self, batch: str) -> list[ObjectRow]:
        """Return every object of a batch with all that was read of it."""
        return rows_as(self.warehouse.read_table(self.path(batch)), ObjectRow)

    def annotations(self, documents: AnyCollection[str] | None = None) -> dict[str, Annotation]:
        """Return the annotation that holds for each document, or for each of some."""
        return self._people.holding(documents)

    def annotations_in(
        self, batch: str, documents: AnyCollection[str] | None = None, until: int | None = None
    ) -> dict[str, Annotation]:
        """Return the annotation that holds for each document of a batch."""
        return self._people.holding_in(batch, documents, until)

    def label_conflicts(self) -> list[LabelConflict]:
        """Return where two people label one document differently, read by a sweep or not yet."""
        return self._people.conflicts()

    @property
    def label_digests(self) -> Mapping[str, str]:
        """By batch a digest of the labels that people gave, as far as they hold."""
        return self._people.label_digests

    def sums(
        self, what: str, sources: Mapping[str, str | None], measure: Measure
    ) -> Mapping[str, Terms]:
        """Add up terms of annotated documents; only what changed is computed anew."""
        return summed(self.collection, self.recorded, what, sources, measure)

    def stale_annotations(self) -> int:
        """Count documents whose last label was given to a content which is there no more."""
        return self._people.stale

    @cached_property
    def people(self) -> PeoplesWords:
        """What only people can settle."""
        takes_labels = self.collection.declaration.detection is None
        return {
            "disagreements": self._people.disagreements if takes_labels else 0,
            "unclear_moves": collection_moves(self, {}).unclear,
        }

    @cached_property
    def _people(self) -> ObjectAnnotations:
        return ObjectAnnotations(self)

    def decoded(
        self, rows: Sequence[DocumentRow], min_side_px: int | None
    ) -> Iterator[Item | Unreadable]:
        """Yield each object's image or text."""
        kind = self.collection.extractor.manifest.input

        def read(row: DocumentRow) -> Item | Unreadable:
            try:
                data = self.read_checked(row["key"], row["content_hash"])
                return decode(kind, data, row["media_type"], min_side_px)
            except UnreadableItemError as error:
                return Unreadable.because(error)

        return read_in_order(read, rows)

    def reader(self) -> Callable[[str], bytes]:
        """Return what gives an object's bytes as they are now."""
        kind = self.collection.extractor.manifest.input
        mapped = self.collection.declaration.feature_extractor.input_mappings.get(kind)
        return lambda key: self.source.open(key).input_blob(kind, mapped).read()

    def report(self, batch: str) -> Report:
        """Count objects, bytes and types, and list what could not be read and why."""
        rows = self.objects_of(batch)
        unreadable = [row for row in rows if row["reason"]]
        types = Counter(row["media_type"] for row in rows if row["media_type"])
        return {
            "objects": len(rows),
            "bytes": sum(row["size"] or 0 for row in rows),
            "quarantined": len(unreadable),
            "media types": [{"media_type": k, "objects": n} for k, n in sorted(types.items())],
            "quarantine": [{"key": r["key"], "reason": r["reason"]} for r in unreadable[:100]],
        }
