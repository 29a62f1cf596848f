"""What the tables say that the detector saw, for whoever judges it or takes its word."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from autolabel_core.declarations import Collection
from autolabel_core.derived.detection_rows import DETECTION, IMAGE
from autolabel_core.derived.detections import DetectedObjects
from autolabel_core.detection.given import Given, GivenBox
from autolabel_core.detection.giving import give_boxes
from autolabel_core.detection.predictions import Prediction, Predictions
from autolabel_core.detection.vocabulary import CONFIRMED, CORRECTED
from autolabel_core.identity import object_of
from autolabel_core.workspace import Workspace


def stored_predictions(
    workspace: Workspace, collection: Collection, documents: Iterable[str]
) -> Predictions:
    """Return what the detector that serves now saw on some images.

    Args:
        workspace: the stores.
        collection: the declaration.
        documents: ids of images, or of boxes on them.

    Returns:
        The detections of these images, as far as the last sweep went; none without `detection`.
    """
    if collection.detection is None:
        return Predictions()
    table = DetectedObjects(workspace, collection)
    version = table.detector.weights.version
    rows = table.rows_of({object_of(document) for document in documents}, "image_id")
    found = {
        row["document_id"]: Prediction(
            row["document_id"],
            row["image_key"],
            row["image_content_hash"],
            row["detected_class"],
            tuple(row["xyxy_px"]),
            version,
        )
        for row in rows
        if row["kind"] == DETECTION
    }
    seen = [row for row in rows if row["kind"] == IMAGE and row["reason"] is None]
    return Predictions(found, {row["image_content_hash"]: version for row in seen})


def judge_as(
    workspace: Workspace, collection: Collection, labels: Sequence[tuple[str, str]], reviewer: str
) -> int:
    """Record that a person agreed to classes of boxes: confirmed where the detector saw the same.

    Args:
        workspace: the stores.
        collection: the declaration.
        labels: id of a box and the class that it has.
        reviewer: who agreed.

    Returns:
        How many annotations are new.
    """
    predictions = stored_predictions(workspace, collection, [document for document, _ in labels])
    boxes = []
    for document, label in labels:
        seen = predictions.by_id.get(document)
        same = seen is not None and seen.class_name == label
        word = CONFIRMED if same else CORRECTED
        boxes.append(GivenBox(label=word, target=document, true_class=label))
    report = give_boxes(workspace, collection, Given(boxes), reviewer, "promotion", predictions)
    return sum(report.recorded.values())
