"""Objects at http(s) addresses: read as they come, and told apart by whether to ask again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from autolabel_core.foundation.errors import UnreachableItemError, UnreadableItemError

if TYPE_CHECKING:
    import httpx

HTTP_SECONDS = 30.0
CONNECT_RETRIES = 2
PASSING = frozenset({408, 425, 429})
"""Answers below 500 that say: not now (RFC 9110, 8470, 6585)."""


def stream(url: str) -> Iterator[bytes]:
    """Read an http(s) URL in parts.

    Args:
        url: the address.

    Yields:
        bytes: Parts of the body, in order.

    Raises:
        UnreachableItemError: there is no answer, or none for now (timeout, 5xx).
        UnreadableItemError: it cannot be fetched; the reason is the server's.
    """
    import httpx

    if not url.startswith(("http://", "https://")):
        raise UnreadableItemError(
            f"cannot read {url}: use a path, s3://, http:// or https://; file:// is for manifests "
            "on a disk"
        )
    transport = httpx.HTTPTransport(retries=CONNECT_RETRIES)
    try:
        with (
            httpx.Client(
                transport=transport, timeout=HTTP_SECONDS, follow_redirects=True
            ) as client,
            client.stream("GET", url) as answer,
        ):
            answer.raise_for_status()
            yield from answer.iter_bytes()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        if _is_passing(error):
            raise UnreachableItemError(f"cannot fetch {url} for now: {error}") from error
        raise UnreadableItemError(f"cannot fetch {url}: {error}") from error


def _is_passing(error: httpx.HTTPError | httpx.InvalidURL) -> bool:
    import httpx

    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code >= 500 or error.response.status_code in PASSING
    by_address = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)
    return isinstance(error, httpx.TransportError) and not isinstance(error, by_address)
