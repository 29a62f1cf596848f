"""How requests to web sites leave: straight to public addresses, or through the declared proxy."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypedDict
from urllib.request import getproxies

if TYPE_CHECKING:
    import httpx

CURE = (
    "If it is meant, name the address: `allow` in the project or `--allow` of `gather`, `--url` of "
    "`scrape-prices`."
)
PORTS = {"http": 80, "https": 443}


class Routes(TypedDict):
    """What `httpx.Client` takes: a transport, and others for some addresses."""

    transport: httpx.BaseTransport
    mounts: dict[str, httpx.BaseTransport | None]


def guarded_routes(private: Iterable[str]) -> Routes:
    """Make the transports of a client that connects to public addresses.

    A proxy of the environment resolves names itself and decides what it lets through; the guard is
    for connections that this machine opens to the site.

    Args:
        private: http(s) addresses whose host and port may be private.

    Returns:
        Arguments of `httpx.Client`.
    """
    import httpx

    from autolabel_core.foundation.network.guarded_transport import GuardedTransport

    allowed = {_host_and_port(address) for address in private}
    guarded = GuardedTransport(lambda host, port: (host.lower(), port) in allowed, CURE, None)
    proxies = getproxies()
    direct = [name.strip() for name in proxies.get("no", "").split(",") if name.strip()]
    mounts: dict[str, httpx.BaseTransport | None] = {}
    for scheme in PORTS:
        proxy = proxies.get(scheme) or proxies.get("all")
        if proxy and "*" not in direct:
            url = proxy if "://" in proxy else f"http://{proxy}"
            mounts[f"{scheme}://"] = httpx.HTTPTransport(proxy=url)
    if mounts:
        for name in direct:
            mounts[f"all://*{name}" if name.startswith(".") else f"all://{name}"] = guarded
    return {"transport": guarded, "mounts": mounts}


def _host_and_port(address: str) -> tuple[str, int | None]:
    """An address that is none allows nothing; whoever asks it says what is wrong."""
    import httpx

    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        return "", None
    return url.host.lower(), url.port or PORTS.get(url.scheme)
