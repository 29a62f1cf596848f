"""Thumbnails of a map's documents: within the page where they are few, else in a folder."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

from autolabel_core.foundation.errors import UnreadableItemError
from autolabel_core.foundation.media.images import decode_image

MAX_INLINE = 5_000
SIDE_PX, INLINE_SIDE_PX, JPEG_QUALITY = 160, 96, 72
_SMALL_PX = 48


@dataclass(frozen=True)
class Thumbnails:
    """The thumbnails of all documents, None where a document has none.

    Attributes:
        files: `(n,)` JPEG files, or None.
        folder: name of the folder beside the page that holds `000000.jpg` and on, by row; None
            puts them into the page.
    """

    files: Sequence[bytes | None]
    folder: str | None = None

    def data(self) -> dict[str, object]:
        """What the page holds of them."""
        if self.folder is not None:
            has = "".join("0" if file is None else "1" for file in self.files)
            return {"folder": self.folder, "has_thumbnail": has}
        return {"thumbnails": [None if file is None else _data_url(file) for file in self.files]}


def file_name(row: int) -> str:
    """Return the name of a document's thumbnail in the folder."""
    return f"{row:06d}.jpg"


def thumbnail(data: bytes, side_px: int = SIDE_PX) -> bytes | None:
    """Return a small JPEG of an image, None where it cannot be read.

    Args:
        data: the image's file.
        side_px: its longer side at most; tiny images grow by whole factors, so they stay sharp.

    Returns:
        The file.
    """
    try:
        picture = decode_image(data, side_px)
    except UnreadableItemError:
        return None
    factor = side_px // max(picture.size)
    if max(picture.size) <= _SMALL_PX and factor > 1:
        picture = picture.resize((picture.width * factor, picture.height * factor), 0)
    picture.thumbnail((side_px, side_px))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue()


def _data_url(file: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(file).decode()}"
