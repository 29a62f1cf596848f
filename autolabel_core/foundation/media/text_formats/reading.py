"""Reads the text of a file of any kind that is known, and says what it was read as."""

from __future__ import annotations

from collections.abc import Callable

from autolabel_core.foundation.errors import UnreadableItemError
from autolabel_core.foundation.media.encodings import DecodedText, decode_bytes
from autolabel_core.foundation.media.further_formats import LFS_POINTER
from autolabel_core.foundation.media.text_formats import media_types as kinds
from autolabel_core.foundation.media.text_formats.docx_text import docx_text
from autolabel_core.foundation.media.text_formats.email_text import email_text
from autolabel_core.foundation.media.text_formats.html_text import declared_charset, html_text
from autolabel_core.foundation.media.text_formats.limits import MAX_CHARACTERS, too_long
from autolabel_core.foundation.media.text_formats.markdown_text import markdown_text
from autolabel_core.foundation.media.text_formats.ocr_text import INSTALL, has_ocr, picture_text
from autolabel_core.foundation.media.text_formats.pdf_text import page_counts, pdf_text
from autolabel_core.foundation.media.texts import check_text

_REFUSED = {
    kinds.OLE: "an older Office file, an Outlook message (.msg), or a file that is locked by a "
    "password; save it as .docx without a password, as PDF or as .eml",
    kinds.LFS: LFS_POINTER,
    kinds.RTF: "a Rich Text file; save it as .docx or PDF",
}
_UNMARKED = {kinds.HTML: html_text, kinds.MARKDOWN: markdown_text}


def read_text(data: bytes, media_type: str) -> str:
    """Return the text of a file.

    Args:
        data: its content.
        media_type: as `text_media_type` found it.

    Returns:
        The text; it holds at least one character that is not white.

    Raises:
        UnreadableItemError: the file is damaged, locked, too long, of another kind, or holds no
            text; the message says what to do.
    """
    if not data:
        raise UnreadableItemError("empty: the object has 0 bytes")
    if media_type in _REFUSED:
        raise UnreadableItemError(_REFUSED[media_type])
    reader = _READERS.get(media_type)
    if reader is None and media_type.startswith("image/"):
        reader = _picture
    if reader is not None:
        text = reader(data)
    else:
        text = check_text(_decoded(data, media_type).text)
        if media_type in _UNMARKED:
            if len(text) > MAX_CHARACTERS:
                raise UnreadableItemError(too_long())
            text = _UNMARKED[media_type](text)
    if not text.strip():
        raise UnreadableItemError(f"empty: the file ({media_type}) shows no text")
    return text


def describe_text(data: bytes, suffix: str) -> tuple[str, dict[str, object]]:
    """Return what a file is, without reading all of it.

    Args:
        data: its content, not empty.
        suffix: the ending of its name, with the dot.

    Returns:
        Its media type, and what is worth knowing about the reading: `pages` of a PDF,
        and `scanned_pages`, which only OCR can read; `text_encoding` and `text_encoding_found` of
        a text that is not UTF-8.

    Raises:
        UnreadableItemError: it can be seen at once that it cannot be read.
    """
    media_type = kinds.text_media_type(data, suffix)
    if media_type in _REFUSED:
        raise UnreadableItemError(_REFUSED[media_type])
    if media_type == kinds.PDF:
        pages, scanned = page_counts(data)
        return media_type, {"pages": pages, **({"scanned_pages": scanned} if scanned else {})}
    if media_type == kinds.ZIP:
        return kinds.DOCX, {}
    if media_type not in (kinds.PLAIN, kinds.MARKDOWN, kinds.HTML):
        return media_type, {}
    decoded = _decoded(data, media_type)
    if decoded.encoding == "utf-8":
        return media_type, {}
    return media_type, {
        "text_encoding": decoded.encoding,
        "text_encoding_found": decoded.found_by,
    }


def _decoded(data: bytes, media_type: str) -> DecodedText:
    return decode_bytes(data, declared_charset(data) if media_type == kinds.HTML else None)


def _picture(data: bytes) -> str:
    from autolabel_core.foundation.media.images import decode_image

    if not has_ocr():
        raise UnreadableItemError(
            f"a picture, and this collection holds texts. To read photographs of papers: {INSTALL},"
            " then `autolabel sweep`"
        )
    return picture_text(decode_image(data))


_READERS: dict[str, Callable[[bytes], str]] = {
    kinds.PDF: pdf_text,
    kinds.DOCX: docx_text,
    kinds.ZIP: docx_text,
    kinds.EMAIL: email_text,
}
