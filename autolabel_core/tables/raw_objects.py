"""The objects in the bucket: hash, size, type, dimensions, metadata, or why one is unreadable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import groupby
from pathlib import PurePath

import pyarrow as pa

from autolabel_core.foundation.errors import (
    AutolabelError,
    StoreUnavailableError,
    UnreachableItemError,
    UnreadableItemError,
)
from autolabel_core.foundation.ids import fingerprint, object_of
from autolabel_core.foundation.json_types import Report
from autolabel_core.foundation.media.further_formats import installed_readers
from autolabel_core.foundation.media.video_container import has_video
from autolabel_core.foundation.parallel import read_in_order
from autolabel_core.foundation.progress import Progress
from autolabel_core.ledger.arrivals import versions_of
from autolabel_core.storage.typed_rows import rows_as
from autolabel_core.tables import object_rows
from autolabel_core.tables.carry_over import record_moves
from autolabel_core.tables.document_table import (
    DocumentRow,
    Item,
    Unreadable,
    decode,
)
from autolabel_core.tables.fingerprints import ObjectsFingerprint
from autolabel_core.tables.frames import (
    FrameReader,
    frame_reader,
    frames_among,
    is_frame,
    is_read_video,
    without_parts,
)
from autolabel_core.tables.imported_labels import import_labels
from autolabel_core.tables.labelled_documents import LabelledDocuments
from autolabel_core.tables.object_annotations import COLUMNS
from autolabel_core.tables.object_reader import ObjectReader
from autolabel_core.tables.object_rows import ObjectRow

FORMAT = 1
TEXT_FORMAT = 1
"""Of what is written of a text: another number has all of them read anew."""
FOR_NOW = (StoreUnavailableError, UnreachableItemError)


class RawObjects(LabelledDocuments):
    """One row for each object that exists, ascending by document id."""

    name = "raw_objects"
    read_columns = tuple(DocumentRow.__annotations__)
    size_columns = ("width_px", "height_px")

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
        collection = self.collection.declaration
        buckets, extractor = collection.source.buckets, collection.feature_extractor
        declared: list[object] = [
            *(FORMAT, [bucket.bucket_schema.model_dump() for bucket in buckets]),
            *(extractor.input_mappings, extractor.feature_extractor_name),
            *(collection.max_object_mb, collection.label_field),
        ]
        if self.collection.extractor.manifest.input == "text":
            declared.append({"text_format": TEXT_FORMAT})
        elif readers := installed_readers():
            # What could not be read without an extra is read once it is installed.
            declared.append({"readers": readers})
        if (frames := collection.frames) is not None:
            declared.append({"frames": frames.model_dump(), "can_decode": has_video()})
        if any(bucket.allow is not None for bucket in buckets):
            declared.append([bucket.allow for bucket in buckets])
        names = collection.references
        return declared if names is None else [*declared, names.model_dump()]

    def build(self, batch: str, fingerprint: str, progress: Progress) -> None:
        """Read what changed, take over the rest, and import the labels that objects carry."""
        known = self._known_rows(batch)
        arrivals = self.present(batch)
        changed = [a for a in arrivals if (a.document_id, a.version) not in known]
        errors: list[AutolabelError] = []
        reader = ObjectReader(self.collection, self.source, self._frame_reader)
        read_anew = reader.read_all(changed, errors, progress)
        fresh = {rows[0]["document_id"]: rows for rows in read_anew}
        read = [fresh.get(a.document_id) or known[(a.document_id, a.version)] for a in arrivals]
        rows = [row for of_object in read for row in of_object]
        table = pa.Table.from_pylist(rows, schema=self._schema)
        import_labels(self.collection.ledger, self.collection.declaration, without_parts(rows))
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
                f"{len(waiting)} of {len(read)} objects of {batch} could not be read for now; the "
                f"others are recorded, and the next sweep reads these alone: {waiting[0]}"
            )

    def _is_behind(self, batch: str) -> bool:
        """Whether a batch has objects that were not looked at yet."""
        made_from = ObjectsFingerprint.of_file(self.warehouse, self.path(batch))
        if made_from is None:
            return True
        return str(replace(made_from, unfinished=False)) != self.fingerprint(batch)

    @property
    def _schema(self) -> pa.Schema:
        return object_rows.schema_of(self.collection.declaration)

    def _known_rows(self, batch: str) -> dict[tuple[str, str], list[ObjectRow]]:
        """Rows of readable objects, frames after their video, unless declared otherwise then."""
        path = self.path(batch)
        made_from = ObjectsFingerprint.of_file(self.warehouse, path)
        if made_from is None or made_from.declaration != fingerprint(self._declared):
            return {}
        known: dict[tuple[str, str], list[ObjectRow]] = {}
        for row in self.objects_of(batch):
            if not row["reason"]:
                known.setdefault((object_of(row["document_id"]), row["version"]), []).append(row)
        return known

    @cached_property
    def _frame_reader(self) -> FrameReader | None:
        """What reads videos; None where their frames are no documents."""
        return frame_reader(self.collection, self.source)

    @property
    def columns(self) -> Mapping[str, pa.DataType]:
        """What frames say beside what all documents say."""
        if self.collection.declaration.frames is None:
            return {}
        return {name: object_rows.FRAMES_SCHEMA.field(name).type for name in object_rows.TAKEN_OVER}

    def keys(self, batch: str) -> dict[str, str]:
        """Return the key of each document of a batch by its id; the ledger knows objects."""
        if self.collection.declaration.frames is not None:
            return super().keys(batch)
        return {arrival.document_id: arrival.key for arrival in self.present(batch)}

    def rows(self, batch: str) -> Sequence[DocumentRow]:
        """Return every object, each of which is a document; frames in place of their video."""
        if self.collection.declaration.frames is not None:
            return [row for row in self.objects_of(batch) if not is_read_video(row)]
        return rows_as(self.warehouse.read_table(self.path(batch), self.read_columns), DocumentRow)

    def without_label(self, batch: str) -> pa.Table | None:
        """Return the videos whose frames are documents."""
        if self.collection.declaration.frames is None:
            return None
        videos = [row for row in self.objects_of(batch) if is_read_video(row)]
        return pa.Table.from_pylist(videos, self._schema).drop_columns(["version", "size"])

    def objects_of(self, batch: str) -> list[ObjectRow]:
        """Return every object of a batch with all that was read of it."""
        return rows_as(self.warehouse.read_table(self.path(batch)), ObjectRow)

    def decoded(
        self, rows: Sequence[DocumentRow], min_side_px: int | None
    ) -> Iterator[Item | Unreadable]:
        """Yield each object's image or text, or a frame."""
        if (reader := self._frame_reader) is None:
            yield from self._decoded_objects(rows, min_side_px)
            return
        for is_part, group in groupby(rows, is_frame):
            if is_part:
                yield from reader.pictures(frames_among(group), min_side_px)
            else:
                yield from self._decoded_objects(list(group), min_side_px)

    def _decoded_objects(
        self, rows: Sequence[DocumentRow], min_side_px: int | None
    ) -> Iterator[Item | Unreadable]:
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

        def read(key: str) -> bytes:
            frame = self._frames_by_key.get(key)
            if frame is not None:
                return self.content(key, frame["content_hash"])
            return self.source.open(key).input_blob(kind, mapped).read()

        return read

    def content(self, key: str, wanted: str | None) -> bytes:
        """Return an object's bytes, or a frame as a PNG file.

        Args:
            key: of the document.
            wanted: hash of the content that is meant.

        Returns:
            The file. What cannot be read, or has another content by now, is an
            `UnreadableItemError`.
        """
        frame = self._frames_by_key.get(key)
        if frame is None or self._frame_reader is None:
            return self.read_checked(key, wanted)
        return self._frame_reader.png(frame, wanted)

    @cached_property
    def _frames_by_key(self) -> dict[str, ObjectRow]:
        if self.collection.declaration.frames is None:
            return {}
        there = (batch for batch in self.batches if self.warehouse.exists(self.path(batch)))
        return {r["key"]: r for batch in there for r in self.objects_of(batch) if is_frame(r)}

    def report(self, batch: str) -> Report:
        """Count objects, bytes and types, and list what could not be read and why."""
        every = self.objects_of(batch)
        rows = [row for row in every if not is_frame(row)]
        unreadable = [row for row in rows if row["reason"]]
        types = Counter(row["media_type"] for row in rows if row["media_type"])
        return {
            "objects": len(rows),
            "bytes": sum(row["size"] or 0 for row in rows),
            **({"frames": len(every) - len(rows)} if len(every) > len(rows) else {}),
            "quarantined": len(unreadable),
            "media types": [{"media_type": k, "objects": n} for k, n in sorted(types.items())],
            "quarantine": [{"key": r["key"], "reason": r["reason"]} for r in unreadable[:100]],
        }
