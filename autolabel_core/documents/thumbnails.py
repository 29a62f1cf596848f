"""Small pictures of documents, made once for each content and kept in the cache."""

from __future__ import annotations

import io
from pathlib import Path

from autolabel_core.documents.readable_document import readable_document
from autolabel_core.foundation.atomic_files import write_atomically
from autolabel_core.foundation.errors import NotFoundError
from autolabel_core.foundation.media.images import decode_image
from autolabel_core.tables.workspace import OpenCollection

SIDES_PX = (96, 192, 384, 1024)
MEDIA_TYPE = "image/webp"
QUALITY = 80
TINY_PX = 64


class Thumbnails:
    """The thumbnails of a collection of images; of boxes, of what lies in the box.

    Args:
        collection: whose documents.
    """

    def __init__(self, collection: OpenCollection) -> None:
        self._collection = collection
        self._folder = collection.paths.cache / "thumbnails"

    def cached(self, content: str, side_px: int) -> Path | None:
        """Return the file of a content that was asked for before, None where it was not."""
        path = self._path(content, side_px)
        return path if path.is_file() else None

    def make(self, document_id: str, side_px: int) -> Path:
        """Return the thumbnail of a document as the last sweep saw it.

        Args:
            document_id: of an image or a box.
            side_px: one of `SIDES_PX`; the longer side at most. Tiny pictures grow by a whole
                factor, so that they stay sharp.

        Returns:
            A WebP file in the cache.

        Raises:
            NotFoundError: documents have no picture. Where there is no such document too; one that
                is quarantined, gone or overwritten since is an `UnreadableItemError`.
        """
        items, row = readable_document(self._collection, document_id)
        if self._collection.extractor.manifest.input != "image":
            raise NotFoundError(f"The documents of `{self._collection.name}` have no picture.")
        content = row["content_hash"] or ""
        path = self._path(content, side_px)
        if not path.is_file():
            small = _small(items.content(row["key"], content), side_px)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, lambda part: part.write_bytes(small))
        return path

    def _path(self, content: str, side_px: int) -> Path:
        return self._folder / str(side_px) / content[:2] / f"{content}.webp"


def _small(data: bytes, side_px: int) -> bytes:
    picture = decode_image(data, side_px)
    factor = side_px // max(picture.size)
    if max(picture.size) <= TINY_PX and factor > 1:
        picture = picture.resize((picture.width * factor, picture.height * factor), 0)
    picture.thumbnail((side_px, side_px))
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=QUALITY)
    return buffer.getvalue()
