"""The font of charts, the same on every machine; captions are shortened to fit."""

from __future__ import annotations

import importlib.util
import unicodedata
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

TEXT_PX, LINE_PX = 12, 15


def caption_lines(caption: str, width_px: int) -> list[str]:
    """The caption in lines that fit: two of words at most, one for what follows a line break."""
    name, _, rest = caption.strip().partition("\n")
    words = drawable(name).split(" ")
    taken = len(words)
    while taken > 1 and font().getlength(" ".join(words[:taken])) > width_px:
        taken -= 1
    lines = (" ".join(words[:taken]), " ".join(words[taken:]), drawable(rest))
    return [elided(line, width_px) for line in lines if line]


def elided(line: str, width_px: int) -> str:
    """The line, cut and ended with … where it is wider than that."""
    if font().getlength(line) <= width_px:
        return line
    kept = len(line)
    while kept and font().getlength(line[:kept].rstrip() + "…") > width_px:
        kept -= 1
    return line[:kept].rstrip() + "…"


def font_path() -> Path:
    """DejaVu Sans as matplotlib brings it: the same letters on every machine."""
    # Found and not imported: that takes half a second, and the letters are a file.
    found = importlib.util.find_spec("matplotlib")
    assert found is not None and found.origin is not None, "matplotlib is a dependency"
    return Path(found.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"


@lru_cache(maxsize=8)
def font(size_px: int = TEXT_PX) -> ImageFont.FreeTypeFont:
    """The letters of captions, or those of another size."""
    return ImageFont.truetype(str(font_path()), size_px, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=1)
def _glyphs() -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    return frozenset(FT2Font(str(font_path())).get_charmap())


def drawable(text: str) -> str:
    """The text on one line, with □ for what the font cannot draw."""
    plain = unicodedata.normalize("NFC", " ".join(text.split()))
    if plain.isascii() and plain.isprintable():
        return plain
    return "".join(c if ord(c) in _glyphs() else "□" for c in plain)
