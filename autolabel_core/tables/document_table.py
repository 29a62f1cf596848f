"""The documents of a batch: what is embedded, labelled and indexed, whatever it was cut from."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from autolabel_core.foundation.errors import UnreachableItemError, UnreadableItemError
from autolabel_core.foundation.ids import content_hash, object_of
from autolabel_core.foundation.media.images import decode_image
from autolabel_core.foundation.media.texts import decode_text
from autolabel_core.ledger import Annotation
from autolabel_core.tables.table import DerivedTable

UNFINISHED = "~"
"""Ends the fingerprint of a file in which something could not be read for now."""
CHANGED = "changed while it was read; the next sweep takes it up"


@dataclass(frozen=True)
class Unreadable:
    """Why an item is not there; `for_now`: another look may find it."""

    reason: str
    for_now: bool = False

    @classmethod
    def because(cls, error: UnreadableItemError) -> Unreadable:
        """Return the reason that an error gives."""
        return cls(str(error), isinstance(error, UnreachableItemError))


class DocumentTable(DerivedTable):
    """A table whose rows are documents.

    Every row has `document_id`, `key`, `content_hash`, `media_type`, `metadata` and `reason` (why
    it cannot be read, or None), and rows ascend by document id.

    Attributes:
        read_columns: what is read of the file; None means all of it.
    """

    read_columns: ClassVar[Sequence[str] | None] = None

    @property
    def columns(self) -> Mapping[str, Any]:
        """Name and Arrow type of what documents take over beside what every row has."""
        return {}

    def keys(self, batch: str) -> dict[str, str]:
        """Return the key of each document of a batch whose object exists, by document id."""
        there = {arrival.document_id for arrival in self.present(batch)}
        rows = self.rows(batch)
        return {r["document_id"]: r["key"] for r in rows if object_of(r["document_id"]) in there}

    @abstractmethod
    def rows(self, batch: str) -> list[dict[str, Any]]:
        """Return the documents of a batch."""

    def rows_of(self, wanted: set[str], column: str = "document_id") -> list[dict[str, Any]]:
        """Return the rows of the table, of all batches, that have one of these values.

        Args:
            wanted: the values.
            column: of which column.

        Returns:
            Whole rows, batch by batch.
        """
        values = pa.array(sorted(wanted), pa.string())
        found: list[dict[str, Any]] = []
        for batch in self.batches if wanted else []:
            if self.warehouse.exists(self.path(batch)):
                table = self.warehouse.read_table(self.path(batch), self.read_columns)
                found += table.filter(pc.is_in(table[column], value_set=values)).to_pylist()
        return found

    @abstractmethod
    def annotations(self) -> dict[str, Annotation]:
        """Return what people said that holds now, by document id."""

    @abstractmethod
    def stale_annotations(self) -> int:
        """Count what people said of contents that are there no more."""

    def without_label(self, batch: str) -> pa.Table | None:
        """Return documents that stand beside those that take a label; None: there are no such."""
        return None

    @abstractmethod
    def decoded(
        self, rows: Sequence[dict[str, Any]], min_side_px: int | None
    ) -> Iterator[Any | Unreadable]:
        """Yield each row's image or text, in order."""

    @abstractmethod
    def reader(self) -> Callable[[str], bytes]:
        """Return what gives a document's content as a file, by its key."""

    def content(self, key: str, wanted: str) -> bytes:
        """Return what a document was embedded from, as a file.

        Args:
            key: of the document.
            wanted: hash of the content that is meant.

        Returns:
            An object's own bytes; what lies in a box as a PNG. What cannot be read, or has another
            content by now, is an `UnreadableItemError`.
        """
        return self.read_checked(key, wanted)

    def read_checked(self, key: str, wanted: str) -> bytes:
        """Return an object's bytes.

        Args:
            key: of the object.
            wanted: hash of the content that is meant.

        Returns:
            Its bytes.

        Raises:
            UnreadableItemError: it cannot be read, or has another content by now.
        """
        kind = self.workspace.extractor(self.collection).manifest.input
        mapped = self.collection.feature_extractor.input_mappings.get(kind)
        blob = self.source.open(key).input_blob(kind, mapped)
        data = blob.read_within(self.collection.max_object_mb)
        if content_hash(data) != wanted:
            raise UnreadableItemError(CHANGED)
        return data


def decode(kind: str, data: bytes, min_side_px: int | None) -> Any:
    """Return an object's image (RGB) or text."""
    return decode_text(data) if kind == "text" else decode_image(data, min_side_px)
