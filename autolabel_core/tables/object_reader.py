"""Reads objects of a bucket: of each its row, and those of its frames; or why it is unreadable."""

from __future__ import annotations

from collections.abc import Iterator

from autolabel_core.foundation.errors import (
    AutolabelError,
    StoreUnavailableError,
    UnreadableItemError,
)
from autolabel_core.foundation.ids import content_hash
from autolabel_core.foundation.json_types import JsonObject
from autolabel_core.foundation.parallel import read_in_order
from autolabel_core.foundation.progress import Progress
from autolabel_core.ledger import Arrival
from autolabel_core.storage.buckets.object_source import ObjectSource
from autolabel_core.storage.buckets.stored_objects import Blob
from autolabel_core.tables.frames import FrameReader
from autolabel_core.tables.imported_labels import carried_label
from autolabel_core.tables.object_content import describe
from autolabel_core.tables.object_rows import ObjectRow, as_json, unread_row
from autolabel_core.tables.workspace import OpenCollection


class ObjectReader:
    """Reads and checks objects as a collection declares them.

    Args:
        collection: with its extractor, which says what kind of content is wanted.
        source: where the objects lie.
        frame_reader: of videos; None where their frames are no documents.
    """

    def __init__(
        self, collection: OpenCollection, source: ObjectSource, frame_reader: FrameReader | None
    ) -> None:
        self._source, self._frame_reader = source, frame_reader
        self._declaration = collection.declaration
        self._kind = collection.extractor.manifest.input
        self._mapped = self._declaration.feature_extractor.input_mappings.get(self._kind)

    def read_all(
        self, arrivals: list[Arrival], errors: list[AutolabelError], progress: Progress
    ) -> Iterator[list[ObjectRow]]:
        """Yield of each object its row and those of its frames; errors of single ones are appended.

        A row whose object cannot be read has the reason. Objects come in their order.
        """

        def read(arrival: Arrival) -> list[ObjectRow]:
            row = unread_row(arrival)
            try:
                return [row, *self._filled(row, arrival)]
            except (UnreadableItemError, StoreUnavailableError) as error:
                row["reason"] = str(error)
                errors.append(error)
            return [row]

        for done, rows in enumerate(read_in_order(read, arrivals), start=1):
            yield rows
            progress(done, len(arrivals))

    def _filled(self, row: ObjectRow, arrival: Arrival) -> list[ObjectRow]:
        """Fill in what is read of an object, and return the rows of its frames."""
        stored = self._source.open(arrival.key)
        row["metadata"] = as_json(stored.metadata)
        carried_label(self._declaration, arrival.key, dict(stored.metadata))
        blob = stored.input_blob(self._kind, self._mapped)
        row["size"] = blob.size
        if self._frame_reader is not None:
            return self._frame_reader.read(row, blob, stored.metadata)
        self._describe(row, blob, stored.metadata)
        return []

    def _describe(self, row: ObjectRow, blob: Blob, metadata: JsonObject) -> None:
        data = blob.read_within(self._declaration.max_object_mb)
        row["size"], row["content_hash"] = len(data), content_hash(data)
        described = describe(self._kind, data, blob.suffix)
        row["media_type"] = described.media_type
        row["width_px"], row["height_px"] = described.width_px, described.height_px
        row["metadata"] = as_json({**described.facts, **metadata})
