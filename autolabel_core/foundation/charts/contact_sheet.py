"""Draws a contact sheet: pictures with their labels, in frames coloured by the label's source."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageOps

from autolabel_core.foundation.charts.fonts import LINE_PX, caption_lines, font
from autolabel_core.foundation.charts.png import MAX_PNG_BYTES, png_of

MAX_TILES = 120
SOURCE_COLOURS = {
    "human": "#1b7f4b",
    "promoted": "#7b4fb5",
    "auto": "#2f6fb2",
    "suggested": "#8a6bb8",
    None: "#9a9a9a",
}
_INK, _PALE, _MAT = "#22262b", "#6b7077", "#f1f2f4"
_FRAME_PX, _GAP_PX = 3, 10
_MIN_CELL_PX, _MIN_TILE_PX = 76, 32
_MAX_PICTURE_PIXELS = 1_200_000  # more than this never fits, and takes seconds to find out

Tile = tuple[Image.Image, str, str]


def contact_sheet(
    tiles: Sequence[tuple[Image.Image, str, str]], columns: int | None = None, tile_px: int = 96
) -> bytes:
    """A sheet of pictures in coloured frames, each with its caption beneath.

    Args:
        tiles: picture, caption and frame colour (any colour that Pillow reads; `SOURCE_COLOURS`
            has one for each label source). A caption takes two lines of words at most, and one for
            what follows a line break.
        columns: tiles in a row; None makes the sheet about three wide to two high.
        tile_px: side of the square in which a picture is fitted, in pixels, from 32; smaller
            where there are many.

    Returns:
        A PNG under 100 KB. Where the tiles do not fit, they are drawn smaller and with fewer
        colours, at last fewer of them; a line at the foot says how many are not shown.
    """
    largest_px = math.isqrt(_MAX_PICTURE_PIXELS // min(max(len(tiles), 1), MAX_TILES))
    tile_px = min(tile_px, largest_px)
    sheet_of = [_rgb(picture, tile_px) for picture, _, _ in tiles[:MAX_TILES]]
    shown = len(sheet_of)
    while True:
        chosen = [(sheet_of[i], *tiles[i][1:]) for i in range(shown)]
        for side_px, colours in _reductions(tile_px):
            sheet = _sheet(chosen, columns, side_px, len(tiles) - shown)
            png = png_of(sheet, colours)
            if len(png) < MAX_PNG_BYTES:
                return png
        shown //= 2


def _reductions(tile_px: int) -> Iterator[tuple[int, int]]:
    """Sides and numbers of colours to try, best first."""
    yield from ((tile_px, colours) for colours in (256, 128, 64))
    side_px = tile_px
    while side_px > _MIN_TILE_PX:
        side_px = max(_MIN_TILE_PX, side_px * 4 // 5)
        yield side_px, 64
    yield side_px, 32


def _rgb(picture: Image.Image, side_px: int) -> Image.Image:
    """The picture upright, on white, fitted into the square; small ones grow by whole factors."""
    upright = ImageOps.exif_transpose(picture)
    if upright.mode in {"I", "F"} or upright.mode.startswith("I;"):
        upright = _stretched(upright)
    if upright.mode == "P" or "A" in upright.getbands() or "a" in upright.getbands():
        layered = upright.convert("RGBA")
        white = Image.new("RGBA", layered.size, "white")
        upright = Image.alpha_composite(white, layered)
    return _fitted(upright.convert("RGB"), side_px)


def _stretched(picture: Image.Image) -> Image.Image:
    """Deep greys (16 bits, floats) spread over the eight bits that a screen shows."""
    values = np.asarray(picture, dtype=np.float64)
    values = np.nan_to_num(values, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    return Image.fromarray(np.uint8(255 * (values - low) / max(high - low, 1e-12)))


def _fitted(picture: Image.Image, side_px: int) -> Image.Image:
    longest = max(picture.size)
    if longest * 2 <= side_px:
        factor = side_px // longest
        return picture.resize(
            (picture.width * factor, picture.height * factor), Image.Resampling.NEAREST
        )
    scale = side_px / longest
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.LANCZOS)


def _sheet(tiles: Sequence[Tile], columns: int | None, side_px: int, not_shown: int) -> Image.Image:
    cell_w = max(side_px + 2 * _FRAME_PX, _MIN_CELL_PX) + _GAP_PX
    text_w = cell_w - _GAP_PX
    lines = max((len(caption_lines(caption, text_w)) for _, caption, _ in tiles), default=0)
    cell_h = side_px + 2 * _FRAME_PX + _GAP_PX + lines * LINE_PX
    count = max(len(tiles), 1)
    across = columns or max(1, math.ceil(math.sqrt(count * 1.5 * cell_h / cell_w)))
    across = min(across, count)
    down = math.ceil(count / across)
    foot_px = LINE_PX + 4 if not_shown or not tiles else 0
    width = max(across * cell_w + _GAP_PX, 200 if foot_px else 0)
    sheet = Image.new("RGB", (width, down * cell_h * bool(tiles) + _GAP_PX + foot_px), "white")
    draw = ImageDraw.Draw(sheet)
    for index, tile in enumerate(tiles):
        row, column = divmod(index, across)
        corner = (_GAP_PX + column * cell_w, _GAP_PX + row * cell_h)
        _draw_tile(sheet, draw, tile, corner, text_w, side_px)
    if foot_px:
        words = f"and {not_shown:,} more, not shown" if not_shown else "nothing to show"
        draw.text((_GAP_PX, sheet.height - foot_px), words, _PALE, font())
    return sheet


def _draw_tile(
    sheet: Image.Image,
    draw: ImageDraw.ImageDraw,
    tile: Tile,
    corner: tuple[int, int],
    width_px: int,
    side_px: int,
) -> None:
    picture, caption, colour = tile
    if max(picture.size) > side_px:
        picture = _fitted(picture, side_px)
    left, top = corner
    frame_left = left + (width_px - side_px) // 2 - _FRAME_PX
    box = (
        frame_left,
        top,
        frame_left + side_px + 2 * _FRAME_PX - 1,
        top + side_px + 2 * _FRAME_PX - 1,
    )
    draw.rectangle(box, "#f1f2f4", ImageColor.getrgb(colour), _FRAME_PX)
    middle = (
        frame_left + _FRAME_PX + (side_px - picture.width) // 2,
        top + _FRAME_PX + (side_px - picture.height) // 2,
    )
    sheet.paste(picture, middle)
    below = top + side_px + 2 * _FRAME_PX + 1
    for number, line in enumerate(caption_lines(caption, width_px)):
        x = left + (width_px - font().getlength(line)) / 2
        draw.text((x, below + number * LINE_PX), line, _INK, font())
