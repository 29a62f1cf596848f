"""PNG files small enough for a run's metadata, the same bytes for the same picture."""

from __future__ import annotations

import base64
import io

from PIL import Image

MAX_PNG_BYTES = 100_000


def png_of(picture: Image.Image, colours: int) -> bytes:
    """The picture as a PNG with a palette of at most so many colours."""
    quantised = picture.quantize(colours, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    quantised.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def lossless_png(picture: Image.Image) -> bytes:
    """The picture as a PNG, every pixel as it is."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def as_markdown(png: bytes, title: str = "picture") -> str:
    """The PNG as a Markdown image that carries its own data."""
    plain = "".join(c for c in title if c not in "[]\n\r")
    return f"![{plain}](data:image/png;base64,{base64.b64encode(png).decode()})"
