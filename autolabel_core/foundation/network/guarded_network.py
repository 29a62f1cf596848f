"""Connections of the asynchronous clients, which senders of webhooks use, to checked addresses."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable

import httpcore
from httpcore import SOCKET_OPTION

from autolabel_core.foundation.network.connection_attempts import (
    ConnectionAttempts,
    addresses_of,
    lookup_of,
)
from autolabel_core.foundation.network.ssrf_guard import PrivateAddressError, check

Resolve = Callable[[str, int], Awaitable[list[str]]]


async def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a name, as the system's resolver orders them.

    Args:
        host: a name or an address, in any notation that the system understands.
        port: of the connection.

    Returns:
        Addresses in numbers, without repetition.
    """
    loop = asyncio.get_running_loop()
    return addresses_of(await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM))


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to addresses that were checked, and to nothing else.

    Args:
        allow_private: whether every address may be asked.
        resolver: makes addresses of a name.
    """

    def __init__(self, allow_private: bool, resolver: Resolve = resolve) -> None:
        self._allow_private = allow_private
        self._resolve = resolver
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Open a connection to the first address of a name that answers.

        Args:
            host: a name or an address.
            port: of the connection.
            timeout: seconds for each address.
            local_address: where from.
            socket_options: passed on.

        Returns:
            The stream; TLS is asked for under the name, not the address.

        Raises:
            httpcore.ConnectError: the name has no address, or none answers.
        """
        with lookup_of(host):
            addresses = await self._resolve(host, port)
        if not self._allow_private:
            check(host, addresses)
        attempts = ConnectionAttempts(host, addresses)
        for address in attempts:
            with attempts.attempt():
                return await self._network.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
        raise httpcore.ConnectError(attempts.reason)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Refuse: no declaration asks for one."""
        raise PrivateAddressError(f"{path} is a socket of this machine; no request was made.")

    async def sleep(self, seconds: float) -> None:
        """Wait between tries of a connection."""
        await self._network.sleep(seconds)
