from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from autolabel_core.foundation.errors import AutolabelError, UnreadableItemError
from autolabel_core.storage.buckets.allow_list import AllowList
from autolabel_core.storage.buckets.folder_bucket import FolderBucket


class Server(BaseHTTPRequestHandler):
    """`/ok/…` answers, `/moved` leads there, anything else fails with 500."""

    def do_GET(self):
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/ok/moved")
            self.end_headers()
            return
        good = self.path.startswith("/ok")
        self.send_response(200 if good else 500)
        self.end_headers()
        self.wfile.write(self.path.encode())

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def address():
    server = HTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def manifest(
    folder: Path, *lines: object, name: str = "m.jsonl", allow: Sequence[str] | None = None
) -> FolderBucket:
    """Write a manifest; a text or bytes is a line as it stands, anything else its JSON."""
    encoded = [
        line if isinstance(line, bytes) else line.encode()
        for line in (e if isinstance(e, str | bytes) else json.dumps(e) for e in lines)
    ]
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\n".join(encoded))
    return FolderBucket(folder, allowed=AllowList(allow))


def entry(**blob):
    return {"key": "k", "blobs": [blob]}


def read(store: FolderBucket, key: str = "k") -> bytes:
    return store.open(key).blobs[0].read()


def test_a_manifest_may_be_the_bucket_itself(tmp_path):
    (tmp_path / "x").write_text("content")
    manifest(tmp_path, entry(data="x"))
    store = FolderBucket(tmp_path / "m.jsonl")
    assert [listed.key for listed in store.list()] == ["k"]
    assert read(store) == b"content"
    assert FolderBucket(tmp_path / "m.jsonl").version("x") is None
    with pytest.raises(AutolabelError, match="is a manifest, in which files have no place"):
        store.path_of("new")


def test_blobs_lie_where_the_line_says(tmp_path, address):
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    (elsewhere / "ü.txt").write_text("content")
    folder = tmp_path / "bucket"
    uri = (elsewhere / "ü.txt").as_uri()
    forms = {
        "relative": {"data": "../else where/ü.txt"},
        "absolute": {"data": str(elsewhere / "ü.txt")},
        "file url": {"data": uri},
        "wrapped": {"data": {"url": uri}},
        "http": {"data": f"{address}/ok"},
        "redirect": {"data": {"url": f"{address}/moved"}},
        "inline": {"type": "text", "data": "written here"},
        "wrapped text": {"data": {"text": "http://is no address here"}},
        "text by address": {"type": "text", "data": f"{address}/ok/text"},
    }
    lines = [{"key": key, "blobs": [blob]} for key, blob in forms.items()]
    allow = [f"{elsewhere.as_uri()}/", f"{address}/ok", f"{address}/moved"]
    store = manifest(folder, *lines, allow=allow)
    assert {key: read(store, key) for key in forms} == {
        "relative": b"content",
        "absolute": b"content",
        "file url": b"content",
        "wrapped": b"content",
        "http": b"/ok",
        "redirect": b"/ok/moved",
        "inline": b"written here",
        "wrapped text": b"http://is no address here",
        "text by address": b"/ok/text",
    }


UNREADABLE = {
    "no file": ("nowhere.png", "No such file"),
    "a folder": (".", "Is a directory"),
    "a long path": ("x" * 5000, "name too long"),
    "nul": ("a\0b", "null byte"),
    "bad address": ("http://[::1", "http://[::1"),
    "no host": ("http://", "cannot fetch http://"),
    "a number": (7, "expected data {url}, {text} or a text, found 7"),
    "nothing": ({}, "expected data {url}, {text} or a text"),
}


