"""Events a second from the ledger's outbox to a receiver on loopback, recorded as delivered."""

from __future__ import annotations

import argparse
import multiprocessing
import socket
import tempfile
import time
from pathlib import Path
from typing import Any

from autolabel_core.declarations import Channel
from autolabel_core.ledger import Event, Ledger
from autolabel_core.notifications.webhooks.attempts import DeliveryContext
from autolabel_core.notifications.webhooks.dispatcher import deliver
from autolabel_core.notifications.webhooks.endpoints import Endpoint, declare_endpoints
from autolabel_core.notifications.webhooks.messages import new_secret
from benchmarks.matching import say

REPLY = b"HTTP/1.1 204 No Content\r\n\r\n"


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=5_000)
    events = parser.parse_args().events
    listening = socket.create_server(("127.0.0.1", 0), backlog=256)
    receiver = multiprocessing.get_context("fork").Process(target=receive, args=(listening,))
    receiver.start()
    try:
        for subjects, name in ((events, "each another object"), (events // 10, "ten an object")):
            rate = events_per_second(listening.getsockname()[1], events, subjects)
            say(f"webhooks, {events:,} signed events, {name}", rate, "events/s")
    finally:
        receiver.terminate()


def events_per_second(port: int, events: int, subjects: int) -> float:
    """Deliver so many events about so many objects.

    Args:
        port: of the receiver.
        events: how many.
        subjects: about how many objects.

    Returns:
        Delivered and recorded events a second.
    """
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(f"sqlite:///{Path(folder) / 'ledger.sqlite'}")
        url = f"http://127.0.0.1:{port}/"
        channel = Channel(url=url, secret_env="S", allow_private=True)
        endpoint = Endpoint("c/w/webhook", channel, "c", frozenset({"object.created"}))
        declare_endpoints(ledger, [endpoint])
        payload = {"collection": "c", "key": "camera/00000001.jpg", "version": "1:2:3"}
        ledger.append_events(
            [
                Event(f"evt_{i}", "object.created", "c", f"doc_{i % subjects}", payload)
                for i in range(events)
            ]
        )
        means = DeliveryContext(environ={"S": new_secret(bytes(32))})
        started = time.perf_counter()
        told = deliver(ledger, [endpoint], 600.0, means)
        seconds = time.perf_counter() - started
        assert told[0].delivered == events
        return events / seconds


def receive(listening: socket.socket) -> None:
    """Answer every request with 204, as cheaply as can be."""
    import asyncio

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head(reader):
            await reader.readexactly(_length(head))
            writer.write(REPLY)
        writer.close()

    async def serve() -> None:
        server: Any = await asyncio.start_server(answer, sock=listening)
        await server.serve_forever()

    asyncio.run(serve())


async def _head(reader: Any) -> bytes:
    import asyncio

    try:
        return bytes(await reader.readuntil(b"\r\n\r\n"))
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


def _length(head: bytes) -> int:
    return int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])


if __name__ == "__main__":
    main()
