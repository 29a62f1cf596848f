"""dlib's models of faces: a finder, landmarks, and a network that tells persons apart."""

from __future__ import annotations

import importlib.util
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from autolabel_core.foundation.errors import MissingWeightsError
from autolabel_core.models.weights import load_failures

INSTALL = "pip install 'dagster-autolabel[faces]'"
FINDABLE_PX = 80
"""Side of the smallest face that dlib's finder sees; smaller ones are enlarged before."""
MAX_SIDE_PX = 2400
"""No image is searched at more than this; of larger ones the smallest faces are lost."""
LANDMARKS = "shape_predictor_5_face_landmarks.dat"
NETWORK = "dlib_face_recognition_resnet_model_v1.dat"
_LOCK = threading.Lock()
"""The models keep what they work on in themselves."""


@dataclass(frozen=True)
class FoundFace:
    """A face on an image.

    Attributes:
        xyxy_px: left, top, right and bottom from eyebrows to chin; may reach beyond the image.
        score: of the finder; a clear frontal face has 1 and more, 0 is a guess.
    """

    xyxy_px: tuple[float, float, float, float]
    score: float

    @property
    def side_px(self) -> float:
        """The mean of width and height."""
        left, top, right, bottom = self.xyxy_px
        return (right - left + bottom - top) / 2


def find_faces(image: Image.Image, smallest_px: float, min_score: float) -> list[FoundFace]:
    """Find faces that look at the camera, tilted by no more than about 30°.

    Args:
        image: RGB, upright.
        smallest_px: side of the smallest face that is looked for.
        min_score: lowest that is returned.

    Returns:
        The faces, the surest first.
    """
    scale = min(FINDABLE_PX / smallest_px, MAX_SIDE_PX / max(image.size))
    width, height = (max(1, round(side * scale)) for side in image.size)
    pixels = np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))
    with _LOCK:
        boxes, scores, _ = _finder().run(np.ascontiguousarray(pixels), 0, min_score)
    across, down = image.size[0] / width, image.size[1] / height
    faces = [
        FoundFace(
            (b.left() * across, b.top() * down, (b.right() + 1) * across, (b.bottom() + 1) * down),
            float(score),
        )
        for b, score in zip(boxes, scores, strict=True)
    ]
    return sorted(faces, key=lambda face: (-face.score, face.xyxy_px))


def face_vector(image: Image.Image, face: FoundFace) -> npt.NDArray[np.float64]:
    """Return the network's vector (128,) of a face, turned upright and cut by its landmarks."""
    import dlib

    pixels = np.ascontiguousarray(np.asarray(image))
    left, top, right, bottom = (round(value) for value in face.xyxy_px)
    box = dlib.rectangle(left, top, right - 1, bottom - 1)
    landmarks, network = _recognition()
    with _LOCK:
        shape = landmarks(pixels, box)
        return np.array(network.compute_face_descriptor(pixels, shape, 0), np.float64)


def require_models() -> Path:
    """Return the folder of the models.

    Returns:
        The folder that the package brings.

    Raises:
        MissingWeightsError: the extra is not installed.
    """
    package = importlib.util.find_spec("face_recognition_models")
    folders = list(package.submodule_search_locations or ()) if package else []
    if importlib.util.find_spec("dlib") is None or not folders:
        raise MissingWeightsError(f"Finding and embedding faces needs the faces extra: {INSTALL}")
    return Path(folders[0]) / "models"


@cache
def _finder() -> Any:
    require_models()
    import dlib

    return dlib.get_frontal_face_detector()


@cache
def _recognition() -> tuple[Any, Any]:
    folder = require_models()
    import dlib

    try:
        landmarks = dlib.shape_predictor(str(folder / LANDMARKS))
        return landmarks, dlib.face_recognition_model_v1(str(folder / NETWORK))
    except load_failures() as error:
        raise MissingWeightsError(
            f"The models of faces in {folder} cannot be read: {error}. Install them anew: "
            "pip install --force-reinstall face-recognition-models"
        ) from error
