"""The documents of a batch, whole objects or boxes, that are embedded, labelled and indexed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Collection as AnyCollection
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeAlias, TypedDict, TypeVar, cast

import pyarrow as pa

from autolabel_core.foundation.errors import UnreachableItemError, UnreadableItemError
from autolabel_core.foundation.ids import content_hash, object_of
from autolabel_core.ledger import Annotation
from autolabel_core.storage.typed_rows import rows_as
from autolabel_core.tables.annotation_sums import Measure, Source, Terms, label_digest
from autolabel_core.tables.fingerprints import UNFINISHED
from autolabel_core.tables.table import DerivedTable

if TYPE_CHECKING:
    from PIL import Image

Item: TypeAlias = "Image.Image | str"
"""What is embedded: an image (RGB) or a text."""

CHANGED = "changed while it was read; the next sweep takes it up"


class DocumentRow(TypedDict):
    """What every document has, whatever it was made from.

    `metadata` is JSON; `reason` says why the document cannot be read, or is None.
    """

    document_id: str
    key: str
    content_hash: str | None
    media_type: str | None
    metadata: str | None
    reason: str | None


AnyDocument = TypeVar("AnyDocument", bound=DocumentRow)


def readable_by_content(rows: Sequence[AnyDocument]) -> dict[str, AnyDocument]:
    """Return the rows that can be read by their content hash; of equal contents the last."""
    return {content: row for row in rows if not row["reason"] and (content := row["content_hash"])}


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

    Every row is a `DocumentRow`, and rows ascend by document id.

    Attributes:
        read_columns: what is read of the file; None means all of it.
        size_columns: of the file, with width and height in pixels of what is decoded as a whole.
    """

    read_columns: ClassVar[Sequence[str] | None] = None
    size_columns: ClassVar[Sequence[str]] = ()

    @property
    def columns(self) -> Mapping[str, pa.DataType]:
        """Name and Arrow type of what documents take over beside what every row has."""
        return {}

    def keys(self, batch: str) -> dict[str, str]:
        """Return the key of each document of a batch whose object exists, by document id."""
        there = {arrival.document_id for arrival in self.present(batch)}
        rows = self.rows(batch)
        return {r["document_id"]: r["key"] for r in rows if object_of(r["document_id"]) in there}

    @abstractmethod
    def rows(self, batch: str) -> Sequence[DocumentRow]:
        """Return the documents of a batch."""

    def rows_to_decode(self, batch: str) -> Sequence[DocumentRow]:
        """Return the documents of a batch, whole images with the columns of their size."""
        rows = self.rows(batch)
        if self.size_columns and len(rows):
            sizes = self.warehouse.read_table(self.path(batch), ["document_id", *self.size_columns])
            by_document = {row["document_id"]: row for row in sizes.to_pylist()}
            rows = [
                cast("DocumentRow", {**by_document.get(r["document_id"], {}), **r}) for r in rows
            ]
        return rows

    def rows_of(
        self, wanted: set[str], column: str = "document_id", batches: Sequence[str] | None = None
    ) -> list[DocumentRow]:
        """Return the rows of the table that have one of these values.

        Args:
            wanted: the values.
            column: of which column.
            batches: where to look; None is everywhere.

        Returns:
            Whole rows, batch by batch.
        """
        tables = self._tables_of(wanted, column, self.batches if batches is None else batches)
        return [row for table in tables for row in rows_as(table, DocumentRow)]

    def _tables_of(
        self, wanted: set[str], column: str, batches: Sequence[str]
    ) -> Iterator[pa.Table]:
        import pyarrow.compute as pc

        values = pa.array(sorted(wanted), pa.string())
        columns = self.read_columns and [
            *dict.fromkeys([*self.read_columns, *self.columns, column])
        ]
        for batch in batches if wanted else []:
            if self.warehouse.exists(self.path(batch)):
                table = self.warehouse.read_table(self.path(batch), columns)
                yield table.filter(pc.is_in(table[column], value_set=values))

    def settled_fingerprint(self, batch: str) -> str | None:
        """Return what a file was made from; None where it may change without another fingerprint.

        A batch without a file is settled: the text is empty.
        """
        made_from = self.warehouse.fingerprint(self.path(batch)) or ""
        return None if made_from.endswith(UNFINISHED) else made_from

    @abstractmethod
    def annotations(self, documents: AnyCollection[str] | None = None) -> dict[str, Annotation]:
        """Return what people said that holds now of all documents, or of some, by document id."""

    @abstractmethod
    def annotations_in(
        self, batch: str, documents: AnyCollection[str] | None = None, until: int | None = None
    ) -> dict[str, Annotation]:
        """Return what people said that holds of the documents of one batch.

        Args:
            batch: its name.
            documents: ids of those that are asked about; None is all of them.
            until: the greatest id of the ledger that counts; None is all. Only what is passed on by
                `sums` is asked for.

        Returns:
            By document id.
        """

    @property
    def label_digests(self) -> Mapping[str, str]:
        """By batch a digest of the labels that people gave, as far as they hold."""

        def measure(batch: str, *_: object) -> Terms:
            return Terms({"labels": sum(map(label_digest, self.annotations_in(batch).values()))})

        terms = self.sums("labels_by_people", lambda batch: "", measure)
        return {batch: f"{found.sums['labels']:032x}" for batch, found in terms.items()}

    @abstractmethod
    def sums(self, what: str, source: Source, measure: Measure) -> Mapping[str, Terms]:
        """Add up terms of annotated documents.

        Args:
            what: names the sums.
            source: tells what the terms of a batch are computed from.
            measure: computes them.

        Returns:
            The terms of each batch.
        """

    @abstractmethod
    def stale_annotations(self) -> int:
        """Count what people said of contents that are there no more."""

    def without_label(self, batch: str) -> pa.Table | None:
        """Return documents that stand beside those that take a label; None: there are no such."""
        return None

    @abstractmethod
    def decoded(
        self, rows: Sequence[DocumentRow], min_side_px: int | None
    ) -> Iterator[Item | Unreadable]:
        """Yield each row's image or text, in order."""

    @abstractmethod
    def reader(self) -> Callable[[str], bytes]:
        """Return what gives a document's content as a file, by its key."""

    def content(self, key: str, wanted: str | None) -> bytes:
        """Return what a document was embedded from, as a file.

        Args:
            key: of the document.
            wanted: hash of the content that is meant; None is equal to no content.

        Returns:
            An object's own bytes; what lies in a box as a PNG. What cannot be read, or has another
            content by now, is an `UnreadableItemError`.
        """
        return self.read_checked(key, wanted)

    def read_checked(self, key: str, wanted: str | None) -> bytes:
        """Return an object's bytes.

        Args:
            key: of the object.
            wanted: hash of the content that is meant; None is equal to no content.

        Returns:
            Its bytes. What cannot be read is an `UnreadableItemError`.

        Raises:
            UnreachableItemError: it has another content by now; the earlier one may be back at the
                next look, which no listing would tell.
        """
        kind = self.collection.extractor.manifest.input
        mapped = self.collection.declaration.feature_extractor.input_mappings.get(kind)
        blob = self.source.open(key).input_blob(kind, mapped)
        data = blob.read_within(self.collection.declaration.max_object_mb)
        if content_hash(data) != wanted:
            raise UnreachableItemError(CHANGED)
        return data


def decode(kind: str, data: bytes, media_type: str | None, min_side_px: int | None) -> Item:
    """Return an object's image (RGB) or text; the media type tells how a text is read."""
    if kind == "text":
        from autolabel_core.foundation.media.text_formats import read_text

        return read_text(data, media_type or "text/plain")
    from autolabel_core.foundation.media.images import decode_image

    return decode_image(data, min_side_px)
