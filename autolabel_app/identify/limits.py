"""Refuses requests before they are read: bodies that are too large, callers without the key."""

from __future__ import annotations

import hmac
import json

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

OPEN_PATHS = ("/health", "/live")
DRAINED_TIMES = 16


class BodyLimit:
    """Answers 413 where a body is longer than `most` bytes, whatever its header says.

    Some of the rest is read and thrown away, because many clients read no answer before they have
    sent all.

    Args:
        app: what is protected.
        most: bytes.
    """

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app, self._most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        told = Headers(scope=scope).get("content-length", "")
        body: list[Message] = []
        size = int(told) if told.isdigit() else 0
        received, more = 0, True
        while more and received <= self._most * DRAINED_TIMES:
            message = await receive()
            more = message.get("more_body", False)
            received += len(message.get("body", b""))
            if max(size, received) <= self._most:
                body.append(message)
        if max(size, received) > self._most:
            said = f"The body has more than {self._most / 1e6:g} MB; send a smaller picture."
            await _refuse(send, 413, said)
            return
        await self._app(scope, _replay(body, receive), send)


class KeyRequired:
    """Answers 401 where the key is not sent, as `Authorization: Bearer` or `X-API-Key`.

    Args:
        app: what is protected; health and the live page's own files are not.
        key: the key.
    """

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app, self._key = app, key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http" or self._may_pass(scope):
            await self._app(scope, receive, send)
            return
        said = "This server needs its API key: `Authorization: Bearer KEY` or `X-API-Key: KEY`."
        await _refuse(send, 401, said)

    def _may_pass(self, scope: Scope) -> bool:
        path = scope["path"]
        if any(path == open_ or path.startswith(f"{open_}/") for open_ in OPEN_PATHS):
            return True
        headers = Headers(scope=scope)
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        sent = headers.get("x-api-key") or bearer
        return hmac.compare_digest(sent.encode("utf-8", "surrogateescape"), self._key)


def _replay(messages: list[Message], receive: Receive) -> Receive:
    """Give what was read already, then what is still to come."""
    waiting = iter(messages)

    async def next_message() -> Message:
        found = next(waiting, None)
        return found if found is not None else await receive()

    return next_message


async def _refuse(send: Send, status: int, said: str) -> None:
    body = json.dumps({"detail": said}).encode()
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
