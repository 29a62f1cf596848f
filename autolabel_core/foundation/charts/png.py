"""Encodes small PNG files, the same bytes for the same picture."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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


def figure_png(figure: Figure) -> bytes:
    """The drawing in as many colours as fit; two would fit whatever it shows."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return chart_png(Image.open(buffer).convert("RGB"))


def chart_png(picture: Image.Image) -> bytes:
    """The picture, RGB, in as many colours as fit under `MAX_PNG_BYTES`."""
    sizes = (png_of(picture, colours) for colours in (128, 32, 8, 2))
    return next(png for png in sizes if len(png) < MAX_PNG_BYTES)


def as_markdown(png: bytes, title: str = "picture") -> str:
    """The PNG as a Markdown image that carries its own data."""
    plain = "".join(c for c in title if c not in "[]\n\r")
    return f"![{plain}](data:image/png;base64,{base64.b64encode(png).decode()})"
