"""What people said of boxes, carried to the detections of the detector in service."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from itertools import groupby
from operator import itemgetter

from autolabel_core.foundation.ids import fingerprint, object_of
from autolabel_core.ledger import Annotation, BoxAnnotation
from autolabel_core.ledger.box_annotations import CurrentAnnotations, effective
from autolabel_core.tables.annotation_sums import Measure, Source, Terms
from autolabel_core.tables.carried_annotations import transfer_annotations
from autolabel_core.tables.detection_rows import DetectionRow, is_detection
from autolabel_core.tables.document_table import DocumentTable
from autolabel_core.tables.remembered import remembered

FORMAT = 1
"""Of what is remembered of them; another number forgets it."""


class DetectionAnnotations:
    """The annotations of boxes, as annotations of documents.

    Args:
        detections: the table of the boxes.
        raw: the table of the images.
        rows_on: returns the rows of some images, by id, and of the boxes on them.
    """

    def __init__(
        self,
        detections: DocumentTable,
        raw: DocumentTable,
        rows_on: Callable[[set[str]], list[DetectionRow]],
    ) -> None:
        self._detections = detections
        self._raw = raw
        self._rows_on = rows_on

    @cached_property
    def standing(self) -> CurrentAnnotations:
        """What holds about the images as the last sweep read them, and what is stale."""
        events = self._detections.recorded.box_annotations
        rows = self._raw.rows_of({event.image_id for event in events})
        return effective(events, {r["document_id"]: r["content_hash"] or "" for r in rows})

    @cached_property
    def carried(self) -> dict[str, Annotation]:
        """What people said of each detection that there is now, by document id."""
        declaration = self._detections.collection.declaration
        by_image: dict[str, list[BoxAnnotation]] = {}
        for annotation in self.standing.holding:
            by_image.setdefault(annotation.image_id, []).append(annotation)
        rows = filter(is_detection, self._rows_on(set(by_image)))
        detections = {image: list(group) for image, group in groupby(rows, itemgetter("image_id"))}
        transferred: dict[str, Annotation] = {}
        for image, events in by_image.items():
            transferred |= transfer_annotations(events, detections.get(image, []), declaration)
        return transferred

    @cached_property
    def by_batch(self) -> dict[str, dict[str, Annotation]]:
        """The same, by batch."""
        groups: dict[str, dict[str, Annotation]] = {}
        for document, annotation in self.carried.items():
            batch = self._detections.objects[object_of(document)].batch
            groups.setdefault(batch, {})[document] = annotation
        return groups

    def sums(self, what: str, source: Source, measure: Measure) -> dict[str, Terms]:
        """Add up terms of judged boxes, all anew when anything was said or seen since.

        Args:
            what: names the sums.
            source: tells what the terms of a batch are computed from.
            measure: computes them.

        Returns:
            The terms of each batch.
        """
        batches = self._detections.batches

        def made_from() -> str:
            return fingerprint(self._made_from, {batch: source(batch) for batch in batches})

        def compute() -> dict[str, dict[str, int]]:
            return {batch: dict(measure(batch, None, 0).sums) for batch in batches}

        known = remembered(self._detections.collection, what, made_from, compute)
        return {batch: Terms(values) for batch, values in known.items()}

    @property
    def _made_from(self) -> list[object]:
        """Everything that people said, and what they said it of; the history only grows."""
        collection = self._detections.collection
        count = collection.ledger.box_annotation_count(collection.name)
        files = [
            table.warehouse.fingerprint(table.path(batch))
            for table in (self._detections, self._raw)
            for batch in table.batches
        ]
        declared = collection.declaration.model_dump(mode="json")
        return [FORMAT, collection.ledger.database.shown, count, files, declared]
