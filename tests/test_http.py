"""Objects at http addresses: what is asked again, what is not, and where reading stops."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from autolabel_core.foundation.errors import UnreachableItemError, UnreadableItemError
from autolabel_core.operations.registration import register
from autolabel_core.storage.buckets import http
from autolabel_core.storage.buckets.allow_list import AllowList
from autolabel_core.storage.buckets.stored_objects import Blob
from autolabel_core.tables.embeddings import Embeddings
from autolabel_core.tables.raw_objects import RawObjects

NAME = "angles"
MEGABYTE = bytes(1_000_000)


@pytest.fixture
def server():
    """`server.answers` says what a path is answered: a status, a body, `hang` or `endless`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            said = server.answers[self.path]
            server.asked.append(self.path)
            if said == "hang":
                server.released.wait(10)
                return
            self.send_response(said if isinstance(said, int) else 200)
            self.end_headers()
            if isinstance(said, bytes):
                self.wfile.write(said)
            while said == "endless":
                self.wfile.write(MEGABYTE)
                server.sent += 1

        def log_message(self, *_args):
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_args):
            pass

    server = Server(("127.0.0.1", 0), Handler)
    server.answers, server.asked, server.sent = {}, [], 0
    server.released = threading.Event()
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()


STATUS = {
    **dict.fromkeys((500, 502, 503, 504, 408, 429), True),
    **dict.fromkeys((400, 401, 403, 404, 410), False),
}


@pytest.mark.parametrize(("status", "passes"), STATUS.items(), ids=str)
def test_which_answers_are_asked_for_again(server, status, passes):
    server.answers["/x"] = status
    with pytest.raises(UnreadableItemError, match=f"cannot fetch .*{status}") as caught:
        list(http.stream(f"{server.url}/x", allowed(server)))
    assert isinstance(caught.value, UnreachableItemError) is passes


def test_no_answer_is_asked_for_again(server, monkeypatch):
    monkeypatch.setattr(http, "HTTP_SECONDS", 0.2)
    server.answers["/x"] = "hang"
    with pytest.raises(UnreachableItemError, match="for now: timed out"):
        list(http.stream(f"{server.url}/x", allowed(server)))


def test_an_address_that_cannot_be_asked_is_not_asked_again():
    with pytest.raises(UnreadableItemError) as caught:
        list(http.stream("http://"))
    assert not isinstance(caught.value, UnreachableItemError)


def test_an_endless_body_is_read_up_to_the_limit(server):
    server.answers["/x"] = "endless"
    url = f"{server.url}/x"
    blob = Blob(None, None, None, lambda: b"", parts=lambda: http.stream(url, allowed(server)))
    with pytest.raises(UnreadableItemError, match="is more than 3 MB; the limit is max_object_mb"):
        blob.read_within(3)
    assert server.sent < 30, "buffers of the connection aside"


def test_a_body_of_just_the_limit_is_read(server):
    server.answers["/x"] = MEGABYTE
    url = f"{server.url}/x"
    blob = Blob(None, None, None, lambda: b"", parts=lambda: http.stream(url, allowed(server)))
    assert blob.read_within(1) == MEGABYTE


def look(workspace):
    """Do one pass; return the reason of each object, and whether all is current."""
    collection = workspace.open(NAME)
    register(collection)
    for table in (RawObjects, Embeddings):
        table(collection).refresh("batch_000001")
    table = Embeddings(collection)
    found = table.warehouse.read_vectors(table.path("batch_000001"))
    keys = [table.objects[document].key for document in found.document_ids]
    tables = (RawObjects(collection), table)
    return dict(zip(keys, found.reasons, strict=True)), not any(t.stale() for t in tables)


def allowed(server):
    return AllowList([f"{server.url}/"])


def declare(workspace, server, *paths):
    lines = [{"key": p, "blobs": [{"type": "text", "data": f"{server.url}/{p}"}]} for p in paths]
    text = "\n".join(json.dumps(line) for line in lines)
    return workspace(
        {
            NAME: {
                "feature_extractor": {"feature_extractor_name": "angle_extractor"},
                "source": {"allow": [f"{server.url}/"]},
            }
        },
        {NAME: {"m.jsonl": text}},
    )


def test_what_is_unreachable_stops_no_other_and_is_tried_again(workspace, server):
    server.answers |= {"/a": b"10", "/later": 503, "/gone": 404}
    ws = declare(workspace, server, "a", "later", "gone")
    reasons, current = look(ws)
    assert reasons["a"] is None
    assert "503" in reasons["later"]
    assert not current
    server.asked.clear()
    server.answers |= {"/later": b"20", "/gone": b"30"}
    reasons, current = look(ws)
    assert reasons["later"] is None
    assert current
    assert "/a" not in server.asked, "what was read is not read again"


def test_what_is_gone_for_good_is_not_tried_again(workspace, server):
    server.answers |= {"/a": b"10", "/gone": 404}
    ws = declare(workspace, server, "a", "gone")
    reasons, current = look(ws)
    assert "404" in reasons["gone"]
    assert current


def test_what_becomes_unreachable_between_two_tables_is_embedded_later(workspace, server):
    server.answers |= {"/a": b"10", "/b": b"20"}
    ws = declare(workspace, server, "a", "b")
    collection = ws.open(NAME)
    register(collection)
    RawObjects(collection).refresh("batch_000001")
    server.answers["/b"] = 503
    reasons, current = look(ws)
    assert (reasons["a"], current) == (None, False)
    server.answers["/b"] = b"20"
    assert look(ws) == ({"a": None, "b": None}, True)
