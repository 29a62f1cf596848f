"""Describes the content of an object: its media type and its size in pixels."""

from __future__ import annotations

from autolabel_core.foundation.errors import UnreadableItemError


def describe(kind: str, data: bytes) -> tuple[str, int | None, int | None]:
    """Return the columns that say what a content is.

    Args:
        kind: what it should be, `image` or `text`.
        data: the content.

    Returns:
        Media type, width and height in pixels; a text has no size.

    Raises:
        UnreadableItemError: it is empty, or no image.
    """
    if not data:
        raise UnreadableItemError("is empty (0 bytes)")
    if kind != "image":
        return "text/plain", None, None
    from autolabel_core.foundation.media.images import probe_image

    info = probe_image(data)
    return f"image/{info.format.lower()}", info.width_px, info.height_px
