"""Validates one box annotation against its image, its detection and the label vocabulary."""

from __future__ import annotations

from dataclasses import dataclass, replace

from autolabel_core.declarations import Collection
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.label_names import check_label
from autolabel_core.foundation.media.boxes import XyxyPx, iou, read_box
from autolabel_core.foundation.suggestions import did_you_mean
from autolabel_core.labelling.box_input import BoxInput
from autolabel_core.labelling.standing_predictions import Prediction, Predictions, is_detection_id
from autolabel_core.ledger import BoxAnnotation
from autolabel_core.ledger.box_annotations import JUDGED
from autolabel_core.tables.boxes.box_labels import (
    CONFIRMED,
    CORRECTED,
    FALSE_POSITIVE,
    MISSED,
    REVIEWED,
    check_box_label,
)
from autolabel_core.tables.boxes.ground_truth import SAME_OBJECT_IOU, KnownImage


@dataclass(frozen=True)
class ValidatedBox:
    """A checked word: the event it would be, and where it was said."""

    annotation: BoxAnnotation
    where: str


def validate(
    given: BoxInput, image: KnownImage, predictions: Predictions, collection: Collection
) -> ValidatedBox:
    """Return what somebody said as an event about an image.

    Args:
        given: what was said, by an annotator.
        image: the image that is meant, with the size that was read from it.
        predictions: what the detector said of it.
        collection: whose classes are accepted.

    Returns:
        The event, without an `event_id` of its own yet. An `AutolabelError` says what makes no
        sense, and what would.
    """
    label = check_box_label(given.label or "")
    target = given.target if isinstance(given.target, str) else None
    detection_id = target if is_detection_id(target) else None
    prediction = predictions.by_id.get(detection_id or "")
    _check_image(given, image, prediction)
    detected = prediction.class_name if prediction else None
    seen = _class(given.predicted_class, collection) or detected
    true_class = _true_class(label, _class(given.true_class, collection), seen)
    xyxy_px = _box(given, label, image, prediction)
    _check_sense(label, given, detection_id, prediction, true_class, xyxy_px)
    judged = prediction.version if prediction else predictions.looked_at.get(image.content_hash)
    event = BoxAnnotation(
        collection=collection.collection_name,
        image_id=image.document_id,
        image_key=image.key,
        content_hash=image.content_hash,
        label=label,
        image_width_px=image.width_px,
        image_height_px=image.height_px,
        annotator=given.annotator or "",
        origin="",
        detection_id=detection_id,
        predicted_class=None if label in (MISSED, REVIEWED) else seen,
        true_class=true_class,
        xyxy_px=xyxy_px,
        predicted_xyxy_px=prediction.xyxy_px if prediction else None,
        confidence=_confidence(given.confidence),
        reasoning=given.reasoning,
        retriever_id=given.retriever_id,
        execution_id=given.execution_id,
        payload={**given.fields, **({JUDGED: judged} if judged else {})},
        annotation_id=given.annotation_id or "",
    )
    annotation_id = event.annotation_id or event.identity
    return ValidatedBox(replace(event, annotation_id=annotation_id), given.where)


def _check_image(given: BoxInput, image: KnownImage, prediction: Prediction | None) -> None:
    if given.size_px is not None and given.size_px != (image.width_px, image.height_px):
        raise AutolabelError(
            f"the source says that {image.key!r} is {given.size_px[0]} × {given.size_px[1]} px, "
            f"and it is {image.width_px} × {image.height_px}; boxes of another size would be wrong"
        )
    if prediction is not None and prediction.content_hash != image.content_hash:
        raise AutolabelError(
            f"{image.key!r} was replaced since it was detected on; sweep, then look again"
        )


def _class(text: str | None, collection: Collection) -> str | None:
    if text is None or not text.strip():
        return None
    name = check_label(text)
    classes = collection.detection.classes if collection.detection else None
    if classes and name not in classes:
        raise AutolabelError(
            f"no class {name!r}.{did_you_mean(name, classes)} "
            f"`detection.classes` of the collection are {', '.join(classes)}"
        )
    return name


def _true_class(label: str, true_class: str | None, seen: str | None) -> str | None:
    if label in (FALSE_POSITIVE, REVIEWED):
        if true_class is not None:
            raise AutolabelError(f"{label} names no object, yet true_class is {true_class!r}")
        return None
    if true_class is None and seen is None:
        raise AutolabelError(f"{label} needs a class: give true_class")
    if label == CONFIRMED and true_class and seen and true_class != seen:
        raise AutolabelError(
            f"confirmed says that {seen!r} is right, yet true_class is {true_class!r}; "
            "use corrected"
        )
    return true_class or seen


def _box(
    given: BoxInput, label: str, image: KnownImage, prediction: Prediction | None
) -> XyxyPx | None:
    if given.bbox is None:
        return prediction.xyxy_px if prediction and label != REVIEWED else None
    if given.bbox_format is None:
        raise AutolabelError(
            "bbox without bbox_format; say xyxy (corners), xywh (top left corner and size) or "
            "cxcywh (centre and size)"
        )
    size = image.width_px, image.height_px
    box = read_box(given.bbox, given.bbox_format, *size, given.normalized)
    if prediction is None or label == CORRECTED:
        return box
    if iou([box], [prediction.xyxy_px])[0, 0] < SAME_OBJECT_IOU:
        raise AutolabelError(
            f"{label} is about the detection's box {prediction.xyxy_px}, yet bbox lies elsewhere; "
            "use corrected for the detection, or missed for another object"
        )
    return prediction.xyxy_px


def _check_sense(
    label: str,
    given: BoxInput,
    detection_id: str | None,
    prediction: Prediction | None,
    true_class: str | None,
    xyxy_px: XyxyPx | None,
) -> None:
    if label == REVIEWED:
        if detection_id or given.bbox is not None or given.predicted_class:
            raise AutolabelError("reviewed is about an image as a whole: give its key and no box")
        return
    if label == MISSED and detection_id:
        raise AutolabelError("missed is an object without a detection: give the image's key")
    if xyxy_px is None:
        unknown = f"; no detection {detection_id!r} stands in the tables" if detection_id else ""
        raise AutolabelError(f"{label} needs a box: give bbox and bbox_format{unknown}")
    if label == CORRECTED and detection_id is None:
        raise AutolabelError(
            "corrected is about a detection, and an image may have many: give the detection's id; "
            "for an object that was not detected use missed with the image's key"
        )
    if label == CORRECTED and prediction and not iou([xyxy_px], [prediction.xyxy_px])[0, 0]:
        raise AutolabelError(
            f"the corrected box {xyxy_px} does not touch the detection's {prediction.xyxy_px}, so "
            "it is another object: use false_positive for the detection and missed for the object"
        )
    before = (prediction.class_name, prediction.xyxy_px) if prediction else None
    if label == CORRECTED and before == (true_class, xyxy_px):
        raise AutolabelError("corrected changes neither class nor box; use confirmed")


def _confidence(value: float | None) -> float | None:
    if value is None:
        return None
    if not 0.0 <= value <= 1.0:
        raise AutolabelError(f"confidence {value}; expected 0 (a guess) to 1 (certain)")
    return float(value)
