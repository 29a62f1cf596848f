"""The guard against server-side request forgery: refuses addresses in private networks.

This module judges addresses; `guarded_network` and `guarded_transport` connect to none but those
that it let pass.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from autolabel_core.foundation.errors import AutolabelError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

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
