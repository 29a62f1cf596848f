"""Ends connections whose request headers do not arrive in time, whatever drips in meanwhile."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol  # noqa: TID253

HEADER_SECONDS = 15.0
ANSWER = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class HeaderTimeLimit(asyncio.Protocol):
    """Adds to a protocol of uvicorn a limit for the whole head of each request.

    uvicorn itself waits as long as bytes come now and then. Idle connections are its own to close.

    Attributes:
        header_seconds: from the beginning of the connection, or from the first byte of a further
            request on it, to the end of the headers.
    """

    header_seconds: float = HEADER_SECONDS
    _timer: asyncio.TimerHandle | None = None
    if TYPE_CHECKING:
        cycle: Any
        loop: asyncio.AbstractEventLoop
        transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait_for_headers()

    def data_received(self, data: bytes) -> None:
        """Begin to wait with the first byte of a request; end with the last of its headers."""
        before = self.cycle
        if self._timer is None and (before is None or before.response_complete):
            self._wait_for_headers()
        super().data_received(data)
        if self.cycle is not before or self.transport.get_protocol() is not self:
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait_for_headers(self) -> None:
        self._timer = self.loop.call_later(self.header_seconds, self._give_up)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            self.transport.write(ANSWER)
            self.transport.close()


class LimitedHTTPProtocol(HeaderTimeLimit, AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """The protocol that uvicorn would choose, with the limit."""
