"""Reads objects at http(s) addresses, and says which failures are worth a retry."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from autolabel_core.foundation.errors import UnreachableItemError, UnreadableItemError
from autolabel_core.foundation.network.ssrf_guard import PrivateAddressError
from autolabel_core.storage.buckets.allow_list import AllowList

if TYPE_CHECKING:
    import httpx

HTTP_SECONDS = 30.0
FETCH_SECONDS = 120.0
"""How long one object may take from first to last byte; a server may drip for ever."""
PASSING = frozenset({408, 425, 429})
"""Answers below 500 that say: not now (RFC 9110, 8470, 6585)."""


def stream(url: str, allowed: AllowList | None = None) -> Iterator[bytes]:
    """Read an http(s) URL in parts.

    Args:
        url: the address.
        allowed: which addresses may be asked; None: public https alone.

    Yields:
        bytes: Parts of the body, in order.

    Raises:
        UnreachableItemError: there is no answer, or none for now (timeout, 5xx).
        UnreadableItemError: it cannot be fetched; the reason is the server's, or that the address
            may not be asked.
    """
    import httpx

    from autolabel_core.foundation.network.guarded_transport import GuardedTransport

    if not url.startswith(("http://", "https://")):
        raise UnreadableItemError(
            f"cannot read {url}: use a path, s3://, http:// or https://; file:// is for manifests "
            "on a disk"
        )
    allowed = allowed or AllowList()
    cure = "If it is meant, add the address to `allow` of the bucket in the collection's YAML"

    def check(request: httpx.Request) -> None:
        allowed.check_url(str(request.url))

    began = time.monotonic()
    transport = GuardedTransport(allowed.may_be_private, cure, FETCH_SECONDS)
    try:
        with (
            httpx.Client(
                transport=transport,
                timeout=HTTP_SECONDS,
                follow_redirects=True,
                event_hooks={"request": [check]},
            ) as client,
            client.stream("GET", url) as answer,
        ):
            answer.raise_for_status()
            yield from answer.iter_bytes()
    except PrivateAddressError as error:
        raise UnreadableItemError(f"cannot fetch {url}: {error}") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        if time.monotonic() - began >= FETCH_SECONDS:
            raise UnreachableItemError(
                f"cannot fetch {url} for now: it was not whole after {FETCH_SECONDS:g} s"
            ) from error
        if _is_passing(error):
            raise UnreachableItemError(f"cannot fetch {url} for now: {error}") from error
        raise UnreadableItemError(f"cannot fetch {url}: {error}") from error


def _is_passing(error: httpx.HTTPError | httpx.InvalidURL) -> bool:
    import httpx

    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code >= 500 or error.response.status_code in PASSING
    by_address = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)
    return isinstance(error, httpx.TransportError) and not isinstance(error, by_address)
