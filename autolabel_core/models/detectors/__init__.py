"""Detectors: plug-ins that find boxes on images, and the one that a collection declares.

A detector says what it is without loading weights, and finds boxes when asked. Anyone may add one:
an entry point of the group `autolabel.detectors`. This package knows no stores; vectors of what
lies in a box are the feature extractor's work.
"""

from autolabel_core.models.detectors.collection_detector import DeclaredDetector, Weights
from autolabel_core.models.detectors.detections import Detections
from autolabel_core.models.detectors.loading import load_detector
from autolabel_core.models.detectors.manifest import Detector, DetectorManifest, DetectorSettings

__all__ = [
    "DeclaredDetector",
    "Detections",
    "Detector",
    "DetectorManifest",
    "DetectorSettings",
    "Weights",
    "load_detector",
]
