"""What a guarded connection does whether it waits or not: one lookup, a check, one try an address.

The name is resolved once, every address is checked, and the connection goes to an address that was
checked. A name that changes its address in between (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import httpcore

SocketAddress = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
Lookup = tuple[socket.AddressFamily, socket.SocketKind, int, str, SocketAddress]


@contextmanager
def lookup_of(host: str) -> Iterator[None]:
    """Look up a name in this block; a failure becomes an error of the connection.

    Args:
        host: the name.

    Yields:
        None: nothing.

    Raises:
        httpcore.ConnectError: the name has no address.
    """
    try:
        yield
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(f"{host} has no address: {error}") from error


def addresses_of(answer: Iterable[Lookup]) -> list[str]:
    """Return the addresses in an answer of `getaddrinfo`, each once, in its order."""
    return list(dict.fromkeys(str(entry[4][0]) for entry in answer))


class ConnectionAttempts:
    """Addresses that are tried one after the other until one answers.

    Iterate over it, and connect inside `attempt()`: a connection that fails there is the turn of
    the next address. Where none is left, `reason` says why the last one failed.

    Args:
        host: for the reason where there is no address at all.
        addresses: checked already.
    """

    def __init__(self, host: str, addresses: Iterable[str]) -> None:
        self._addresses = tuple(addresses)
        self.reason = f"{host} has no address"

    def __iter__(self) -> Iterator[str]:
        return iter(self._addresses)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Keep the reason of a failed connection in place of raising it."""
        try:
            yield
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            self.reason = str(error) or f"{type(error).__name__} without a reason"
