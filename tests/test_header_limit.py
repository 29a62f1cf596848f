"""A client that drips its headers holds no connection; one that is merely slow elsewhere does."""

from __future__ import annotations

import asyncio
import importlib
import socket
import threading
import time

import pytest

from autolabel_app.http.header_limit import HeaderTimeLimit

SECONDS = 0.5
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    await asyncio.sleep(2 * SECONDS if scope["path"] == "/slow" else 0)
    length = (b"content-length", str(len(body) + 2).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": b"ok" + body})


@pytest.fixture(params=["h11_impl.H11Protocol", "httptools_impl.HttpToolsProtocol"])
def address(request):
    import uvicorn

    module, _, name = request.param.partition(".")
    protocol = getattr(importlib.import_module(f"uvicorn.protocols.http.{module}"), name)

    class Limited(HeaderTimeLimit, protocol):
        header_seconds = SECONDS

    config = uvicorn.Config(app, http=Limited, log_level="critical")
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        yield listening.getsockname()
        server.should_exit = True
        thread.join(10)


def drip(address, pieces, pause_seconds=0.1):
    """Send piece by piece; return what came back, and after how long the connection ended."""
    began = time.monotonic()
    with socket.create_connection(address) as connection:
        connection.settimeout(10)
        for piece in pieces:
            try:
                connection.sendall(piece)
            except OSError:
                break
            time.sleep(pause_seconds)
        received = connection.recv(4096)
    return received, time.monotonic() - began


def test_headers_that_drip_are_answered_408(address):
    received, seconds = drip(address, [bytes([b]) for b in b"GET / HTTP"])
    assert b"408" in received
    assert seconds < 20 * SECONDS


def test_a_connection_that_says_nothing_ends(address):
    received, seconds = drip(address, [])
    assert b"408" in received and SECONDS <= seconds < 10


def test_a_second_request_on_a_connection_has_the_limit_too(address):
    with socket.create_connection(address) as connection:
        connection.settimeout(10)
        for _ in range(2):
            connection.sendall(REQUEST)
            assert b"ok" in connection.recv(4096)
        for byte in REQUEST[:3]:
            connection.sendall(bytes([byte]))
            time.sleep(0.05)
        assert b"408" in connection.recv(4096)


def test_slow_answers_and_bodies_are_not_cut(address):
    received, _ = drip(address, [REQUEST.replace(b"GET /", b"GET /slow")])
    assert b"200 OK" in received
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 12\r\n\r\n"
    received, _ = drip(address, [head, *(b"x" for _ in range(12))])
    assert b"200 OK" in received
