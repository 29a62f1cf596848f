"""Sends one HTTP request: signed, guarded against private addresses, limited in time."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import httpcore

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.network.guarded_network import GuardedNetwork, Resolve, resolve
from autolabel_core.foundation.network.ssrf_guard import PrivateAddressError
from autolabel_core.foundation.retry_after import retry_after_seconds
from autolabel_core.ledger import Event
from autolabel_core.notifications.webhooks.endpoints import Access, Endpoint
from autolabel_core.notifications.webhooks.messages import (
    body,
    detail,
    signed_headers,
    signing_keys,
)

MAX_CONNECTIONS = 32
MAX_ANSWER_BYTES = 65_536
GONE = 410


@dataclass(frozen=True)
class Answer:
    """What came of one attempt; `retry_after_seconds` is what the receiver asked for."""

    delivered: bool
    status_code: int | None = None
    detail: str | None = None
    retry_after_seconds: float | None = None


Send = Callable[[Event, datetime], Awaitable[Answer]]


@asynccontextmanager
async def http_sender(
    endpoint: Endpoint, known: Access, resolver: Resolve = resolve
) -> AsyncIterator[Send]:
    """Open the connections to one endpoint.

    Args:
        endpoint: whose.
        known: its address and secrets.
        resolver: makes addresses of a name.

    Yields:
        Send: makes one attempt. Redirects are not followed, proxies of the environment not used.

    Raises:
        AutolabelError: its address is no URL of HTTP.
    """
    keys = signing_keys(known.secret, endpoint.channel.secret_env or "") if known.secret else []
    try:
        url = httpcore.URL(known.url)
    except (ValueError, UnicodeError, TypeError) as error:
        raise AutolabelError(f"The address of `{endpoint.name}` is no URL.") from error
    fixed = {
        "host": _host(url),
        "content-type": "application/json",
        "user-agent": "autolabel",
        **known.headers,
    }
    channel = endpoint.channel
    idle: list[httpcore.AsyncConnectionPool] = []
    opened = AsyncExitStack()
    trusted, network = ssl.create_default_context(), GuardedNetwork(channel.allow_private, resolver)
    limits = dict.fromkeys(("connect", "read", "write", "pool"), channel.timeout_seconds)

    async def a_line() -> httpcore.AsyncConnectionPool:
        """Return a connection that nobody uses; one pool of many searches all for each request."""
        if idle:
            return idle.pop()
        made = httpcore.AsyncConnectionPool(trusted, max_connections=1, network_backend=network)
        return await opened.enter_async_context(made)

    async def send(event: Event, now: datetime) -> Answer:
        line = await a_line()
        try:
            return await attempt(line, event, now)
        finally:
            idle.append(line)

    async def attempt(line: httpcore.AsyncConnectionPool, event: Event, now: datetime) -> Answer:
        content = body(event)
        headers = {**fixed, **signed_headers(event.event_id, content, keys, now)}
        encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
        try:
            async with asyncio.timeout(channel.timeout_seconds):
                request = line.stream(
                    channel.method,
                    url,
                    headers=[*encoded, (b"content-length", str(len(content)).encode())],
                    content=content,
                    extensions={"timeout": limits},
                )
                async with request as response:
                    said = await _beginning(response)
        except (TimeoutError, httpcore.TimeoutException):
            return Answer(False, None, f"no answer within {channel.timeout_seconds:g} s")
        except PrivateAddressError as error:
            return Answer(False, None, detail(str(error), [known.url]))
        except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError, OSError) as error:
            return Answer(False, None, detail(_named(error), known.secrets))
        return _answer(response, detail(said, known.secrets), now)

    async with opened:
        yield send


def _host(url: httpcore.URL) -> str:
    host = url.host.decode()
    host = f"[{host}]" if ":" in host else host
    return host if url.port is None else f"{host}:{url.port}"


async def _beginning(response: httpcore.Response) -> str:
    """Read an answer to its end, or to the limit; the rest is left unread."""
    read = b""
    async for part in response.aiter_stream():
        read += part
        if len(read) > MAX_ANSWER_BYTES:
            break
    return read[:MAX_ANSWER_BYTES].decode("utf-8", "replace")


def _answer(response: httpcore.Response, body: str, now: datetime) -> Answer:
    status = response.status
    if 200 <= status < 300:
        return Answer(True, status)
    headers = {name.lower(): value.decode("latin-1") for name, value in response.headers}
    wait = retry_after_seconds(headers.get(b"retry-after"), now)
    if 300 <= status < 400:
        body = "redirects are not followed; declare the address that answers"
    return Answer(False, status, body or None, wait)


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
