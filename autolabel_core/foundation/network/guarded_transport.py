"""A transport of httpx that checks every connection it opens, and ends at a deadline.

Redirects open connections too, so each hop is checked. A server that sends a byte now and then
keeps every single read short: only a deadline for all of them ends that.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterable
from functools import lru_cache

import httpcore
import httpx
from httpcore import SOCKET_OPTION

from autolabel_core.foundation.network.connection_attempts import (
    ConnectionAttempts,
    addresses_of,
    lookup_of,
)
from autolabel_core.foundation.network.ssrf_guard import PrivateAddressError, check

MayBePrivate = Callable[[str, int], bool]
CONNECT_RETRIES = 2


class GuardedTransport(httpx.HTTPTransport):
    """Connects to public addresses, and to private ones of hosts that a person named.

    Args:
        may_be_private: whether host and port may be an address that is not public.
        cure: what a person does who means such an address.
        seconds: how long all that goes through this transport may take; None is without end.
    """

    def __init__(self, may_be_private: MayBePrivate, cure: str, seconds: float | None) -> None:
        super().__init__(verify=_trusted(), retries=CONNECT_RETRIES)
        until = None if seconds is None else time.monotonic() + seconds
        # httpx hands no network backend through; its own pool is replaced before it is used.
        self._pool.close()
        self._pool = httpcore.ConnectionPool(
            ssl_context=_trusted(),
            retries=CONNECT_RETRIES,
            network_backend=_GuardedBackend(may_be_private, cure, until),
        )


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    """Read the certificates once: that takes longer than many an object."""
    return httpx.create_ssl_context()


class _GuardedBackend(httpcore.NetworkBackend):
    def __init__(self, may_be_private: MayBePrivate, cure: str, until: float | None) -> None:
        self._may_be_private, self._cure, self._until = may_be_private, cure, until
        self._network = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Resolve once, check every address, and connect to the first of these that answers."""
        with lookup_of(host):
            addresses = addresses_of(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        if not self._may_be_private(host, port):
            check(host, addresses, self._cure)
        attempts = ConnectionAttempts(host, addresses)
        for address in attempts:
            left = _time_left(timeout, self._until, httpcore.ConnectTimeout)
            with attempts.attempt():
                stream = self._network.connect_tcp(
                    address, port, left, local_address, socket_options
                )
                return _TimedStream(stream, self._until)
        raise httpcore.ConnectError(attempts.reason)

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Refuse: no address means one."""
        raise PrivateAddressError(f"{path} is a socket of this machine; no request was made.")


class _TimedStream(httpcore.NetworkStream):
    """A connection whose reads and writes together end at a deadline."""

    def __init__(self, stream: httpcore.NetworkStream, until: float | None) -> None:
        self._stream, self._until = stream, until

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read for no longer than is left."""
        left = _time_left(timeout, self._until, httpcore.ReadTimeout)
        return self._stream.read(max_bytes, left)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write for no longer than is left."""
        self._stream.write(buffer, _time_left(timeout, self._until, httpcore.WriteTimeout))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Go on encrypted, under the same deadline."""
        left = _time_left(timeout, self._until, httpcore.ConnectTimeout)
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, left), self._until)

    def get_extra_info(self, info: str) -> object:
        """Ask the connection about itself."""
        return self._stream.get_extra_info(info)


def _time_left(
    timeout: float | None, until: float | None, ended: type[httpcore.TimeoutException]
) -> float | None:
    """Return the seconds that one step may take, and raise `ended` where none are left."""
    if until is None:
        return timeout
    left = until - time.monotonic()
    if left <= 0:
        raise ended("not done within the time for the whole")
    return left if timeout is None else min(timeout, left)
