"""Small pictures of documents, made once for each content and kept in the cache."""

from __future__ import annotations

import io
from pathlib import Path

from autolabel_core.foundation.atomic_files import write_atomically
from autolabel_core.foundation.errors import NotFoundError, UnreadableItemError
from autolabel_core.foundation.media.images import decode_image
from autolabel_core.tables.embeddings import items_of
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
            NotFoundError: there is no such document, or it has no picture.
            UnreadableItemError: its object is quarantined, gone, or was overwritten since.
        """
        items = items_of(self._collection.declaration)(self._collection)
        rows = items.rows_of({document_id})
        if not rows:
            raise NotFoundError(f"No document {document_id!r} in `{self._collection.name}`.")
        row = rows[0]
        if self._collection.extractor.manifest.input != "image":
            raise NotFoundError(f"The documents of `{self._collection.name}` have no picture.")
        if row["reason"] or not row["content_hash"]:
            raise UnreadableItemError(row["reason"] or "not read yet; sweep first")
        path = self._path(row["content_hash"], side_px)
        if not path.is_file():
            small = _small(items.content(row["key"], row["content_hash"]), side_px)
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
