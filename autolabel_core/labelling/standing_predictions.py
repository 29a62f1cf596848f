"""The current detections of the images that a person annotates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.ids import object_of
from autolabel_core.foundation.media.boxes import XyxyPx
from autolabel_core.tables.detections import DetectionTable
from autolabel_core.tables.layout import IMAGE
from autolabel_core.tables.reference_set import ReferenceSet
from autolabel_core.tables.workspace import OpenCollection


@dataclass(frozen=True)
class Prediction:
    """One detection that stands in the tables.

    Attributes:
        detection_id: its document id.
        image_key: key of the image.
        content_hash: the image's content that the detector looked at.
        class_name: what it saw.
        xyxy_px: where.
        version: the detector's version.
    """

    detection_id: str
    image_key: str
    content_hash: str
    class_name: str
    xyxy_px: XyxyPx
    version: str


@dataclass(frozen=True)
class Predictions:
    """Detections of the images that are spoken of.

    Attributes:
        by_id: the detection by its id.
        looked_at: by image content, the version of the detector that looked at it, also where it
            saw nothing.
    """

    by_id: Mapping[str, Prediction] = field(default_factory=dict)
    looked_at: Mapping[str, str] = field(default_factory=dict)


def is_detection_id(target: object) -> bool:
    """Whether a target has the form of a detection's id."""
    return isinstance(target, str) and object_of(target) != target


def standing_predictions(
    collection: OpenCollection, image_ids: Iterable[str], judging: bool
) -> Predictions:
    """Return what the detector that serves now said of these images.

    Args:
        collection: opened with its stores.
        image_ids: document ids of the images.
        judging: whether detections are meant by their ids.

    Returns:
        The detections; nothing without a detector, and while it has no weights.

    Raises:
        AutolabelError: detections are meant while another version of the detector takes over.
    """
    if collection.declaration.detection is None:
        return Predictions()
    table = DetectionTable(collection)
    if table.detector.is_waiting:
        return Predictions()
    version = table.detector.feature_uri
    if judging and table.sibling(ReferenceSet).changing_over:
        raise AutolabelError(
            f"The detections are changing over to {version}: their numbers mean other boxes soon. "
            f"`autolabel sweep {collection.name}`, then look at them again."
        )
    rows = table.rows_on(set(image_ids))
    return Predictions(
        {
            row["document_id"]: Prediction(
                row["document_id"],
                row["image_key"],
                row["image_content_hash"] or "",
                row["detected_class"] or "",
                (xyxy[0], xyxy[1], xyxy[2], xyxy[3]),
                version,
            )
            for row in rows
            if (xyxy := row["xyxy_px"]) is not None
        },
        {
            content: version
            for row in rows
            if row["kind"] == IMAGE and row["reason"] is None and (content := row["content_hash"])
        },
    )
