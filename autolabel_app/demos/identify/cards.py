"""Cards drawn from the glyphs of the fonts that matplotlib ships: one picture for each name."""

from __future__ import annotations

import colorsys
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

WIDTH_PX, HEIGHT_PX = 240, 336
FONTS = ("DejaVuSans-Bold.ttf", "DejaVuSerif.ttf", "DejaVuSansMono.ttf", "STIXGeneralBol.ttf")
# Greek, Cyrillic, Armenian, Georgian, letterlike signs, arrows, mathematics, technical, shapes,
# dingbats: what is in a font of these is a motif.
BLOCKS = (
    *(range(0x391, 0x3CA), range(0x410, 0x450), range(0x531, 0x557), range(0x10D0, 0x10F1)),
    *(range(0x2100, 0x2140), range(0x2190, 0x2200), range(0x2200, 0x2300), range(0x2460, 0x2500)),
    *(range(0x25A0, 0x2600), range(0x2600, 0x2670), range(0x2701, 0x27BF)),
)
FIRST = ("amber", "silent", "hollow", "crimson", "iron", "winter", "velvet", "broken", "golden")
SECOND = ("warden", "lantern", "harbour", "serpent", "orchard", "engine", "mirror", "falcon")
THIRD = ("pact", "song", "gate", "oath", "storm", "dream")

Rng = np.random.Generator
Colour = tuple[int, int, int]


def card_names(count: int) -> list[str]:
    """Return so many different file stems, at most 432; some carry set codes and rarities."""
    names = [f"{a}_{b}_s_{c}" for c in THIRD for b in SECOND for a in FIRST]
    rarities = ("", "_ur", "", "_pscr", "")
    return [f"DEMO-EN{i:03d}_{n}{rarities[i % 5]}" for i, n in enumerate(names[:count])]


def draw_card(number: int, one_palette: bool = False) -> Image.Image:
    """Draw the card of a number: frame, motif of two glyphs, a row of small ones.

    Args:
        number: another card for another number.
        one_palette: all cards share their colours, so that only shapes tell them apart.

    Returns:
        An RGB image of `WIDTH_PX` × `HEIGHT_PX`.
    """
    rng = np.random.default_rng([2718, number])
    paper, ink, frame, second = _colours(np.random.default_rng(0) if one_palette else rng)
    card = Image.new("RGB", (WIDTH_PX, HEIGHT_PX), frame)
    draw = ImageDraw.Draw(card)
    draw.rounded_rectangle((12, 12, WIDTH_PX - 13, HEIGHT_PX - 13), 10, paper)
    panel = (26, 58, WIDTH_PX - 27, 246)
    draw.rectangle(panel, tuple((a * 2 + b) // 3 for a, b in zip(paper, second, strict=True)))
    main, other = (_glyph(rng) for _ in range(2))
    _place(card, main, ink, 150, (WIDTH_PX / 2, 152), rng.uniform(-25, 25))
    at = (float(rng.choice([58.0, WIDTH_PX - 58.0])), float(rng.choice([88.0, 216.0])))
    _place(card, other, second, 62, at, rng.uniform(-40, 40))
    small = [_glyph(rng) for _ in range(4)]
    for i, glyph in enumerate(small):
        _place(card, glyph, ink, 34, (48 + 48 * i, 284), 0)
    for i in range(int(rng.integers(1, 8))):
        draw.ellipse((28 + 22 * i, 28, 42 + 22 * i, 42), second)
    return card


def _colours(rng: Rng) -> tuple[Colour, Colour, Colour, Colour]:
    hue = rng.random()
    other = hue + rng.uniform(0.2, 0.8)
    return (
        _rgb(hue, rng.uniform(0.1, 0.45), rng.uniform(0.8, 1.0)),
        _rgb(other, rng.uniform(0.5, 1.0), rng.uniform(0.15, 0.5)),
        _rgb(rng.random(), rng.uniform(0.3, 0.9), rng.uniform(0.3, 0.8)),
        _rgb(other + rng.uniform(0.1, 0.4), rng.uniform(0.5, 0.9), rng.uniform(0.5, 0.85)),
    )


def _rgb(hue: float, saturation: float, value: float) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def _glyph(rng: Rng) -> tuple[str, str]:
    font = str(rng.choice(FONTS))
    motifs = _motifs(font)
    return font, chr(motifs[int(rng.integers(len(motifs)))])


@lru_cache
def _motifs(font: str) -> list[int]:
    """Code points of the blocks that a font can draw."""
    from matplotlib.ft2font import FT2Font

    held = set(FT2Font(str(_file(font))).get_charmap())
    return [point for block in BLOCKS for point in block if point in held]


@lru_cache
def _letters(font: str, size_px: int) -> ImageFont.FreeTypeFont:
    basic = ImageFont.Layout.BASIC
    return ImageFont.truetype(str(_file(font)), size_px, layout_engine=basic)


def _file(font: str) -> Path:
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / font


def _place(
    card: Image.Image,
    glyph: tuple[str, str],
    colour: Colour,
    size_px: int,
    centre_px: tuple[float, float],
    degrees: float,
) -> None:
    """Draw a glyph so that its ink, turned, is about that large around the centre."""
    letters = _letters(glyph[0], 200)
    left, top, right, bottom = letters.getbbox(glyph[1])
    mask = Image.new("L", (max(1, round(right - left)), max(1, round(bottom - top))))
    ImageDraw.Draw(mask).text((-left, -top), glyph[1], 255, letters)
    scale = size_px / max(mask.size)
    shape = (max(2, round(mask.width * scale)), max(2, round(mask.height * scale)))
    mask = mask.resize(shape, Image.Resampling.LANCZOS)
    mask = mask.rotate(degrees, Image.Resampling.BICUBIC, expand=True)
    corner = round(centre_px[0] - mask.width / 2), round(centre_px[1] - mask.height / 2)
    card.paste(Image.new("RGB", mask.size, colour), corner, mask)
