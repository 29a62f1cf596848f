"""What a manifest may refer to, and that nothing it refers to stops or hangs a sweep."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from autolabel_core.foundation.errors import AutolabelError, UnreadableItemError
from autolabel_core.foundation.network.guarded_transport import GuardedTransport
from autolabel_core.foundation.network.ssrf_guard import PrivateAddressError
from autolabel_core.operations.registration import register
from autolabel_core.storage.buckets import http
from autolabel_core.storage.buckets.allow_list import AllowList
from autolabel_core.storage.buckets.folder_bucket import FolderBucket
from autolabel_core.tables.raw_objects import RawObjects

NAME = "angles"
EXTRACTOR = {"feature_extractor": {"feature_extractor_name": "angle_extractor"}}


def read(folder, data, allow=None, limit_mb=1.0):
    folder.mkdir(exist_ok=True)
    (folder / "m.jsonl").write_text(json.dumps({"key": "k", "blobs": [{"data": data}]}))
    store = FolderBucket(folder, allowed=AllowList(allow))
    assert "k" in [one.key for one in store.list()]
    return store.open("k").blobs[0].read_within(limit_mb)


FORBIDDEN = [
    *("file:///etc/passwd", "/etc/passwd", "../../../../../../etc/passwd", "../secret"),
    *("file:///proc/self/environ", "file:///dev/zero", "in/../../secret", "%2e%2e/secret"),
    *("http://127.0.0.1:9/", "http://example.org/a", "link/passwd", "to_secret"),
]


@pytest.mark.parametrize("data", FORBIDDEN)
def test_only_the_manifests_own_folder_and_public_https_may_be_read(tmp_path, data):
    (tmp_path / "secret").write_text("secret")
    bucket = tmp_path / "bucket"
    bucket.mkdir()
    (bucket / "link").symlink_to("/etc")
    (bucket / "to_secret").symlink_to("../secret")
    with pytest.raises(
        UnreadableItemError, match=r"`allow: \[(file|http)|cannot be read: No such file"
    ):
        read(bucket, data)


PRIVATE = ["https://127.0.0.1/x", "https://localhost/x", "https://[::1]/x", "https://0x7f000001/x"]
PRIVATE += ["https://169.254.169.254/latest/meta-data", "https://10.0.0.1/", "https://2130706433/"]


@pytest.mark.parametrize("url", PRIVATE)
def test_https_reaches_no_private_address(tmp_path, url):
    with pytest.raises(UnreadableItemError, match="which is no public address; no request was"):
        read(tmp_path, url)


def test_what_is_allowed_is_read_and_nothing_beside_it(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "a").write_text("a")
    (tmp_path / "data2").write_text("no")
    allow = [f"{data.as_uri()}/"]
    assert read(tmp_path / "b", str(data / "a"), allow) == b"a"
    for other in (str(tmp_path / "data2"), f"{data}/../data2", "https://example.org/x"):
        with pytest.raises(UnreadableItemError, match=r"add it to the bucket .*`allow: \["):
            read(tmp_path / "b", other, allow)


ALLOWED = ["https://cdn.example.org/data/", "s3://one/", "http://10.0.0.1:81"]
BELOW = ["https://cdn.example.org/data/a?x=1", "https://CDN.example.org:443/data/b", "s3://one/a/b"]
BESIDE = [
    *("https://cdn.example.org/database", "https://cdn.example.org/data/../x", "http://10.0.0.1/"),
    *("https://cdn.example.org@evil.org/data/", "https://cdn.example.org.evil.org/data/a"),
    *("https://cdn.example.org/data/%2e%2e/x", "http://cdn.example.org/data/a", "s3://ones/a"),
    *("https://cdn.example.org/data/%252e%252e/x", "https://cdn.example.org:444/data/"),
]


@pytest.mark.parametrize("url", BELOW + BESIDE)
def test_an_address_is_allowed_below_an_entry_alone(url):
    allowed = AllowList(ALLOWED)
    check = allowed.check_url if url.startswith("http") else lambda u: allowed.check_object(u, None)
    if url in BELOW:
        check(url)
        return
    with pytest.raises(UnreadableItemError):
        check(url)


def test_an_entry_that_is_no_address_is_refused(workspace):
    with pytest.raises(AutolabelError, match=r"`/data` is no address: write a folder as"):
        workspace({NAME: {**EXTRACTOR, "source": {"allow": ["/data"]}}}).collection(NAME)


@pytest.fixture
def server():
    """Answers `/to?<address>` with a redirect there, drips from `/drip`, and drips headers."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path.startswith("/to?"):
                self.send_response(302)
                self.send_header("Location", self.path[4:])
                self.end_headers()
                return
            server.asked.append(self.path)
            try:
                if self.path == "/headers":
                    self.wfile.write(b"HTTP/1.0 200 OK\r\nX: ")
                else:
                    self.send_response(200)
                    self.end_headers()
                for _ in range(200):
                    self.wfile.write(b"x")
                    time.sleep(0.05)
            except OSError:
                pass

        def log_message(self, *_args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.asked = True, []
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_redirect_leads_only_where_a_manifest_may_go(tmp_path, server):
    allow = [f"{server.url}/to"]
    for target in (f"{server.url}/secret", "file:///etc/passwd", "http://127.0.0.1:9/"):
        with pytest.raises(UnreadableItemError):
            read(tmp_path, f"{server.url}/to?{target}", allow)
    assert server.asked == []


@pytest.mark.parametrize("path", ["drip", "headers"])
def test_a_server_that_drips_is_left_after_a_time(tmp_path, server, monkeypatch, path):
    monkeypatch.setattr(http, "FETCH_SECONDS", 0.5)
    began = time.monotonic()
    with pytest.raises(UnreadableItemError, match="it was not whole after"):
        read(tmp_path, f"{server.url}/{path}", [server.url])
    assert time.monotonic() - began < 5


def test_a_name_is_resolved_once(server, monkeypatch):
    """One that answers with another address the second time gains nothing."""
    import httpx

    answers = ["8.8.8.8"]

    def resolve(host, port, *_args, **_kwargs):
        found = host
        if host == "rebinding.example":
            found, answers[:] = answers[0], ["127.0.0.1"]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (found, port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    transport = GuardedTransport(lambda host, port: False, "", 0.5)
    refused = pytest.raises((httpx.TransportError, PrivateAddressError))
    with httpx.Client(transport=transport) as client, refused:
        client.get(server.url.replace("127.0.0.1", "rebinding.example"))
    assert server.asked == []


@pytest.mark.parametrize("kind", ["pipe", "socket", "zero"])
def test_what_is_no_file_is_a_reason_and_never_waited_for(workspace, kind):
    ws = workspace({NAME: EXTRACTOR}, {NAME: {"a.txt": 1}})
    folder = ws.paths.buckets / NAME
    listener = socket.socket(socket.AF_UNIX)
    if kind == "pipe":
        os.mkfifo(folder / "x")
    elif kind == "socket":
        listener.bind(str(folder / "x"))
    source = {"allow": ["file:///dev/"]} if kind == "zero" else {}
    data = "file:///dev/zero" if kind == "zero" else "x"
    line = {"key": "odd", "blobs": [{"data": data}]}
    ws = workspace({NAME: {**EXTRACTOR, "source": source}}, {NAME: {"m.jsonl": json.dumps(line)}})
    odd = {"pipe": "a named pipe", "socket": "a socket", "zero": "a device"}[kind]
    assert reasons(ws) == {"a.txt": None, "odd": f"cannot be read: is {odd}, not a file"}
    listener.close()


def reasons(ws):
    collection = ws.open(NAME)
    register(collection)
    table = RawObjects(collection)
    table.refresh("batch_000001")
    return {row["key"]: row["reason"] for row in table.rows("batch_000001")}


def test_links_that_lead_nowhere_are_reasons(workspace, monkeypatch):
    ws = workspace({NAME: EXTRACTOR}, {NAME: {"a.txt": 1, "open/b.txt": 2}})
    folder, outside = ws.paths.buckets / NAME, ws.paths.home / "outside"
    outside.mkdir()
    (outside / "c.txt").write_text("3")
    (folder / "itself").symlink_to("itself")
    (folder / "there").symlink_to("back")
    (folder / "back").symlink_to("there")
    (folder / "linked").symlink_to(outside)
    itself = "cannot be read: a link that leads to itself"
    loops = {"itself": itself, "there": itself, "back": itself}
    assert reasons(ws) == {"a.txt": None, "open/b.txt": None, "linked/c.txt": None, **loops}
    scandir = os.scandir

    def closed(path):
        if str(path).endswith("/linked"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", closed)
    found = reasons(ws)
    assert "a link to the folder" in found["linked"] and "Permission denied" in found["linked"]
    assert "linked/c.txt" in found, "what cannot be seen is not taken for deleted"


def test_folders_that_link_to_each_other_take_no_factorial_time(tmp_path):
    outside = tmp_path / "outside"
    for root, count in ((tmp_path / "bucket", 9), (outside, 9)):
        for i in range(count):
            (root / f"d{i}").mkdir(parents=True)
            (root / f"d{i}" / "x").write_text("x")
            for j in range(count):
                (root / f"d{i}" / f"to{j}").symlink_to(root / f"d{j}")
    (tmp_path / "bucket" / "out").symlink_to(outside)
    keys = [one.key for one in FolderBucket(tmp_path / "bucket").list()]
    assert {f"d{i}/x" for i in range(9)} <= set(keys)
    assert len(keys) == len(set(keys)) < 1000
    assert sorted(keys) == sorted(one.key for one in FolderBucket(tmp_path / "bucket").list())


def test_a_folder_a_thousand_deep_is_listed(tmp_path):
    folder = tmp_path
    for _ in range(1100):
        folder = folder / "d"
        folder.mkdir()
    (folder / "x").write_text("x")
    keys = [one.key for one in FolderBucket(tmp_path).list()]
    # Python's own rmtree, which pytest cleans up with, is not made for that.
    subprocess.run(["rm", "-r", tmp_path / "d"], check=True)
    assert keys == ["d/" * 1100 + "x"]
