"""The model of `detection:`: which detector finds boxes, each of which becomes a document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field, field_validator, model_validator

from autolabel_core.declarations.model import Count, Declaration, KeyedError, Text, Version
from autolabel_core.declarations.training import Gate, Training

DETECTION_COLUMNS = (
    *("kind", "image_id", "image_key", "detected_class", "detected_confidence", "bbox"),
    *("bbox_format", "verdict", "detections"),
)
"""What documents have beside the columns of every collection, where boxes are documents."""

ACTIVE_WEIGHTS = "registry:active"
Share = Annotated[float, Field(strict=True, ge=0.0, le=1.0)]


class Tiles(Declaration):
    """Cutting large images into overlapping squares, so that small objects stay large enough.

    Attributes:
        size_px: side of a square; images that fit into one are not cut.
        overlap: share of a square's side that its neighbour repeats, from 0 (none) to 0.9; an
            object smaller than that share is whole in one of them.
    """

    size_px: Annotated[int, Field(strict=True, ge=32)] = 640
    overlap: Annotated[float, Field(strict=True, ge=0.0, le=0.9)] = 0.2


class Detection(Declaration):
    """A detector and how it is asked; each of its boxes becomes a document of the collection.

    Attributes:
        aliases: words that mean the same.
        detector_name: an entry point of the group `autolabel.detectors`.
        version: part of the feature URI; raise it when the detector changes behind its name.
        weights: a name that the detector can fetch, a path, `registry:active` (the version of the
            model registry that is in service) or None; while there are none, there are no boxes
            and images wait to be annotated.
        confidence_threshold: lowest confidence kept, from 0 (all boxes) to 1 (certain ones).
        iou_threshold: boxes of one class that overlap more than this are one object, from 0
            (any overlap) to 1 (identical only).
        classes: keep these alone; None keeps all that the detector knows.
        tiles: cut large images; None shows the detector each image as a whole.
        max_detections: the most confident so many of an image are kept.
        batch_size: images shown to the detector at once.
        device: `auto` (the fastest that this machine has) or a torch device.
        parameters: passed to the plug-in as keywords.
        training: how its next version is trained.
        gate: when that version may go into service.
    """

    aliases: ClassVar[Mapping[str, str]] = {
        "name": "detector_name",
        "feature_extractor_name": "detector_name",
        "model": "weights",
        "conf": "confidence_threshold",
        "iou": "iou_threshold",
        "max_det": "max_detections",
    }

    detector_name: Text = "yolo_detector"
    version: Version = "1.0.0"
    weights: Text | None = None
    confidence_threshold: Share = 0.25
    iou_threshold: Share = 0.7
    classes: Annotated[tuple[Text, ...], Field(min_length=1)] | None = None
    tiles: Tiles | None = None
    max_detections: Count = 300
    batch_size: Count = 16
    device: Text = "auto"
    parameters: dict[str, object] = Field(default_factory=dict)
    training: Training = Field(default_factory=Training.model_construct)
    gate: Gate = Field(default_factory=Gate.model_construct)

    @field_validator("weights")
    @classmethod
    def registry_has_one_word(cls, value: str | None) -> str | None:
        """Of the registry only the version in service can be named."""
        if value is not None and value.startswith("registry:") and value != ACTIVE_WEIGHTS:
            raise ValueError(
                f"expected `{ACTIVE_WEIGHTS}`, a name such as yolo11n.pt or a path; another "
                "version is put into service by `autolabel models promote`"
            )
        return value

    @model_validator(mode="after")
    def classes_are_distinct(self) -> Detection:
        """Refuse a class that occurs twice."""
        classes = self.classes or ()
        twice = next((name for i, name in enumerate(classes) if name in classes[:i]), None)
        if twice is not None:
            raise KeyedError(("classes",), f"`{twice}` occurs twice; remove one")
        return self
