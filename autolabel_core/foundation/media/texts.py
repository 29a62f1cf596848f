"""Decodes text from bytes of unknown encoding, or refuses it with the reason."""

from __future__ import annotations

import codecs

from autolabel_core.foundation.errors import UnreadableItemError

MAX_CONTROL_SHARE = 0.01
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# C0 and C1 controls but tab, line feed, form feed, carriage return and next line.
_CONTROLS = dict.fromkeys({*range(32), *range(127, 160)} - {9, 10, 12, 13, 0x85})


def decode_text(data: bytes) -> str:
    """Return the text in `data`: UTF-8, UTF-16 or UTF-32 by byte-order mark, else windows-1252.

    Args:
        data: the object's content.

    Returns:
        The text without its byte-order mark; it holds at least one character that is not white.

    Raises:
        UnreadableItemError: empty, white space only, or binary (NUL bytes, or more than one
            character in a hundred that is a control).
    """
    if not data:
        raise UnreadableItemError("empty: the object has 0 bytes")
    text = _decode(data)
    if "\0" in text:
        raise UnreadableItemError("not a text: it holds NUL bytes; expected UTF-8 or UTF-16")
    controls = len(text) - len(text.translate(_CONTROLS))
    if controls > MAX_CONTROL_SHARE * len(text):
        raise UnreadableItemError(
            f"not a text: {controls} of {len(text)} characters are controls; expected UTF-8"
        )
    if not text.strip():
        raise UnreadableItemError("empty: the text holds white space only")
    return text


def _decode(data: bytes) -> str:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            try:
                return data.decode(encoding)
            except UnicodeDecodeError as error:
                raise UnreadableItemError(
                    f"not a text: its byte-order mark says {encoding}, but {error.reason} "
                    f"at byte {error.start}"
                ) from error
    for encoding in ("utf-8", "windows-1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")
