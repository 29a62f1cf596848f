"""A real server on loopback that stands for a web site: recorded answers, and what was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request as it arrived; of a parameter that is given twice the last counts."""

    path: str
    query: str
    params: dict[str, str]
    headers: dict[str, str]


@dataclass
class Reply:
    """What a site answers; a body that is neither bytes nor text is sent as JSON.

    `cut` says more bytes than are sent, as where a connection breaks.
    """

    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False

    @property
    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        text = self.body if isinstance(self.body, str) else json.dumps(self.body)
        return text.encode()


Answer = Reply | Callable[[Asked], Reply]


@dataclass
class Site:
    """A web site; `answers` by path, anything else is 404; `asked` is every request in order."""

    url: str = ""
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def paths(self) -> list[str]:
        return [one.path for one in self.asked]

    def reply(self, asked: Asked) -> Reply:
        answer = self.answers.get(asked.path, Reply("there is no such page", 404))
        return answer if isinstance(answer, Reply) else answer(asked)


@contextmanager
def web_site() -> Iterator[Site]:
    """Run a web site on a free port of loopback."""
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            params = {name: said[-1] for name, said in parse_qs(parts.query).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(parts.path, parts.query, params, headers)
            site.asked.append(asked)
            reply = site.reply(asked)
            self.send_response(reply.status)
            length = len(reply.content) + (100 if reply.cut else 0)
            for name, value in {"Content-Length": str(length), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.content)

        def log_message(self, *_arguments: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_arguments: Any) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    site.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
