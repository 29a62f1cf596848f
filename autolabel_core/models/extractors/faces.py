"""The built-in extractor of faces: who somebody is, by dlib's network of faces."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from autolabel_core.foundation.errors import AutolabelError, NothingToEmbedError
from autolabel_core.models.extractors.manifest import Extractor, Manifest
from autolabel_core.models.faces.centre import CENTRE
from autolabel_core.models.faces.dlib_models import (
    FoundFace,
    face_vector,
    find_faces,
    require_models,
)

DIM = 128
MODEL = "dlib_resnet_v1"
SHARES = (0.35, 0.12, 0.05)
"""Sides of the smallest face looked for, as shares of the image's shorter side, one by one."""
SURE_SCORE, CENTRAL_SCORE = 0.2, -0.3
"""Lowest score of a face anywhere, and of one in the middle of the image, as a detector cuts it."""
RIVAL_SHARE = 0.7
"""A second face whose side is at least this share of the first one's makes a portrait unclear."""
MAX_SIDE_PX = 1200


class FaceIdentityExtractor:
    """Embeds the face on an image: a crop of the face detector, or a portrait."""

    min_side_px: int | None = MAX_SIDE_PX

    def __init__(self, version: str) -> None:
        self.manifest = Manifest(
            feature_extractor_name="face_identity_extractor",
            version=version,
            feature_name=f"{MODEL}_centred",
            input="image",
            embedding_dim=DIM,
            description="faces by dlib's network, from the mean of many persons",
            short_name="face_embedding",
        )

    def embed(self, batch: Sequence[Image.Image]) -> npt.NDArray[np.float32]:
        """Return vectors `(n, 128)` of the faces on RGB images, rows of unit length."""
        vectors = np.empty((len(batch), DIM), np.float32)
        for row, image in enumerate(batch):
            picture = _within(image)
            vector = face_vector(picture, main_face(picture)) - CENTRE
            vectors[row] = vector / np.linalg.norm(vector)
        return vectors


def face_identity_extractor(version: str, model: str | None = None) -> Extractor:
    """Return the extractor of faces; the network loads when it first embeds.

    Args:
        version: part of the feature URI.
        model: `dlib_resnet_v1`, also None.

    Returns:
        The extractor.

    Raises:
        AutolabelError: there is no such model.
    """
    if model not in (None, MODEL):
        raise AutolabelError(
            f"face_identity_extractor does not know the model `{model}`. Use `{MODEL}`, or leave "
            "`model` out"
        )
    require_models()
    return FaceIdentityExtractor(version)


def main_face(image: Image.Image) -> FoundFace:
    """Return the face that an image is of: large ones are looked for first.

    Args:
        image: RGB: what a detector cut around a face, or a portrait.

    Returns:
        The face in the middle of a crop, the largest one of a portrait.

    Raises:
        NothingToEmbedError: no face is found, or two are about as large.
    """
    for share in SHARES:
        faces = find_faces(image, max(share * min(image.size), 1.0), CENTRAL_SCORE)
        central = [face for face in faces if share == SHARES[0] and _is_central(face, image.size)]
        if central:
            return central[0]
        sure = sorted(
            (face for face in faces if face.score >= SURE_SCORE), key=lambda face: -face.side_px
        )
        if len(sure) > 1 and sure[1].side_px >= RIVAL_SHARE * sure[0].side_px:
            raise NothingToEmbedError(
                f"{len(sure)} faces of about the same size are found on it; crop it to one, or "
                "declare `detection: {detector_name: face_detector}` for a document for each"
            )
        if sure:
            return sure[0]
    raise NothingToEmbedError(
        "no face that looks at the camera is found on it; take a larger, frontal picture"
    )


def _is_central(face: FoundFace, size_px: tuple[int, int]) -> bool:
    """Whether a face lies in the middle, as in what a detector cut around it."""
    left, top, right, bottom = face.xyxy_px
    off = abs((left + right) / 2 / size_px[0] - 0.5), abs((top + bottom) / 2 / size_px[1] - 0.5)
    return max(off) <= 0.12 and face.side_px >= 0.4 * min(size_px)


def _within(image: Image.Image) -> Image.Image:
    """Return an image no larger than what is looked at."""
    if max(image.size) <= MAX_SIDE_PX:
        return image
    small = image.copy()
    small.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX), Image.Resampling.BICUBIC)
    return small
