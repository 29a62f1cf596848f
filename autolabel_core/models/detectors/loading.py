"""Finding a detector by name among the installed plug-ins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from autolabel_core.models.detectors.detections import Detections
from autolabel_core.models.detectors.manifest import (
    Detector,
    DetectorManifest,
    DetectorSettings,
    check_manifest,
)
from autolabel_core.models.plugins import PlugInKind

KIND = PlugInKind("detector", "autolabel.detectors", "detector_name")


@dataclass(frozen=True)
class WithManifest:
    """A detector that says of itself what the manifest says."""

    detector: Detector
    manifest: DetectorManifest

    def detect(self, images: Sequence[Image.Image]) -> list[Detections]:
        """Return what the detector itself finds."""
        return self.detector.detect(images)


def load_detector(
    name: str, version: str, settings: DetectorSettings, parameters: Mapping[str, Any]
) -> Detector:
    """Return the detector that an installed plug-in makes; its weights load when it first detects.

    Args:
        name: an entry point of the group `autolabel.detectors`, such as `yolo_detector`.
        version: part of the feature URI.
        settings: weights and thresholds.
        parameters: further keywords for the plug-in's factory.

    Returns:
        The detector, its manifest checked. A plug-in that cannot be found, imported or called is
        an error that says so.
    """
    detector: Detector = KIND.make(name, version, settings, parameters)
    found = getattr(detector, "manifest", None)
    manifest = check_manifest(found, name, version)
    return detector if manifest is found else WithManifest(detector, manifest)
