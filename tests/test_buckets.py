from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from autolabel_core.declarations import BucketSchema, Collection
from autolabel_core.foundation.errors import AutolabelError, UnreadableItemError
from autolabel_core.foundation.paths import Paths
from autolabel_core.storage.buckets import ObjectSource
from autolabel_core.storage.buckets.folder_bucket import FolderBucket


def bucket(folder: Path, **files: bytes | str) -> FolderBucket:
    for name, content in files.items():
        write(folder, name, content)
    return FolderBucket(folder)


def write(folder: Path, name: str, content: bytes | str = b"x") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def keys(store: FolderBucket) -> list[str]:
    return sorted(listed.key for listed in store.list())


def source(tmp_path: Path, **declaration: object) -> ObjectSource:
    paths = Paths(tmp_path / "home", tmp_path, "sqlite://")
    return ObjectSource(Collection(collection_name="c", source=declaration), paths)


NAMES = ["a.png", "in a/deep/er/folder.png", 'it\'s "quoted".png', "new\nline.png", "%41.png"]
NAMES += [
    "Ünï-文字-🦊.png",
    "trailing .png",
    "#hash?.png",
    "a.png.bak",
    "no suffix",
    "-x",
    "x.json",
]
NAMES += ["\\xff.png", "\\x5cx.png", "back\\slash", "e\u0301.png", "é.png"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_on_the_disk_is_a_key_and_opens_again(tmp_path, name):
    write(tmp_path, name, name)
    store = FolderBucket(tmp_path)
    (listed,) = store.list()
    assert FolderBucket(tmp_path).version(listed.key) == listed.version
    assert store.open(listed.key).blobs[0].read() == name.encode()
    assert store.path_of(listed.key) == tmp_path / name
    assert listed.key == name or "\\x" in name


@pytest.mark.skipif(sys.platform == "darwin", reason="the file system takes only UTF-8 names")
def test_undecodable_names_are_keys_of_their_own(tmp_path):
    for raw in (b"\xff.png", b"\\xff.png", b"\\x5cxff.png", b"\xfe"):
        (tmp_path / os.fsdecode(raw)).write_bytes(raw)
    store = FolderBucket(tmp_path)
    found = keys(store)
    assert len(set(found)) == 4
    assert all(key.encode() for key in found)
    read = {store.open(key).blobs[0].read() for key in found}
    assert read == {b"\xff.png", b"\\xff.png", b"\\x5cxff.png", b"\xfe"}


def test_names_that_begin_with_a_dot_are_left_alone(tmp_path):
    for name in (".DS_Store", ".git/config", "a/.b/c", "a/d"):
        write(tmp_path, name)
    assert keys(FolderBucket(tmp_path)) == ["a/d"]
    assert FolderBucket(tmp_path).version("a/.b/c") is None


def test_what_is_not_listed_has_no_version(tmp_path):
    line = json.dumps({"key": "k", "blobs": [{"data": "b.png"}]})
    store = bucket(tmp_path, **{"a.png": "x", "a.png.json": "{}", "b.png": "y", "m.jsonl": line})
    assert keys(store) == ["a.png", "k"]
    others = ["a.png.json", "b.png", "m.jsonl", "absent", "a.png/", "./a.png", "x" * 5000, "\0"]
    for key in others:
        for fresh in (store, FolderBucket(tmp_path)):
            try:
                assert fresh.version(key) is None, key
            except AutolabelError as error:
                assert "not a plain relative path" in str(error)


@pytest.mark.parametrize("key", ["../x", "/etc/passwd", "a/../../x", "", ".", "..", "a//b", "a/"])
def test_a_key_never_leads_out_of_the_bucket(tmp_path, key):
    with pytest.raises(AutolabelError, match="not a plain relative path"):
        FolderBucket(tmp_path).path_of(key)


@pytest.mark.parametrize("text", ['{"a": 1}', '{"metadata": {"a": 1}}', '\ufeff{"a": 1}'])
def test_a_sidecar_is_metadata_flat_or_wrapped(tmp_path, text):
    store = bucket(tmp_path, **{"x.png": "x", "x.png.json": text})
    assert keys(store) == ["x.png"]
    assert store.open("x.png").metadata == {"a": 1}


SIDECARS = {
    "broken": (b"{", "not valid JSON"),
    "a list": (b"[1]", "a JSON list; expected an object"),
    "nan": (b'{"a": NaN}', "NaN is no JSON number"),
    "half a character": (b'{"a": "\\ud800"}', "surrogate"),
    "not utf-8": (b'{"a": "\xff"}', "not UTF-8: byte 0xff"),
    "too deep": (b"[" * 100_000, "nested too deep"),
    "empty": (b"", "not valid JSON"),
}


@pytest.mark.parametrize(("data", "said"), SIDECARS.values(), ids=SIDECARS)
def test_a_bad_sidecar_is_a_reason_not_a_crash(tmp_path, data, said):
    store = bucket(tmp_path, **{"x.png": "x", "x.png.json": data})
    assert keys(store) == ["x.png"]
    with pytest.raises(UnreadableItemError, match=said):
        store.open("x.png")


ORPHANS = {
    "of an image": ("shoe.jpg.json", False),
    "of a text, in capitals": ("folder/NOTE.TXT.json", False),
    "of no known kind": ("data.v2.json", True),
    "a text that is JSON": ("notes.json", True),
}


@pytest.mark.parametrize(("name", "is_object"), ORPHANS.values(), ids=ORPHANS)
def test_metadata_without_their_object_are_none(tmp_path, name, is_object):
    store = bucket(tmp_path, **{name: "{}"})
    assert keys(store) == ([name] if is_object else [])
    assert (store.version(name) is not None) is is_object


def test_a_sidecar_changes_the_version(tmp_path):
    store = bucket(tmp_path, x="1")
    versions = [dict(store.list())["x"]]
    for text in ('{"a": 1}', '{"a": 22}'):
        write(tmp_path, "x.json", text)
        versions.append(dict(store.list())["x"])
        assert FolderBucket(tmp_path).version("x") == versions[-1]
    (tmp_path / "x.json").unlink()
    assert len(set(versions)) == 3
    assert dict(store.list())["x"] == versions[0]


def test_an_overwrite_of_equal_size_changes_the_version(tmp_path):
    store = bucket(tmp_path, x="1")
    before = dict(store.list())["x"]
    write(tmp_path, "x", "2")
    os.utime(tmp_path / "x", (0, 0))
    assert dict(store.list())["x"] != before


def test_a_loop_of_links_ends_and_a_second_way_is_a_second_key(tmp_path):
    write(tmp_path, "real/x")
    (tmp_path / "real/up").symlink_to(tmp_path)
    (tmp_path / "also").symlink_to(tmp_path / "real")
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    assert keys(FolderBucket(tmp_path)) == ["also/x", "real/x"]


def test_a_pipe_is_no_object(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert keys(FolderBucket(tmp_path)) == []
    assert FolderBucket(tmp_path).version("pipe") is None


def test_a_file_that_goes_between_listing_and_reading_is_a_reason(tmp_path):
    store = bucket(tmp_path, x="1", y="2")
    stored = store.open("x")
    assert keys(store) == ["x", "y"]
    (tmp_path / "x").unlink()
    with pytest.raises(UnreadableItemError, match="No such file"):
        stored.blobs[0].read()
    with pytest.raises(UnreadableItemError, match="gone from the bucket"):
        store.open("x")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="drops rights in a child process")
def test_permissions(tmp_path):
    """An unreadable file is a reason; an unlistable folder stops: its objects would seem gone."""
    bucket(tmp_path, **{"x": "1", "closed/y": "2"})
    for path in (tmp_path, *tmp_path.parents):
        if path.owner() == "root" and path.stat().st_mode & 0o005 != 0o005:
            path.chmod(0o755)
    (tmp_path / "x").chmod(0)
    (tmp_path / "closed").chmod(0)

    def said(ask) -> str:
        try:
            return str(ask())
        except AutolabelError as error:
            return str(error)

    def report() -> list[str]:
        store = FolderBucket(tmp_path)
        whole = said(lambda: keys(store))
        store._known = ({}, set())
        return [whole, said(lambda: store.open("x").blobs[0].read())]

    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        if os.getuid() == 0:
            os.setuid(65534)
        os.write(write_end, json.dumps(report()).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(write_end)
    whole, one = json.loads(os.read(read_end, 10_000))
    (tmp_path / "closed").chmod(0o755)
    assert "closed cannot be listed: Permission denied" in whole
    assert one == "cannot be read: Permission denied"


def test_a_missing_bucket_is_an_error_with_a_cure(tmp_path):
    with pytest.raises(AutolabelError, match=r"does not exist\. Create the folder, or correct"):
        list(FolderBucket(tmp_path / "absent").list())
    write(tmp_path, "labels.csv")
    with pytest.raises(AutolabelError, match=r"is a file, expected a folder or a \.jsonl"):
        list(FolderBucket(tmp_path / "labels.csv").list())


def test_the_embedded_bucket_is_made(tmp_path):
    assert list(source(tmp_path).list()) == []
    assert (tmp_path / "home/buckets/c").is_dir()


def test_several_buckets_are_one_with_prefixes(tmp_path):
    write(tmp_path, "one/a", "1")
    write(tmp_path, "two/a", "2")
    write(tmp_path, "two/x/b", "3")
    joined = source(
        tmp_path,
        buckets=[
            {"uri": str(tmp_path / "one"), "key_prefix": "x/"},
            {"uri": (tmp_path / "two").as_uri()},
        ],
    )
    found = dict(joined.list())
    assert sorted(found) == ["a", "x/a", "x/b"]
    assert [joined.open(k).blobs[0].read() for k in sorted(found)] == [b"2", b"1", b"3"]
    assert {k: joined.version(k) for k in found} == found
    joined.add("x/new", b"4", {})
    assert (tmp_path / "one/new").read_bytes() == b"4"


def test_two_buckets_never_hold_one_key(tmp_path):
    write(tmp_path, "one/a")
    write(tmp_path, "two/x/a")
    buckets = [{"uri": str(tmp_path / "one"), "key_prefix": "x/"}, {"uri": str(tmp_path / "two")}]
    with pytest.raises(AutolabelError, match="'x/a'; give one of them another key_prefix"):
        list(source(tmp_path, buckets=buckets).list())


def test_an_unknown_scheme_is_refused(tmp_path):
    with pytest.raises(AutolabelError, match=r"gopher://x of `c` is not supported: use"):
        source(tmp_path, uri="gopher://x")


SCHEMAS = {
    "nothing declared": ({}, {"n": "x"}, None),
    "all fits": ({"n": {"type": "number", "required": True}}, {"n": 1.5}, None),
    "missing": ({"n": {"required": True}}, {}, "lacks the required property `n` (text)"),
    "null counts as missing": ({"n": {"required": True}}, {"n": None}, "lacks the required"),
    "optional": ({"n": {"type": "number"}}, {}, None),
    "text": ({"n": {"type": "text"}}, {"n": 1}, "expected text, found int 1"),
    "number": ({"n": {"type": "number"}}, {"n": "1"}, "expected number, found str '1'"),
    "a truth value is no number": ({"n": {"type": "integer"}}, {"n": True}, "found bool True"),
    "a number is no truth value": ({"n": {"type": "boolean"}}, {"n": 1}, "expected boolean"),
    "json takes all": ({"n": {"type": "json"}}, {"n": [1]}, None),
    "the file is the image": ({"photo": {"type": "image", "required": True}}, {}, None),
}


@pytest.mark.parametrize(("properties", "metadata", "said"), SCHEMAS.values(), ids=SCHEMAS)
def test_a_schema_is_checked(tmp_path, properties, metadata, said):
    BucketSchema.model_validate({"properties": properties})
    write(tmp_path, "b/x.png")
    write(tmp_path, "b/x.png.json", json.dumps(metadata))
    opened = source(tmp_path, uri=str(tmp_path / "b"), bucket_schema={"properties": properties})
    if said is None:
        assert opened.open("x.png").metadata == metadata
        return
    with pytest.raises(UnreadableItemError) as caught:
        opened.open("x.png")
    assert said in str(caught.value)
