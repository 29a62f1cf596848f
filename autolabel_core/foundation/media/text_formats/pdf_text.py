"""Takes the text out of a PDF; pages that are pictures are read by OCR where it is installed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from unicodedata import category

from autolabel_core.foundation.errors import UnreadableItemError
from autolabel_core.foundation.media.text_formats.limits import (
    MAX_CHARACTERS,
    MAX_PAGES,
    MAX_SCANNED_PAGES,
    too_long,
    too_many_pages,
)
from autolabel_core.foundation.media.text_formats.ocr_text import INSTALL, has_ocr, picture_text

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage

DOTS_PER_POINT = 150 / 72
MAX_PAGE_PIXELS = 12_000_000
MAX_ODD_SHARE = 0.1
"""Share of control, private and unassigned characters on a page; bullets of lists are private."""
_NO_LETTERS = ("Cc", "Co", "Cn")
# PDFium writes hyphens at the ends of lines as the last two.
_USUAL_CONTROLS = "\t\n\r\f\x02\ufffe"
_PASSWORD = "password"
# PDFium keeps state of its own for the whole process.
_PDFIUM = threading.Lock()


def pdf_text(data: bytes) -> str:
    """Return the text of a PDF, page by page.

    Args:
        data: the file.

    Returns:
        Its text; that of scanned pages, and of those whose fonts do not say which letters they
        show, by OCR, where the extra is installed.

    Raises:
        UnreadableItemError: locked by a password, damaged, too long, or without any text.
    """
    with _PDFIUM, _opened(data) as document:
        pages, length = [], 0
        for number in range(len(document)):
            pages.append(_page_text(document, number))
            length += len(pages[-1])
            if length > MAX_CHARACTERS:
                raise UnreadableItemError(too_long())
        without = [number for number, text in enumerate(pages) if not text.strip()]
        if without and has_ocr():
            _read_scans(document, pages, without)
    if not any(page.strip() for page in pages):
        raise UnreadableItemError(_of_pictures_only(len(pages)))
    return "\n".join(page.strip() for page in pages if page.strip())


def page_counts(data: bytes) -> tuple[int, int]:
    """Return how many pages a PDF has, and how many of them hold no text.

    Args:
        data: the file.

    Returns:
        Both counts; a PDF that cannot be opened, or has too many pages, is an
        `UnreadableItemError`.
    """
    with _PDFIUM, _opened(data) as document:
        pages = len(document)
        return pages, sum(not _page_text(document, n).strip() for n in range(pages))


@contextmanager
def _opened(data: bytes) -> Iterator[PdfDocument]:
    from pypdfium2 import PdfDocument, PdfiumError

    try:
        document = PdfDocument(data)
    except PdfiumError as error:
        if _PASSWORD in str(error).lower():
            raise UnreadableItemError(
                "a PDF that is locked by a password; store a copy without one"
            ) from error
        raise UnreadableItemError(f"damaged PDF: {error}") from error
    try:
        if len(document) > MAX_PAGES:
            raise UnreadableItemError(too_many_pages(len(document), MAX_PAGES))
        yield document
    except PdfiumError as error:
        raise UnreadableItemError(f"damaged PDF: {error}") from error
    finally:
        document.close()


def _page_text(document: PdfDocument, number: int) -> str:
    page = document[number]
    text = page.get_textpage()
    try:
        found: str = text.get_text_bounded()
        return "" if _is_no_text(found) else found.replace("\r\n", "\n")
    finally:
        text.close()
        page.close()


def _is_no_text(found: str) -> bool:
    """Whether a font does not say which letters it shows, so that its own numbers come out."""
    odd = sum(category(c) in _NO_LETTERS and c not in _USUAL_CONTROLS for c in found)
    return odd > MAX_ODD_SHARE * len(found)


def _read_scans(document: PdfDocument, pages: list[str], without: list[int]) -> None:
    """Fill in the pages that are pictures."""
    if len(without) > MAX_SCANNED_PAGES:
        raise UnreadableItemError(too_many_pages(len(without), MAX_SCANNED_PAGES, "scanned pages"))
    for number in without:
        page = document[number]
        try:
            picture = page.render(scale=_scale(page)).to_pil().convert("RGB")
        finally:
            page.close()
        pages[number] = picture_text(picture)


def _scale(page: PdfPage) -> float:
    """Return pixels a point: 150 an inch, less where a page is a poster."""
    width_pt, height_pt = page.get_size()
    area = max(width_pt * height_pt, 1.0)
    return float(min(DOTS_PER_POINT, (MAX_PAGE_PIXELS / area) ** 0.5))


def _of_pictures_only(pages: int) -> str:
    if has_ocr():
        return f"a PDF on whose {pages} page(s) OCR found no text; store a better scan"
    return (
        f"a PDF of pictures only, or with fonts that do not say which letters they show: {pages} "
        f"page(s) without text. To read it by OCR: {INSTALL}, then `autolabel sweep`"
    )
