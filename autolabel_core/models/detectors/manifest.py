"""The manifest of a detector, and the parameters that it is called with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from PIL import Image

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.feature_uri import is_name
from autolabel_core.models.checked_manifest import ALPHABET, Check, CheckedManifest
from autolabel_core.models.detectors.detections import Detections
from autolabel_core.models.plugin_manifest import PluginManifest


@dataclass(frozen=True)
class DetectorManifest(CheckedManifest):
    """What a detector says of itself; reading it loads no weights.

    Attributes:
        detections: name of the feature that holds the boxes.
        embedding: name of the feature that holds the vectors of what lies in them.
        embedding_dim: length that those vectors must have; None takes the feature extractor's.
        needs_weights: whether it finds nothing without; then images wait to be annotated.
        description: one line for people.
    """

    detections: str = "detections"
    embedding: str = "detection_embedding"
    embedding_dim: int | None = None
    needs_weights: bool = False
    description: str = ""

    @classmethod
    def from_written(cls, written: PluginManifest, where: str) -> DetectorManifest:
        """Return the manifest that a written one stands for: boxes, and perhaps one space."""
        boxes, spaces = written.features_of("json"), written.features_of("embedding")
        if len(boxes) != 1 or len(spaces) > 1:
            raise AutolabelError(
                f"{where} has {len(boxes)} features of the type `json` and {len(spaces)} of the "
                "type `embedding`, expected one of the first (the boxes) and at most one of the "
                "second"
            )
        if written.inputs != ("image",):
            raise AutolabelError(
                f"{where}: `input_mappings` names {', '.join(written.inputs)}, expected `image` "
                "alone"
            )
        space = spaces[0] if spaces else None
        return cls(
            written.feature_extractor_name,
            written.version,
            boxes[0].feature_name,
            space.feature_name if space else cls.embedding,
            space.embedding_dim if space else None,
            description=written.description,
        )

    def checks(self) -> list[Check]:
        """Say of each value whether it can be used."""
        return [
            ("detections", is_name(self.detections), ALPHABET),
            ("embedding", is_name(self.embedding), ALPHABET),
        ]


@dataclass(frozen=True)
class DetectorSettings:
    """What a detector is told when it is made.

    Attributes:
        weights: a file, a name that it can fetch, or None.
        confidence_threshold: boxes below are of no use, from 0 to 1.
        iou_threshold: overlap from which two boxes of one class are one object, from 0 to 1.
        max_detections: more are of no use.
        batch_size: images to show the model at once.
        device: `auto` or a torch device.
        folder: where it may keep what it fetches.
    """

    weights: Path | str | None = None
    confidence_threshold: float = 0.25
    iou_threshold: float = 0.7
    max_detections: int = 300
    batch_size: int = 16
    device: str = "auto"
    folder: Path = Path(".autolabel/cache")


class Detector(Protocol):
    """Finds boxes on images."""

    @property
    def manifest(self) -> DetectorManifest:
        """What the detector is; cheap, loads no weights."""

    def detect(self, images: Sequence[Image.Image]) -> list[Detections]:
        """Return what is found on each of the RGB images, in their order."""
