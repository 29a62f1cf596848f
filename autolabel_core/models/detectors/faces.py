"""The built-in detector of faces, by dlib: a box around each face, with room for its outline."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.models.detectors.detections import Detections
from autolabel_core.models.detectors.manifest import DetectorManifest, DetectorSettings
from autolabel_core.models.faces.dlib_models import FoundFace, find_faces, require_models

CLASS = "face"
MARGIN = 0.4
"""Share of a face's side that is added on each side: what aligns a face looks beyond its box."""
STEEPNESS, MIDDLE = 4.0, 0.475
"""Of the curve from dlib's score to a confidence: a score of 0.2 is the default threshold, 0.25."""


class FaceDetector:
    """Faces that look at the camera; the same image gives the same boxes."""

    def __init__(self, version: str, settings: DetectorSettings, smallest_face_px: float) -> None:
        self.manifest = DetectorManifest(
            "face_detector",
            version,
            embedding="face_embedding",
            description="faces by dlib (oriented gradients)",
        )
        self._smallest_px = smallest_face_px
        self._min_score = score_of(settings.confidence_threshold)

    def detect(self, images: Sequence[Image.Image]) -> list[Detections]:
        """Return the faces on each of the RGB images, in their order."""
        return [self._detections(image) for image in images]

    def _detections(self, image: Image.Image) -> Detections:
        faces = find_faces(image, self._smallest_px, self._min_score)
        if not faces:
            return Detections()
        boxes = np.array([with_margin(face) for face in faces])
        confidence = np.array([confidence_of(face.score) for face in faces])
        return Detections(boxes, confidence, (CLASS,) * len(faces))


def face_detector(
    version: str, settings: DetectorSettings, *, smallest_face_px: float = 40.0
) -> FaceDetector:
    """Return the detector.

    Args:
        version: part of the feature URI.
        settings: of which the confidence threshold counts.
        smallest_face_px: side of the smallest face that is looked for, from 16 to 400; small ones
            cost time: half the side is four times the time.

    Returns:
        The detector.

    Raises:
        AutolabelError: `smallest_face_px` is out of range, or weights are declared.
    """
    require_models()
    if not 16 <= smallest_face_px <= 400:
        raise AutolabelError(f"`smallest_face_px` is {smallest_face_px}, expected 16 to 400")
    if settings.weights is not None:
        raise AutolabelError("face_detector brings its own weights; leave `weights` out")
    return FaceDetector(version, settings, smallest_face_px)


def with_margin(face: FoundFace) -> tuple[float, float, float, float]:
    """Return the box of a face with room around it."""
    left, top, right, bottom = face.xyxy_px
    room = MARGIN * face.side_px
    return left - room, top - room, right + room, bottom + room


def confidence_of(score: float) -> float:
    """Return a confidence from 0 to 1 for a score of dlib."""
    return 1.0 / (1.0 + math.exp(-STEEPNESS * (score - MIDDLE)))


def score_of(confidence: float) -> float:
    """Return the score of dlib that has a confidence, from -1 (all) to 3."""
    if not 0 < confidence < 1:
        return -1.0 if confidence <= 0 else 3.0
    return min(max(MIDDLE + math.log(confidence / (1 - confidence)) / STEEPNESS, -1.0), 3.0)
