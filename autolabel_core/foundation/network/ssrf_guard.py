"""The guard against server-side request forgery: refuses addresses in private networks.

The name is resolved once, every address is checked, and the connection goes to the address that
was checked. A name that changes its address in between (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable

import httpcore
from httpcore import SOCKET_OPTION

from autolabel_core.foundation.errors import AutolabelError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[list[str]]]

NAT64 = ipaddress.ip_network("64:ff9b::/96")
WEBHOOK_CURE = "Set `allow_private: true` if that is meant."
COMPATIBLE = ipaddress.ip_network("::/96")
SPECIAL = tuple(
    ipaddress.ip_network(text)
    for text in ("192.0.0.0/24", "192.88.99.0/24", "64:ff9b:1::/48", "fec0::/10", "100::/64")
)
"""Special networks of IANA's registries that the standard library counts as global, or may."""


class PrivateAddressError(AutolabelError):
    """The address is private, loopback, link-local or reserved, and not allowed."""


def is_public(address: str) -> bool:
    """Whether an address belongs to the public internet.

    An IPv6 address that stands for an IPv4 address is judged by that one.

    Args:
        address: in numbers, as a resolver gives it; a zone such as `%eth0` may follow.

    Returns:
        False for private, loopback, link-local, shared, multicast, reserved and cloud metadata
        addresses.
    """
    found = ipaddress.ip_address(address.partition("%")[0])
    return all(
        one.is_global and not one.is_multicast and not any(one in net for net in SPECIAL)
        for one in _stands_for(found)
    )


def _stands_for(address: Address) -> list[Address]:
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    inner: list[Address] = []
    if address.sixtofour is not None:
        inner.append(address.sixtofour)
    if address.teredo is not None:
        inner += address.teredo
    if address in NAT64 or address in COMPATIBLE:
        return [*inner, ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    return [address, *inner]


async def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a name, as the system's resolver orders them.

    Args:
        host: a name or an address, in any notation that the system understands.
        port: of the connection.

    Returns:
        Addresses in numbers, without repetition.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def check(host: str, addresses: Iterable[str], cure: str = WEBHOOK_CURE) -> None:
    """Refuse a host when one of its addresses is not public.

    Args:
        host: as it was asked for.
        addresses: what it resolved to.
        cure: what a person does who means that address.

    Raises:
        PrivateAddressError: naming host and address.
    """
    for address in addresses:
        if not is_public(address):
            raise PrivateAddressError(
                f"{host} is {address}, which is no public address; no request was made. {cure}"
            )


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
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host} has no address: {error}") from error
        if not self._allow_private:
            check(host, addresses)
        said: Exception | None = None
        for address in addresses:
            try:
                return await self._network.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                said = error
        raise httpcore.ConnectError(str(said or f"{host} has no address"))

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
