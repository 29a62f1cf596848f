"""Tells what kind of file some bytes are: by their beginning first, by the file's name second."""

from __future__ import annotations

import re

PLAIN, MARKDOWN, HTML = "text/plain", "text/markdown", "text/html"
EMAIL, PDF, IMAGE = "message/rfc822", "application/pdf", "image/*"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
ZIP, OLE, RTF = "application/zip", "application/x-ole-storage", "application/rtf"
LFS = "application/x-git-lfs-pointer"

SNIFFED_BYTES = 4_096
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_HEADER = re.compile(rb"[A-Za-z][A-Za-z0-9-]{0,60}:[ \t]")
_MAIL_HEADERS = tuple(
    re.compile(rb"^" + name + rb":", re.IGNORECASE | re.MULTILINE)
    for name in (rb"from", rb"subject|date|message-id", rb"to|received|mime-version|message-id")
)
_MAGIC = (
    (b"%PDF-", PDF),
    (b"PK\x03\x04", ZIP),
    (b"PK\x05\x06", ZIP),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLE),
    (b"{\\rtf", RTF),
    (b"version https://git-lfs", LFS),
)
_IMAGES = (
    *(b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"II*\x00", b"MM\x00*"),
    *(b"BM6", b"BMv", b"BMz", b"\x00\x00\x00\x0cjP  "),
)
_SUFFIXES = {
    ".md": MARKDOWN,
    ".markdown": MARKDOWN,
    ".htm": HTML,
    ".html": HTML,
    ".xhtml": HTML,
    ".eml": EMAIL,
}


def text_media_type(data: bytes, suffix: str = "") -> str:
    """Return the media type of a file that holds a text.

    Args:
        data: its content; the first 4,096 bytes are looked at.
        suffix: the ending of its name with the dot, may be empty; it decides only between kinds of
            plain text.

    Returns:
        Such as `application/pdf`; `image/*` for a picture, and `text/plain` for all that has no
        beginning of its own.
    """
    head = data[:SNIFFED_BYTES]
    for magic, media_type in _MAGIC:
        if head.startswith(magic):
            return media_type
    if b"%PDF-" in head[:1024]:
        return PDF
    if head.startswith(_IMAGES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return IMAGE
    if head[4:8] == b"ftyp" and head[8:12] in (b"avif", b"heic", b"heix", b"mif1", b"msf1"):
        return IMAGE
    if suffix.lower() in _SUFFIXES:
        return _SUFFIXES[suffix.lower()]
    begin = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if begin.startswith(b"<") and _HTML.search(begin):
        return HTML
    if _HEADER.match(begin) and all(header.search(head) for header in _MAIL_HEADERS):
        return EMAIL
    return PLAIN
