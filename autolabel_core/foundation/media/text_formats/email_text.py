"""Takes the text out of an e-mail: subject, sender and the message; attachments by name."""

from __future__ import annotations

import codecs
import email
from collections.abc import Iterator
from email.message import EmailMessage, Message
from email.policy import default

from autolabel_core.foundation.errors import UnreadableItemError
from autolabel_core.foundation.media.encodings import decode_bytes
from autolabel_core.foundation.media.text_formats.html_text import declared_charset, html_text
from autolabel_core.foundation.media.text_formats.limits import MAX_CHARACTERS, too_long

MAX_DEPTH = 20
MAX_PARTS = 1_000
_SHOWN_HEADERS = ("Subject", "From", "To")


def email_text(data: bytes) -> str:
    """Return what a message says.

    Args:
        data: the message as `.eml` files hold it.

    Returns:
        Subject, sender, recipients, the texts in order (of alternatives the plain one, and a web
        page only where that says nothing), the names of attachments, and messages that are
        forwarded inside it.

    Raises:
        UnreadableItemError: nested more than 20 deep, more than 1,000 parts, or too long.
    """
    # Parsing takes seconds for a hundred thousand parts, so they are counted before.
    if data.count(b"\n--") > 10 * MAX_PARTS:
        raise UnreadableItemError(_too_many())
    data = data.removeprefix(codecs.BOM_UTF8).lstrip(b"\r\n")
    try:
        message = email.message_from_bytes(data, _class=EmailMessage, policy=default)
        parts = list(_parts(message, 0))
    except RecursionError as error:
        raise UnreadableItemError(_too_deep()) from error
    except UnreadableItemError:
        raise
    except (LookupError, ValueError, AttributeError, IndexError, TypeError) as error:
        raise UnreadableItemError(f"damaged e-mail: {type(error).__name__}: {error}") from error
    text = "\n".join(part for part in parts if part)
    if len(text) > MAX_CHARACTERS:
        raise UnreadableItemError(too_long())
    return text


def _too_many() -> str:
    return f"an e-mail of more than {MAX_PARTS:,} parts; save its text alone"


def _too_deep() -> str:
    return f"an e-mail whose parts are nested more than {MAX_DEPTH} deep; save its text alone"


def _parts(message: Message, depth: int) -> Iterator[str]:
    """Yield headers, text and the names of attachments of a message and of those inside it."""
    yield _headers(message)
    leaves = list(_leaves(message, depth))
    if len(leaves) > MAX_PARTS:
        raise UnreadableItemError(_too_many())
    yield from _texts(message)
    for leaf in leaves:
        if leaf.get_content_type() == "message/rfc822":
            yield from (t for inner in _inside(leaf) for t in _parts(inner, depth + 1))
        elif not _is_text(leaf):
            yield f"[{leaf.get_filename() or leaf.get_content_type()}]"


def _texts(message: Message) -> list[str]:
    """Return the texts that a message shows, in order; of alternatives one that says anything."""
    if not _is_divided(message):
        found = _content(message) if _is_text(message) else ""
        return [found] if found.strip() else []
    inside = _inside(message)
    if message.get_content_subtype() == "alternative":
        ranked = sorted(inside, key=_rank)
        return next((texts for one in ranked if (texts := _texts(one))), [])
    return [text for one in inside for text in _texts(one)]


def _rank(alternative: Message) -> int:
    """Plain text first, then web pages and what holds some, then the rest, such as calendars."""
    if alternative.get_content_type() == "text/plain":
        return 0
    return 1 if alternative.is_multipart() or alternative.get_content_subtype() == "html" else 2


def _leaves(message: Message, depth: int) -> Iterator[Message]:
    if depth > MAX_DEPTH:
        raise UnreadableItemError(_too_deep())
    if not _is_divided(message):
        yield message
        return
    for inner in _inside(message):
        yield from _leaves(inner, depth + 1)


def _is_divided(message: Message) -> bool:
    """Whether a message has parts; one that states no boundary has its text in place of them."""
    return message.get_content_maintype() == "multipart" and message.is_multipart()


def _inside(message: Message) -> list[Message]:
    payload = message.get_payload()
    return [p for p in payload if isinstance(p, Message)] if isinstance(payload, list) else []


def _is_text(message: Message) -> bool:
    is_attached = message.get_content_disposition() == "attachment"
    is_undivided = message.get_content_maintype() == "multipart"
    return (message.get_content_maintype() == "text" or is_undivided) and not is_attached


def _headers(message: Message) -> str:
    found = ((name, _header(message, name)) for name in _SHOWN_HEADERS)
    return "\n".join(f"{name}: {value}" for name, value in found if value)


def _header(message: Message, name: str) -> str:
    try:
        raw = next((v for key, v in message.raw_items() if key.lower() == name.lower()), "")
        # Bytes outside ASCII, which no standard allows, are there as surrogates.
        if any("\udc80" <= character <= "\udcff" for character in raw):
            text = decode_bytes(raw.encode("ascii", "surrogateescape")).text
            return " ".join(line.strip() for line in text.splitlines())
        return str(message.get(name, "")).strip()
    except (LookupError, ValueError, AttributeError, IndexError, TypeError):
        return ""


def _content(message: Message) -> str:
    payload = message.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    is_page = message.get_content_subtype() == "html"
    declared = message.get_content_charset() or (declared_charset(data) if is_page else None)
    text = decode_bytes(data, declared).text if data else ""
    return html_text(text) if is_page else text.strip()
