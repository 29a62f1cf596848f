"""Describes the content of an object: its media type and its size in pixels."""

from __future__ import annotations

from dataclasses import dataclass, field

from autolabel_core.foundation.errors import UnreadableItemError


@dataclass(frozen=True)
class ContentDescription:
    """What a content is.

    Attributes:
        media_type: such as `image/jpeg`.
        width_px: of an upright image.
        height_px: likewise.
        facts: what is worth knowing about how a text is read, for the document's metadata.
    """

    media_type: str
    width_px: int | None = None
    height_px: int | None = None
    facts: dict[str, object] = field(default_factory=dict)


def describe(kind: str, data: bytes, suffix: str = "") -> ContentDescription:
    """Return what a content is.

    Args:
        kind: what it should be, `image` or `text`.
        data: the content.
        suffix: the ending of its name with the dot, may be empty.

    Returns:
        The description.

    Raises:
        UnreadableItemError: it is empty, no image, or no text that can be read.
    """
    if not data:
        raise UnreadableItemError("is empty (0 bytes)")
    if kind != "image":
        from autolabel_core.foundation.media.text_formats import describe_text

        media_type, facts = describe_text(data, suffix)
        return ContentDescription(media_type, facts=facts)
    from autolabel_core.foundation.media.images import probe_image

    info = probe_image(data)
    return ContentDescription(f"image/{info.format.lower()}", info.width_px, info.height_px)
