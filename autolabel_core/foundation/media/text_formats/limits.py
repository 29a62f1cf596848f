"""How much is read of one document, and what is said of one that holds more."""

from __future__ import annotations

MAX_CHARACTERS = 10_000_000
"""Of the text taken out of one file; plain text is limited by `max_object_mb` alone."""
MAX_PAGES = 2_000
MAX_SCANNED_PAGES = 50
"""Pages that are read by OCR, which takes a second or more for each."""


def too_long() -> str:
    """Say that a document holds more text than is read."""
    return f"too long: it holds more than {MAX_CHARACTERS:,} characters of text; split the document"


def too_many_pages(pages: int, most: int, kind: str = "pages") -> str:
    """Say that a document has more pages than are read."""
    return f"too long: it has {pages:,} {kind}, and at most {most:,} are read; split the document"
