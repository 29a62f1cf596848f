"""Cuts the documents of a chunk into what may lie decoded in memory at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autolabel_core.tables.document_table import DocumentRow

MOST_ITEMS, MOST_PIXELS = 64, 30_000_000
"""Pixels are counted at full size; 30 million are 90 MB as RGB, and three pieces may be at work."""


def pieces(
    chunk: Sequence[tuple[str, DocumentRow]],
) -> Iterator[list[tuple[str, DocumentRow]]]:
    """Yield the chunk in pieces.

    Args:
        chunk: content hashes and rows.

    Yields:
        list[tuple[str, DocumentRow]]: in their order, 1 to 64 of them; together below 30 million
        pixels, but for a single image that has more.
    """
    piece: list[tuple[str, DocumentRow]] = []
    total = 0
    for content, row in chunk:
        pixels = _pixels(row)
        if piece and (len(piece) == MOST_ITEMS or total + pixels > MOST_PIXELS):
            yield piece
            piece, total = [], 0
        piece.append((content, row))
        total += pixels
    if piece:
        yield piece


def _pixels(row: DocumentRow) -> int:
    """Return the pixels of a whole image; 0 of texts, and of boxes, which share their image."""
    if "image_id" in row:
        return 0
    width, height = row.get("width_px"), row.get("height_px")
    return width * height if isinstance(width, int) and isinstance(height, int) else 0
