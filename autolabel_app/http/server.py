"""Runs the HTTP application on a port."""

from __future__ import annotations

import socket

import uvicorn  # noqa: TID253
from fastapi import FastAPI  # noqa: TID253

from autolabel_app.http.header_limit import LimitedHTTPProtocol
from autolabel_core.foundation.errors import AutolabelError

WAITING_CONNECTIONS = 2048


def listening_socket(host: str, port: int) -> socket.socket:
    """Take a port, before anything slow is loaded.

    Args:
        host: name or address of this machine.
        port: 0 is any that is free.

    Returns:
        A socket that listens.

    Raises:
        AutolabelError: the port is taken, or the address is not of this machine.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=WAITING_CONNECTIONS)
    except OSError as error:
        raise AutolabelError(
            f"Port {port} of {host} cannot be had: {error.strerror or error}. Another server may "
            "run there; end it, or choose another: --port"
        ) from error


def run_server(app: FastAPI, listening: socket.socket, patience_s: int = 10) -> None:
    """Serve until interrupted; requests in hand are answered first, for so many seconds at most."""
    config = uvicorn.Config(
        app,
        http=LimitedHTTPProtocol,
        log_level="warning",
        timeout_graceful_shutdown=patience_s,
    )
    uvicorn.Server(config).run(sockets=[listening])
