"""What a detector says of itself, and what it is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Protocol

from PIL import Image

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.feature_uri import is_name
from autolabel_core.models.detectors.detections import Detections
from autolabel_core.models.plugin_manifest import PluginManifest, read_manifest


@dataclass(frozen=True)
class DetectorManifest:
    """What a detector says of itself; reading it loads no weights.

    Attributes:
        feature_extractor_name: the name of its entry point, such as `yolo_detector`.
        version: part of the feature URI.
        detections: name of the feature that holds the boxes.
        embedding: name of the feature that holds the vectors of what lies in them.
        embedding_dim: length that those vectors must have; None takes the feature extractor's.
        needs_weights: whether it finds nothing without; then images wait to be annotated.
        description: one line for people.
    """

    feature_extractor_name: str
    version: str
    detections: str = "detections"
    embedding: str = "detection_embedding"
    embedding_dim: int | None = None
    needs_weights: bool = False
    description: str = ""


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


def check_manifest(found: object, name: str, version: str) -> DetectorManifest:
    """Return the manifest of a plug-in, or refuse it by the key that is wrong.

    Args:
        found: what the plug-in's `manifest` holds: a DetectorManifest, or the written form.
        name: the entry point's name.
        version: the version asked for.

    Returns:
        The manifest.

    Raises:
        AutolabelError: a key is missing, unknown or has a value that cannot be used.
    """
    where = f"The manifest of the detector `{name}`"
    if isinstance(found, Mapping | ModuleType):
        found = _from_written(read_manifest(found, where), where)
    if not isinstance(found, DetectorManifest):
        raise AutolabelError(
            f"{where} is a {type(found).__name__}, expected "
            "autolabel_core.DetectorManifest or a mapping of its keys"
        )
    alphabet = "letters, digits, `.`, `_` and `-` only"
    checks = (
        ("feature_extractor_name", found.feature_extractor_name == name, repr(name)),
        ("version", found.version == version, f"{version!r}, the version asked for"),
        ("detections", is_name(found.detections), alphabet),
        ("embedding", is_name(found.embedding), alphabet),
    )
    for key, good, expected in checks:
        if not good:
            raise AutolabelError(
                f"{where}: `{key}` is {getattr(found, key)!r}, expected {expected}"
            )
    return found


def _from_written(written: PluginManifest, where: str) -> DetectorManifest:
    boxes, spaces = written.features_of("json"), written.features_of("embedding")
    if len(boxes) != 1 or len(spaces) > 1:
        raise AutolabelError(
            f"{where} has {len(boxes)} features of the type `json` and {len(spaces)} of the type "
            "`embedding`, expected one of the first (the boxes) and at most one of the second"
        )
    if written.inputs != ("image",):
        raise AutolabelError(
            f"{where}: `input_mappings` names {', '.join(written.inputs)}, expected `image` alone"
        )
    space = spaces[0] if spaces else None
    return DetectorManifest(
        written.feature_extractor_name,
        written.version,
        boxes[0].feature_name,
        space.feature_name if space else DetectorManifest.embedding,
        space.embedding_dim if space else None,
        description=written.description,
    )
