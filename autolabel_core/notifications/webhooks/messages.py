"""Builds messages: the body, its signature by Standard Webhooks, a text for people."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.ledger import Event

PREFIX = "whsec_"
MIN_SECRET_BYTES, MAX_SECRET_BYTES = 24, 64
MAX_DETAIL_CHARACTERS = 200
MAX_TEXT_CHARACTERS = 3000
SHORTEST_SECRET = 4


def body(event: Event) -> bytes:
    """Return the JSON `{type, timestamp, data}` of an event, the same bytes at every attempt."""
    said = {"type": event.event_type, "timestamp": event.recorded_at, "data": event.payload}
    return json.dumps(said, ensure_ascii=True, separators=(",", ":")).encode()


def signing_keys(secret: str, variable: str) -> list[bytes]:
    """Read the secrets of an environment variable.

    Args:
        secret: one `whsec_…`, or several apart by spaces.
        variable: its name, for the message; the value is not repeated.

    Returns:
        The keys.

    Raises:
        AutolabelError: it is no secret of the convention.
    """
    keys: list[bytes] = []
    for word in secret.split():
        try:
            key = base64.b64decode(word.removeprefix(PREFIX), validate=True)
        except binascii.Error:
            key = b""
        if not word.startswith(PREFIX) or not MIN_SECRET_BYTES <= len(key) <= MAX_SECRET_BYTES:
            keys.clear()
            break
        keys.append(key)
    if not keys:
        raise AutolabelError(
            f"The environment variable {variable} holds no signing secret. Expected `{PREFIX}` and "
            f"{MIN_SECRET_BYTES} to {MAX_SECRET_BYTES} bytes in base64; "
            "`autolabel webhooks secret` makes one."
        )
    return keys


def signed_headers(
    event_id: str, content: bytes, keys: Iterable[bytes], now: datetime
) -> dict[str, str]:
    """Return the three headers of the convention; without keys the signature is left out.

    Args:
        event_id: the same at every attempt, so that a receiver knows a repetition.
        content: the body.
        keys: each adds a signature.
        now: when it is sent, in UTC.

    Returns:
        `webhook-id`, `webhook-timestamp` (Unix seconds), `webhook-signature`.
    """
    from standardwebhooks import Webhook

    headers = {"webhook-id": event_id, "webhook-timestamp": str(int(now.timestamp()))}
    signatures = [Webhook(key).sign(event_id, now, content.decode()) for key in keys]
    return headers | ({"webhook-signature": " ".join(signatures)} if signatures else {})


def new_secret(random_bytes: bytes) -> str:
    """Return a signing secret of random bytes, in the form of the convention."""
    return PREFIX + base64.b64encode(random_bytes).decode()


def title(event: Event) -> str:
    """Return the event in one line, for people."""
    if event.event_type == "alert.triggered":
        return f"autolabel: {event.payload.get('alert')} in {event.collection}"
    return f"autolabel: {event.event_type} in {event.collection}"


def text(event: Event) -> str:
    """Return the event as lines, for people, at most 3,000 characters."""
    return "\n".join(_lines(event.payload))[:MAX_TEXT_CHARACTERS]


def common_title(events: Sequence[Event]) -> str:
    """Return a line that stands for all of some events, of which there is at least one."""
    if len(events) == 1:
        return title(events[0])
    collections = sorted({event.collection for event in events})
    where = collections[0] if len(collections) == 1 else f"{len(collections)} collections"
    is_alert = all(event.event_type == "alert.triggered" for event in events)
    return f"autolabel: {len(events)} {'alerts' if is_alert else 'events'} in {where}"


def common_text(events: Sequence[Event]) -> str:
    """Return events one after another, each under its own line, at most 3,000 characters each."""
    if len(events) == 1:
        return text(events[0])
    return "\n\n".join(f"{title(event)}\n{text(event)}".rstrip() for event in events)


def _lines(payload: Mapping[str, object]) -> Iterable[str]:
    for name, value in payload.items():
        if isinstance(value, list):
            yield f"{name}:"
            for item in value:
                plain = item.items() if isinstance(item, Mapping) else [("", item)]
                yield "  " + ", ".join(f"{k} {_shown(v)}".strip() for k, v in plain)
        elif value not in (None, "", {}):
            yield f"{name}: {_shown(value)}"


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def detail(text: str, secrets: Iterable[str]) -> str:
    """Return what may be kept of an answer: 200 printable characters, no secret among them.

    Args:
        text: a response body or an error.
        secrets: texts that are struck out.

    Returns:
        One line.
    """
    for secret in sorted(set(secrets), key=len, reverse=True):
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, "***")
    plain = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(plain.split())[:MAX_DETAIL_CHARACTERS]
