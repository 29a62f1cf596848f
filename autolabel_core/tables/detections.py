"""Boxes that the detector finds on each readable image: a document for each box and each image.

What was found on an unchanged image by the same detector is taken over. Another detector, version
or weights has files of its own beside these, so that labels and index keep to the old boxes until
every batch has new ones.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Collection as AnyCollection
from dataclasses import replace
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from pathlib import PurePath

import pyarrow as pa
from PIL import Image

from autolabel_core.foundation.charts.png import lossless_png
from autolabel_core.foundation.errors import UnreadableItemError
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.foundation.json_types import Report
from autolabel_core.foundation.media.images import decode_image
from autolabel_core.foundation.parallel import read_in_order
from autolabel_core.foundation.progress import Progress
from autolabel_core.ledger import Annotation
from autolabel_core.models.detectors import DeclaredDetector
from autolabel_core.models.extractors import feature_slug
from autolabel_core.models.extractors.batch_fallback import call_with_fallback
from autolabel_core.storage.typed_rows import rows_as
from autolabel_core.tables.annotation_sums import Measure, Source, Terms
from autolabel_core.tables.detection_annotations import DetectionAnnotations
from autolabel_core.tables.detection_report import detection_pictures, detection_report
from autolabel_core.tables.detection_rows import (
    SCHEMA,
    DetectionRecord,
    DetectionRow,
    as_json,
    is_detection,
    records_of,
    rows_of_image,
    whole_pixels,
)
from autolabel_core.tables.document_table import (
    CHANGED,
    DocumentRow,
    DocumentTable,
    Item,
    Unreadable,
    readable_by_content,
)
from autolabel_core.tables.fingerprints import DetectionsFingerprint
from autolabel_core.tables.layout import DETECTION, IMAGE
from autolabel_core.tables.object_rows import ObjectRow
from autolabel_core.tables.raw_objects import RawObjects
from autolabel_core.tables.resumable_batch import work_through

CHUNK = 32
TAKEN_OVER = (
    *("kind", "image_id", "image_key", "width_px", "height_px"),
    *("detected_class", "detected_confidence", "bbox", "bbox_format"),
)
_PART_FIELDS: list[tuple[str, pa.DataType]] = [
    ("content_hash", pa.string()),
    ("detections", pa.string()),
]
_PART_SCHEMA = pa.schema(_PART_FIELDS)


class DetectionTable(DocumentTable):
    """One row for each detection and one for each image, ascending by document id."""

    name = "detections"
    upstream = ("raw_objects",)

    @cached_property
    def raw(self) -> RawObjects:
        """The images."""
        return self.sibling(RawObjects)

    @cached_property
    def detector(self) -> DeclaredDetector:
        """The declared detector with the weights that serve now."""
        return self.collection.detector

    @cached_property
    def folder(self) -> PurePath:
        """The folder of the detector's feature URI; other boxes lie beside it."""
        slug = feature_slug(self.detector.feature_uri)
        return self.warehouse.path(self.collection_name, self.name, slug)

    def path(self, batch: str) -> PurePath:
        """Return the file of a batch."""
        return self.folder / f"{batch}.parquet"

    def fingerprint(self, batch: str) -> str | None:
        """Cover the detector and what the raw objects were made from."""
        raw = self.warehouse.fingerprint(self.raw.path(batch))
        if raw is None:
            return None
        return str(DetectionsFingerprint(self.detector.fingerprint, fingerprint(raw)))

    def build(self, batch: str, fingerprint: str, progress: Progress) -> None:
        """Detect on images that are new, keeping finished parts should the process die."""
        images = self.raw.objects_of(batch)
        wanted = readable_by_content(images)
        worked = work_through(
            wanted,
            {h: records for h, records in self._known(batch).items() if h in wanted},
            self._detect,
            lambda found: self._keep(batch, found),
            CHUNK,
            progress,
        )
        rows: list[DetectionRow] = []
        for image in images:
            content = image["content_hash"] or ""
            unreadable = worked.unreadable.get(content)
            reason = unreadable.reason if unreadable else image["reason"]
            rows += rows_of_image(image, [] if reason else worked.results[content], reason)
        rows.sort(key=itemgetter("document_id"))
        made_from = replace(DetectionsFingerprint.parse(fingerprint), unfinished=worked.unfinished)
        table = pa.Table.from_pylist(rows, schema=SCHEMA)
        self.warehouse.write_table(self.path(batch), table, str(made_from))
        self.warehouse.remove(self._parts(batch))

    def _detect(
        self, chunk: list[tuple[str, ObjectRow]]
    ) -> dict[str, list[DetectionRecord] | Unreadable]:
        """Return what is on these images, or why they are not read, by content."""

        def decode(image: tuple[str, ObjectRow]) -> Image.Image | Unreadable:
            content, row = image
            try:
                return decode_image(self.read_checked(row["key"], content))
            except UnreadableItemError as error:
                return Unreadable.because(error)

        results: dict[str, list[DetectionRecord] | Unreadable] = {}
        shown: dict[str, Image.Image] = {}
        for (content, _), item in zip(chunk, list(read_in_order(decode, chunk)), strict=True):
            if isinstance(item, Unreadable):
                results[content] = item
            else:
                shown[content] = item
        if shown:
            name = f"the detector `{self.detector.manifest.feature_extractor_name}`"
            answers = call_with_fallback(
                self.detector.detect, name, [*shown.values()], [False] * len(shown)
            )
            for content, answer in zip(shown, answers, strict=True):
                if isinstance(answer, str):
                    results[content] = Unreadable(answer)
                else:
                    results[content] = records_of(answer)
        return results

    def _known(self, batch: str) -> dict[str, list[DetectionRecord]]:
        """What the same detector found before, here or in unfinished parts, by content."""
        known: dict[str, list[DetectionRecord]] = {}
        for path in [self.path(batch), *self.warehouse.files_in(self._parts(batch), "*.parquet")]:
            made_from = DetectionsFingerprint.of_file(self.warehouse, path)
            if made_from is None or made_from.detector != self.detector.fingerprint:
                continue
            is_part = path.parent == self._parts(batch)
            name = "content_hash" if is_part else "image_content_hash"
            for row in self.warehouse.read_table(path, [name, "detections"]).to_pylist():
                if row["detections"] is not None:
                    known[row[name]] = json.loads(row["detections"])
        return known

    def _parts(self, batch: str) -> PurePath:
        return self.folder / ".parts" / batch

    def _keep(self, batch: str, results: Mapping[str, list[DetectionRecord]]) -> None:
        rows = [{"content_hash": h, "detections": as_json(listed)} for h, listed in results.items()]
        table = pa.Table.from_pylist(rows, schema=_PART_SCHEMA)
        place = self._parts(batch) / f"{fingerprint(list(results))}.parquet"
        made_from = str(DetectionsFingerprint(self.detector.fingerprint, "part"))
        self.warehouse.write_table(place, table, made_from)

    @property
    def columns(self) -> Mapping[str, pa.DataType]:
        """What a detection's document says beside what all documents say."""
        return {name: SCHEMA.field(name).type for name in TAKEN_OVER}

    def annotations(self, documents: AnyCollection[str] | None = None) -> dict[str, Annotation]:
        """Return what people said of boxes, carried to the detections that there are now."""
        carried = self._people.carried
        return carried if documents is None else {d: carried[d] for d in documents if d in carried}

    def annotations_in(
        self, batch: str, documents: AnyCollection[str] | None = None, until: int | None = None
    ) -> dict[str, Annotation]:
        """Return what people said of the boxes of a batch."""
        return self._people.by_batch.get(batch, {})

    def sums(self, what: str, source: Source, measure: Measure) -> Mapping[str, Terms]:
        """Add up terms of judged boxes; a new annotation may concern any, so all are computed."""
        return self._people.sums(what, source, measure)

    def stale_annotations(self) -> int:
        """Count annotations of boxes on contents which are there no more."""
        return len(self._people.standing.stale)

    @cached_property
    def _people(self) -> DetectionAnnotations:
        return DetectionAnnotations(self, self.raw, self.rows_on)

    def without_label(self, batch: str) -> pa.Table:
        """Return the images, with what was found on them."""
        import pyarrow.compute as pc

        table = self.warehouse.read_table(self.path(batch))
        images = table.filter(pc.is_in(table["kind"], pa.array([IMAGE])))
        return images.drop_columns(["image_content_hash", "xyxy_px"])

    def rows(self, batch: str) -> list[DetectionRow]:
        """Return the detections of a batch; images are none of the documents that are labelled."""
        return self._of_kind(batch, DETECTION)

    def rows_on(self, images: set[str]) -> list[DetectionRow]:
        """Return the rows of these images, by document id, and of the boxes on them."""
        tables = self._tables_of(images, "image_id", self.batches)
        return [row for table in tables for row in rows_as(table, DetectionRow)]

    def images(self, batch: str) -> list[DetectionRow]:
        """Return the images of a batch with their `detections` as JSON."""
        return self._of_kind(batch, IMAGE)

    def _of_kind(self, batch: str, kind: str) -> list[DetectionRow]:
        rows = rows_as(self.warehouse.read_table(self.path(batch)), DetectionRow)
        return [row for row in rows if row["kind"] == kind]

    def decoded(
        self, rows: Sequence[DocumentRow], min_side_px: int | None
    ) -> Iterator[Item | Unreadable]:
        """Yield what lies in each box, cut from the image at full size."""
        return self._crops(filter(is_detection, rows))

    def _crops(self, boxes: Iterable[DetectionRow]) -> Iterator[Image.Image | Unreadable]:
        groups = [list(group) for _, group in groupby(boxes, itemgetter("image_id"))]

        def cut(group: list[DetectionRow]) -> list[Image.Image | Unreadable]:
            first = group[0]
            try:
                data = self.read_checked(first["image_key"], first["image_content_hash"])
                image = decode_image(data)
            except UnreadableItemError as error:
                return [Unreadable.because(error)] * len(group)
            return [image.crop(whole_pixels(row["xyxy_px"] or [], *image.size)) for row in group]

        for crops in read_in_order(cut, groups):
            yield from crops

    def reader(self) -> Callable[[str], bytes]:
        """Return what gives the content of a box as a PNG file."""
        return lambda key: self.content(key, self._by_key[key]["content_hash"])

    def content(self, key: str, wanted: str | None) -> bytes:
        """Return what lies in a box as a PNG file.

        Args:
            key: of the box.
            wanted: hash of the content that is meant.

        Returns:
            The file.

        Raises:
            UnreadableItemError: the image cannot be read, or box or image are others by now.
        """
        row = self._by_key.get(key)
        if row is None or row["content_hash"] != wanted:
            raise UnreadableItemError(CHANGED)
        crop = next(self._crops([row]))
        if isinstance(crop, Unreadable):
            raise UnreadableItemError(crop.reason)
        return lossless_png(crop)

    @cached_property
    def _by_key(self) -> dict[str, DetectionRow]:
        there = (batch for batch in self.batches if self.warehouse.exists(self.path(batch)))
        return {row["key"]: row for batch in there for row in self.rows(batch)}

    def report(self, batch: str) -> Report:
        """Count images and boxes, and list what could not be looked at and why."""
        return detection_report(self.images(batch), self.detector)

    def pictures(self, batch: str) -> dict[str, bytes]:
        """Draw the boxes on some images."""
        return detection_pictures(self.images(batch), self.read_checked)
