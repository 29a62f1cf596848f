"""Loads a detector by name from the installed plug-ins."""

from __future__ import annotations

from collections.abc import Mapping

from autolabel_core.models.detectors.manifest import (
    Detector,
    DetectorManifest,
    DetectorSettings,
)
from autolabel_core.models.plugins import PlugInKind

KIND = PlugInKind("detector", "autolabel.detectors", "detector_name", DetectorManifest)


def load_detector(
    name: str, version: str, settings: DetectorSettings, parameters: Mapping[str, object]
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
    detector: Detector = KIND.load(name, version, settings, parameters)
    return detector
