"""Draws a text as a picture, for contact sheets of text documents."""

from __future__ import annotations

from PIL import Image, ImageDraw

from autolabel_core.foundation.charts.fonts import LINE_PX, drawable, elided, font

CARD_PX, LONGEST_WORD = 150, 40
_INK, _PAPER, _MARGIN_PX = "#22262b", "#fbfaf6", 8


def text_card(text: str) -> Image.Image:
    """The beginning of a text on a card, cut where the card ends.

    Args:
        text: of any length.

    Returns:
        A square picture, `CARD_PX` wide.
    """
    card = Image.new("RGB", (CARD_PX, CARD_PX), _PAPER)
    draw = ImageDraw.Draw(card)
    for number, line in enumerate(_lines(drawable(text[:2000]))):
        draw.text((_MARGIN_PX, _MARGIN_PX + number * LINE_PX), line, _INK, font())
    return card


def _lines(text: str) -> list[str]:
    width_px = CARD_PX - 2 * _MARGIN_PX
    room = (CARD_PX - 2 * _MARGIN_PX) // LINE_PX
    lines: list[str] = [""]
    for word in (word[:LONGEST_WORD] for word in text.split(" ")):
        longer = f"{lines[-1]} {word}".strip()
        if font().getlength(longer) <= width_px or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    shown = lines[:room]
    if len(lines) > room:
        shown[-1] += "…"
    return [elided(line, width_px) for line in shown]
