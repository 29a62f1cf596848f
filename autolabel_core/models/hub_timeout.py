"""Checks that the model hub answers before it is used; an offline machine then fails in seconds."""

from __future__ import annotations

import contextlib
import socket
import threading
import urllib.request
from collections.abc import Iterator
from urllib.parse import urlsplit

CONNECT_SECONDS = 3.0
MAX_CAUSE = 300
_SWITCH = threading.Lock()


@contextlib.contextmanager
def impatient_hub() -> Iterator[None]:
    """Within this context an unreachable hub is not asked: only its cache on this machine is read.

    The hub's client would otherwise try each of several files six times, 23 seconds a file.
    """
    from huggingface_hub import constants

    with _SWITCH:
        before = constants.HF_HUB_OFFLINE
        constants.HF_HUB_OFFLINE = before or not is_reachable(constants.ENDPOINT)
        constants.HF_HUB_DISABLE_TELEMETRY = True
        try:
            yield
        finally:
            constants.HF_HUB_OFFLINE = before


def cause_of(error: BaseException) -> str:
    """Return the first line of an error, each of its sentences once, without the last stop."""
    if not str(error).strip():
        return type(error).__name__
    sentences = str(error).strip().splitlines()[0][:MAX_CAUSE].split(". ")
    return ". ".join(dict.fromkeys(one.strip().rstrip(".") for one in sentences if one.strip()))


def is_reachable(endpoint: str) -> bool:
    """Whether the address of an HTTP server takes connections, asked for a few seconds."""
    url = urlsplit(endpoint)
    proxy = urllib.request.getproxies().get(url.scheme)
    if proxy:
        url = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        socket.create_connection((url.hostname or "", port), timeout=CONNECT_SECONDS).close()
    except OSError:
        return False
    return True
