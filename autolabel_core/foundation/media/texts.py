"""Decodes text from bytes of unknown encoding, or refuses it with the reason."""

from __future__ import annotations

import re

from autolabel_core.foundation.errors import UnreadableItemError
from autolabel_core.foundation.media.encodings import decode_bytes

MAX_CONTROL_SHARE = 0.01
# C0 and C1 controls but tab, line feed, form feed, carriage return and next line.
_CONTROLS = dict.fromkeys({*range(32), *range(127, 160)} - {9, 10, 12, 13, 0x85})
_TERMINAL = re.compile(r"\x1b\[[0-9;?]{0,40}[A-Za-z]")
_END_OF_DOS_FILE = "\x1a"


def decode_text(data: bytes, declared: str | None = None) -> str:
    """Return the text in `data`, by the encoding that `decode_bytes` finds.

    Args:
        data: the object's content.
        declared: an encoding that the object names.

    Returns:
        The text without its byte-order mark; it holds at least one character that is not white.

    Raises:
        UnreadableItemError: empty, white space only, or binary (NUL bytes, or more than one
            character in a hundred that is a control).
    """
    if not data:
        raise UnreadableItemError("empty: the object has 0 bytes")
    return check_text(decode_bytes(data, declared).text)


def check_text(text: str) -> str:
    """Return a text that people can read.

    Args:
        text: as decoded.

    Returns:
        The same without the colours of terminals, as logs have them, and the end mark of DOS.

    Raises:
        UnreadableItemError: white space only, or binary.
    """
    text = _TERMINAL.sub("", text).removesuffix(_END_OF_DOS_FILE)
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
