"""The table of box exports: all reviewed images with their boxes, in the declared formats."""

from __future__ import annotations

from collections.abc import Collection as AnyCollection
from functools import cached_property
from pathlib import PurePath

import pyarrow as pa

from autolabel_core.exports.box_formats import BOX_WRITERS, write_boxes
from autolabel_core.exports.box_report import BoxExportReport
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.foundation.json_types import Report
from autolabel_core.foundation.progress import Progress
from autolabel_core.ledger import BoxAnnotation
from autolabel_core.tables.boxes.current_annotations import known_images
from autolabel_core.tables.boxes.detector_figures import box_figures
from autolabel_core.tables.boxes.ground_truth import KnownImage
from autolabel_core.tables.boxes.training_set import MADE_BY, training_set
from autolabel_core.tables.fingerprints import BoxExportFingerprint
from autolabel_core.tables.raw_objects import RawObjects
from autolabel_core.tables.table import WHOLE, DerivedTable

FORMAT = 1
SHOWN = 100
_FIELDS: list[tuple[str, pa.DataType]] = [
    ("format", pa.string()),
    ("train", pa.int64()),
    ("val", pa.int64()),
    ("test", pa.int64()),
    ("boxes", pa.int64()),
    ("classes", pa.int64()),
    ("without_boxes", pa.int64()),
    ("left_out", pa.list_(pa.struct([("key", pa.string()), ("reason", pa.string())]))),
]
SCHEMA = pa.schema(_FIELDS)


class BoxExports(DerivedTable):
    """A folder with one sub-folder for each declared format, over all reviewed images."""

    name = "annotation_exports"
    upstream = ("raw_objects",)
    partitioned = False

    @cached_property
    def raw(self) -> RawObjects:
        """The images."""
        return self.sibling(RawObjects)

    @property
    def annotations(self) -> list[BoxAnnotation]:
        """Every annotation of a box or an image, in order."""
        return self.recorded.box_annotations

    def path(self, batch: str = WHOLE) -> PurePath:
        """Return the file that notes what the exports were made from."""
        return self.warehouse.path(self.collection_name, self.name, "exported.parquet")

    def fingerprint(self, batch: str = WHOLE) -> str | None:
        """Cover the annotated images, the declaration and the number of annotations."""
        raw = [self.raw.path(batch) for batch in self.batches]
        if not raw or not all(self.warehouse.exists(path) for path in raw):
            return None
        return str(self._made_from(len(self.annotations)))

    def _made_from(self, annotation_count: int) -> BoxExportFingerprint:
        """The fingerprint as if there were only the first so many annotations."""
        annotated = {event.image_id for event in self.annotations[:annotation_count]}
        images = [image for image in self._images if image.document_id in annotated]
        contents = [(image.document_id, image.key, image.content_hash) for image in images]
        classes = (
            self.collection.declaration.detection.classes
            if self.collection.declaration.detection
            else None
        )
        declared = fingerprint(
            FORMAT, MADE_BY, self.collection.declaration.exports.formats, classes
        )
        return BoxExportFingerprint(fingerprint(contents), declared, str(annotation_count))

    @cached_property
    def _images(self) -> list[KnownImage]:
        return known_images(self.raw)

    @property
    def _exported(self) -> BoxExportFingerprint | None:
        return BoxExportFingerprint.of_file(self.warehouse, self.path())

    @property
    def _exported_annotations(self) -> int:
        return int(self._exported.annotation_count) if self._exported else 0

    def stale_by_uploads(self) -> list[str]:
        """Return the whole where its images or the declaration changed; annotations may wait."""
        exported = self._exported
        as_then = exported and self._made_from(int(exported.annotation_count))
        return [] if exported and as_then == exported else self.stale()

    def unexported(self) -> list[BoxAnnotation]:
        """Return the annotations since the last export; nothing before the first sweep."""
        done = self._exported_annotations
        return [] if self.fingerprint() is None else self.annotations[done:]

    def build(self, batch: str, fingerprint: str, progress: Progress) -> None:
        """Split the reviewed images and write every declared format anew, each in one step."""
        training = training_set(self.collection)
        formats = self.collection.declaration.exports.formats
        rows = []
        for done, name in enumerate(formats, start=1):
            out = self.warehouse.path(self.collection_name, self.name, name)
            with self.warehouse.folder(out) as folder:
                rows.append(_row(write_boxes(name, training, folder)))
            progress(done, len(formats))
        self._remove_others(formats)
        table = pa.Table.from_pylist(rows, schema=SCHEMA)
        self.warehouse.write_table(self.path(), table, fingerprint)

    def _remove_others(self, formats: AnyCollection[str]) -> None:
        """Remove formats that are declared no more, because nobody would keep them up to date."""
        for folder in self.warehouse.folders_in(self.path().parent):
            if folder.name in BOX_WRITERS and folder.name not in formats:
                self.warehouse.remove(folder)

    def report(self, batch: str = WHOLE) -> Report:
        """Say what each format holds, what was left out, and how the detector fares."""
        rows = self.warehouse.read_table(self.path()).to_pylist()
        left_out: list[dict[str, str]] = []
        for row in rows:
            left_out = max(left_out, row.pop("left_out"), key=len)
        figures = box_figures(self.annotations)[0]
        rates = {f"{label} rate": rate for label, rate in figures.rates.items()}
        return {
            "folder": self.warehouse.address(self.path().parent),
            "formats": rows,
            "left out": len(left_out),
            "left out because": left_out[:SHOWN],
            "judged boxes": figures.judged,
            **rates,
            "verdict": figures.verdict,
        }


def _row(report: BoxExportReport) -> dict[str, object]:
    return {
        "format": report.format,
        **report.images,
        "boxes": sum(report.boxes.values()),
        "classes": sum(count > 0 for count in report.boxes.values()),
        "without_boxes": report.without_boxes,
        "left_out": [{"key": key, "reason": reason} for key, reason in report.left_out],
    }
