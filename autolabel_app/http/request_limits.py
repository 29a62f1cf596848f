"""Refuses requests before they are read: bodies that are too large, callers without the key."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import json
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

OPEN_PATHS = ("/health", "/live")
DRAINED_TIMES = 16
ARRIVAL_SECONDS = 60.0
BODIES_IN_HAND = 8


class BodyLimit:
    """Answers 413 where a body is longer than `most` bytes, whatever its header says.

    Some of the rest is read and thrown away, because many clients read no answer before they have
    sent all. A body that has not arrived within `seconds` is answered 408, and one that would bring
    the bytes of all requests in hand above `in_hand` is answered 503.

    Args:
        app: what is protected.
        most: bytes of one body.
        seconds: for the whole body to arrive.
        in_hand: bytes of all bodies together; None: eight of the largest.
    """

    def __init__(
        self,
        app: ASGIApp,
        most: int,
        seconds: float = ARRIVAL_SECONDS,
        in_hand: int | None = None,
    ) -> None:
        self._app, self._most, self._seconds = app, most, seconds
        self._in_hand = BODIES_IN_HAND * most if in_hand is None else in_hand
        self._bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body()
        try:
            refusal = await self._read(scope, receive, body)
            if refusal is not None:
                await _refuse(send, *refusal)
                return
            await self._app(scope, _replay(body.messages, receive), send)
        finally:
            self._bytes -= body.held

    async def _read(self, scope: Scope, receive: Receive, body: _Body) -> tuple[int, str] | None:
        """Read a body; return status and reason where it is refused."""
        told = Headers(scope=scope).get("content-length", "")
        size = int(told) if told.isascii() and told.isdigit() and len(told) < 16 else 0
        try:
            async with asyncio.timeout(self._seconds):
                more = True
                while more and body.received <= self._most * DRAINED_TIMES:
                    message = await receive()
                    more = message.get("more_body", False)
                    length = len(message.get("body", b""))
                    body.received += length
                    if max(size, body.received) > self._most:
                        continue
                    if self._bytes + length > self._in_hand:
                        return 503, "The server has its hands full of pictures; ask again soon."
                    body.messages.append(message)
                    body.held += length
                    self._bytes += length
        except TimeoutError:
            return 408, f"The body did not arrive within {self._seconds:g} s; send it again."
        if max(size, body.received) > self._most:
            return (
                413,
                f"The body has more than {self._most / 1e6:g} MB; send a smaller picture.",
            )
        return None


class _Body:
    """What of a request was read so far, and how many of its bytes are kept."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.received = 0
        self.held = 0


class KnownHosts:
    """Answers 421 where a request is for a name that is none of this server's.

    A page elsewhere whose name leads to this machine (DNS rebinding) so gains nothing. Addresses in
    numbers are no names, and pass.

    Args:
        app: what is protected.
        names: of the server, beside `localhost` and this machine's own.
    """

    def __init__(self, app: ASGIApp, names: Sequence[str] = ()) -> None:
        self._app = app
        own = ("localhost", socket.gethostname(), *names)
        self._names = {name.lower().rstrip(".") for name in own}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        asked = Headers(scope=scope).get("host", "") if scope["type"] == "http" else ""
        if not asked or self._is_known(asked):
            await self._app(scope, receive, send)
            return
        detail = f"{asked:.100} is no name of this server; `--allow-host NAME` makes it one."
        await _refuse(send, 421, detail)

    def _is_known(self, asked: str) -> bool:
        try:
            host = urlsplit(f"//{asked}").hostname or ""
        except ValueError:
            return False
        if host.lower().rstrip(".") in self._names:
            return True
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return False
        return True


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
        detail = "This server needs its API key: `Authorization: Bearer KEY` or `X-API-Key: KEY`."
        await _refuse(send, 401, detail)

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
        message = next(waiting, None)
        return message if message is not None else await receive()

    return next_message


async def _refuse(send: Send, status: int, detail: str) -> None:
    body = json.dumps({"detail": detail}).encode()
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