@pytest.mark.parametrize(("data", "said"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_a_reason(tmp_path, data, said):
    store = manifest(tmp_path, entry(data=data))
    assert [listed.key for listed in store.list()] == ["k"]
    with pytest.raises(UnreadableItemError) as caught:
        read(store)
    assert said in str(caught.value)


def test_the_reason_of_a_failed_request_is_the_servers(tmp_path, address):
    with pytest.raises(UnreadableItemError, match=r"cannot fetch .*500"):
        read(manifest(tmp_path, entry(data=f"{address}/broken"), allow=[address]))


def test_a_refused_connection_is_a_reason(tmp_path):
    gone = HTTPServer(("127.0.0.1", 0), Server)
    gone.server_close()
    with pytest.raises(UnreadableItemError, match=r"cannot fetch http://127\.0\.0\.1.*refused"):
        url = f"http://127.0.0.1:{gone.server_port}/x"
        read(manifest(tmp_path, entry(data=url), allow=[url]))


MALFORMED = {
    "no json": ("{", "line 1 of m.jsonl is not valid JSON"),
    "no object": ("[1]", "expected an object {key, metadata, blobs}, found list"),
    "no key": ("{}", "expected a non-empty text `key`, found None"),
    "empty key": ('{"key": ""}', "found ''"),
    "key no text": ('{"key": 7}', "found 7"),
    "key with nul": ('{"key": "\\u0000"}', "expected a non-empty text `key`"),
    "metadata": ('{"key": "k", "metadata": [1]}', "`metadata` to be an object, found list"),
    "blobs": ('{"key": "k", "blobs": {}}', None),
    "blobs a text": ('{"key": "k", "blobs": "x"}', "list of {property, type, data}"),
    "no data": ('{"key": "k", "blobs": [{"property": "x"}]}', "list of {property, type, data}"),
    "property": ('{"key": "k", "blobs": [{"property": [1], "data": "x"}]}', "the `property`"),
    "type": ('{"key": "k", "blobs": [{"type": {}, "data": "x"}]}', "the `type` of a blob"),
    "nan": ('{"key": "k", "metadata": {"a": NaN}}', "NaN is no JSON number"),
    "half a character": ('{"key": "\\ud800"}', "surrogate"),
    "not utf-8": (b'{"key": "\xff"}', "not UTF-8"),
    "too deep": ("[" * 100_000, "nested too deep"),
}


@pytest.mark.parametrize(("line", "said"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_line_is_an_entry_with_a_reason(tmp_path, line, said):
    store = manifest(tmp_path, line, entry(type="text", data="good") | {"key": "good"})
    found = {listed.key for listed in store.list()}
    assert read(store, "good") == b"good"
    if said is None:
        assert found == {"k", "good"}
        return
    assert found == {"m.jsonl#L1", "good"}
    with pytest.raises(UnreadableItemError) as caught:
        store.open("m.jsonl#L1")
    assert said in str(caught.value)


def test_blank_lines_byte_order_mark_and_crlf(tmp_path):
    lines = b'\xef\xbb\xbf{"key": "a"}\r\n\r\n   \n{"key": "b", "blobs": null}\r\n'
    (tmp_path / "m.jsonl").write_bytes(lines)
    store = FolderBucket(tmp_path)
    assert sorted(listed.key for listed in store.list()) == ["a", "b"]
    assert store.open("a").metadata == {}


def test_a_key_belongs_to_its_first_line(tmp_path):
    def line(text):
        return entry(type="text", data=text)

    manifest(tmp_path, line("1"), line("2"))
    store = manifest(tmp_path, "", line("3"), name="z/m.jsonl")
    (tmp_path / "k").write_text("a file of the same name")
    assert sorted(listed.key for listed in store.list()) == ["k", "m.jsonl#L2", "z/m.jsonl#L2"]
    assert read(store) == b"1"
    for key, first in (("m.jsonl#L2", "line 1 of m.jsonl"), ("z/m.jsonl#L2", "line 1 of m.jsonl")):
        with pytest.raises(UnreadableItemError, match=f"'k' stands in {first} too"):
            store.open(key)


@pytest.mark.parametrize("data", ["img/a.png", "./img/a.png", "img/../img/a.png", "img//a.png"])
def test_a_file_that_a_line_refers_to_is_no_object(tmp_path, data):
    (tmp_path / "img").mkdir()
    (tmp_path / "img/a.png").write_bytes(b"x")
    (tmp_path / "img/b.png").write_bytes(b"x")
    store = manifest(tmp_path, entry(data=data))
    assert sorted(listed.key for listed in store.list()) == ["img/b.png", "k"]
    assert store.version("img/a.png") is None


def test_the_version_covers_line_and_file(tmp_path):
    (tmp_path / "x").write_text("1")
    line = entry(data="x")
    versions = [manifest(tmp_path, line).version("k")]
    (tmp_path / "x").write_text("22")
    versions.append(manifest(tmp_path, line).version("k"))
    versions.append(manifest(tmp_path, line | {"metadata": {"a": 1}}).version("k"))
    assert len(set(versions)) == 3
    assert manifest(tmp_path, "", line | {"metadata": {"a": 1}}).version("k") == versions[-1]


PREFIXED = {
    "prefix and address": ("/bootstrap", {"url": "s3://b/products/shoe-001.jpg"}, "shoe-001.jpg"),
    "address in escapes": ("/bootstrap/", "https://example.com/a%20b.jpg?v=1", "a b.jpg"),
    "path": ("bootstrap", "img/x.png", "x.png"),
}


@pytest.mark.parametrize(("prefix", "data", "name"), PREFIXED.values(), ids=PREFIXED)
def test_a_line_without_a_key_is_called_after_its_blob(tmp_path, prefix, data, name):
    blob = {"property": "image_url", "type": "image", "data": data}
    line = {"key_prefix": prefix, "metadata": {"product_label": None}, "blobs": [blob]}
    store = manifest(tmp_path, line, {k: line[k] for k in ("metadata", "blobs")})
    assert sorted(listed.key for listed in store.list()) == sorted([f"bootstrap/{name}", name])


def test_the_input_is_chosen_by_mapping_then_by_type(tmp_path):
    blobs = [
        {"property": "photo", "type": "image", "data": "1.png"},
        {"property": "thumb", "type": "image", "data": "2.png"},
        {"property": "caption", "type": "text", "data": "3"},
    ]
    (tmp_path / "2.png").write_bytes(b"2")
    metadata = {"note": "4"}
    stored = manifest(tmp_path, {"key": "k", "metadata": metadata, "blobs": blobs}).open("k")
    assert stored.input_blob("image", "thumb").read() == b"2"
    assert stored.input_blob("text", None).read() == b"3"
    assert stored.input_blob("text", "note").read() == b"4"
    for mapping in (None, "absent"):
        with pytest.raises(
            UnreadableItemError, match=r"found blobs \['photo', 'thumb', 'caption'\]"
        ):
            stored.input_blob("image", mapping)


def test_an_unreadable_manifest_stops_the_listing(tmp_path):
    """Its objects would seem deleted."""
    (tmp_path / "m.jsonl").write_text("{}")
    store = FolderBucket(tmp_path / "m.jsonl")
    from autolabel_core.storage.buckets.folder_bucket import _content

    assert [listed.key for listed in store.list()] == ["m.jsonl#L1"]
    with pytest.raises(AutolabelError, match="cannot be read: Is a directory"):
        _content(tmp_path)
