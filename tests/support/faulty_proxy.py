"""A proxy before an S3 server that answers with errors, hangs, or breaks off, as it is told."""

from __future__ import annotations

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

HANG_SECONDS = 5.0


class FaultyProxy(ThreadingHTTPServer):
    """Meets the next `left` requests that match `only` with the `fault`; then passes all on."""

    daemon_threads = True

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = urlsplit(upstream)
        self.left, self.met = 0, 0
        self.fault: int | str = 503
        self.only = ""
        self._counting = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def fail(self, fault: int | str, times: int, only: str = "") -> None:
        self.fault, self.left, self.only, self.met = fault, times, only, 0

    def is_struck(self, path: str) -> bool:
        with self._counting:
            if self.left > 0 and self.only in path:
                self.left -= 1
                self.met += 1
                return True
        return False


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _pass_on(self) -> None:
        server: FaultyProxy = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        struck = server.is_struck(self.path)
        if struck and isinstance(server.fault, int):
            self.send_response(server.fault)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if struck and server.fault == "hang":
            threading.Event().wait(HANG_SECONDS)
            self.close_connection = True
            return
        upstream = http.client.HTTPConnection(server.upstream.hostname, server.upstream.port)
        # The signature covers the Host header, so it goes on as it came.
        upstream.request(self.command, self.path, body, dict(self.headers))
        answer = upstream.getresponse()
        data = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "date", "content-length"):
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else len(data)
        self.send_header("Content-Length", str(length or 0))
        self.end_headers()
        if struck and server.fault == "truncate":
            self.wfile.write(data[: len(data) // 2])
            self.close_connection = True
        else:
            self.wfile.write(data)

    do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = _pass_on  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""
