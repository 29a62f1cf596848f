"""Images as data URLs, small enough to be sent to a language model."""

from __future__ import annotations

import base64
import io

from PIL import Image

from autolabel_core.foundation.media.images import decode_image

MAX_SIDE_PX, JPEG_QUALITY = 512, 85


def image_data_url(data: bytes, side_px: int = MAX_SIDE_PX) -> str:
    """Return an image as a data URL, made small: models see it at about this size anyway.

    Args:
        data: the image's file.
        side_px: its longer side at most, in pixels.

    Returns:
        A JPEG as `data:image/jpeg;base64,…`.
    """
    return picture_data_url(decode_image(data, side_px), side_px)


def picture_data_url(picture: Image.Image, side_px: int = MAX_SIDE_PX) -> str:
    """Return a decoded RGB image as `image_data_url` returns its file."""
    small = picture.copy()
    small.thumbnail((side_px, side_px))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=JPEG_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
