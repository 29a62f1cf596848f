"""Buckets on a real S3 server: the same semantics as folders, and clear errors."""

from __future__ import annotations

import json

import httpx
import pytest
import yaml
from conftest import ANGLES

from autolabel_core.documents.content_urls import content_urls
from autolabel_core.documents.documents import Documents
from autolabel_core.foundation.errors import AutolabelError, NotFoundError, UnreadableItemError
from autolabel_core.labelling.give_labels import GivenLabel, give_labels
from autolabel_core.labelling.promotion import promote
from autolabel_core.labelling.promotion_candidates import candidates
from autolabel_core.storage.buckets.s3_bucket import ObjectStoreBucket
from autolabel_core.storage.s3 import S3Settings

pytestmark = pytest.mark.slow
NAME = "angles"
ODD = ["a.png", "in a/deep/er/folder.png", 'it\'s "quoted".png', "%41.png", "#hash?.png", "-x"]
ODD += [
    "Ünï-文字-🦊.png",
    "e\u0301.png",
    "é.png",
    "back\\slash",
    "+ &amp; <x>",
    "x.json",
    "no suffix",
]


def declared(uri: str, **more: object) -> str:
    base = yaml.safe_load(ANGLES)
    return yaml.safe_dump({**base, "source": {"uri": uri}, **more})


def labels(workspace, name=NAME):
    found = Documents(workspace.open(name)).find(sort="key")
    return {r["key"]: (r["label"], r["label_source"]) for r in found}


def test_every_name_is_a_key_and_opens_again(s3):
    s3.put({f"some/where/{name}": name for name in ODD})
    s3.put({"some/wherever.png": "x", "some/where/.hidden": "x", "some/where/.d/x": "x"})
    store = ObjectStoreBucket(f"{s3.uri}/some/where/")
    listed = dict(store.list())
    assert sorted(listed) == sorted(ODD)
    assert {key: store.open(key).blobs[0].read().decode() for key in ODD} == {k: k for k in ODD}
    assert {key: ObjectStoreBucket(f"{s3.uri}/some/where").version(key) for key in ODD} == listed


def test_a_folders_marker_is_no_object_and_an_empty_object_is_one(s3):
    s3.put({"dir/": "", "dir/a": 1, "lone/": "", "empty": ""})
    assert sorted(dict(ObjectStoreBucket(s3.uri).list())) == ["dir/a", "empty"]


def test_a_key_that_cannot_be_addressed_is_quarantined_alone(s3, home, bring_up_to_date):
    s3.put({"p/a": 10, "p/b//c": 20, "p/../d": 30, "p/e": 15})
    home.declare(NAME, declared(f"{s3.uri}/p"))
    assert sorted(dict(ObjectStoreBucket(f"{s3.uri}/p").list())) == ["../d", "a", "b//c", "e"]
    bring_up_to_date(home.workspace, NAME)
    found = {r["key"]: r["reason"] for r in Documents(home.workspace.open(NAME)).find()}
    assert (found["a"], found["e"]) == (None, None)
    for key in ("b//c", "../d"):
        assert "cannot be addressed" in found[key] and "rename it" in found[key]


def test_sidecars_are_metadata_and_change_the_version(s3):
    s3.put({"a.png": 1, "a.png.json": json.dumps({"side": "left"}), "b.png": 2})
    store = ObjectStoreBucket(s3.uri)
    before = dict(store.list())
    assert sorted(before) == ["a.png", "b.png"]
    assert store.open("a.png").metadata == {"side": "left"}
    s3.put({"a.png.json": json.dumps({"side": "right"})})
    after = dict(ObjectStoreBucket(s3.uri).list())
    assert after["a.png"] != before["a.png"]
    assert after["b.png"] == before["b.png"]


def test_manifests_refer_to_objects_wherever_they_lie(s3, home):
    s3.put({"in/rel.txt": "relative", "far/abs.txt": "elsewhere"})
    lines = [
        {"key": "one", "blobs": [{"property": "t", "type": "text", "data": "rel.txt"}]},
        {"key": "two", "blobs": [{"property": "t", "data": {"url": f"{s3.uri}/far/abs.txt"}}]},
        {"key": "no", "blobs": [{"property": "t", "data": {"url": "file:///etc/hostname"}}]},
    ]
    for line in lines:
        line["blobs"][0]["data"] = (
            {"url": line["blobs"][0]["data"]}
            if isinstance(line["blobs"][0]["data"], str)
            else line["blobs"][0]["data"]
        )
    text = "\n".join(map(json.dumps, lines))
    s3.put({"in/list.jsonl": text})
    for uri in (f"{s3.uri}/in", f"{s3.uri}/in/list.jsonl"):
        store = ObjectStoreBucket(uri)
        before = dict(store.list())
        assert sorted(before) == ["no", "one", "two"]
        read = [store.open(key).blobs[0].read() for key in ("one", "two")]
        assert read == [b"relative", b"elsewhere"]
        with pytest.raises(UnreadableItemError, match="file:// is for manifests on a disk"):
            store.open("no").blobs[0].read()
    s3.put({"far/abs.txt": "replaced"})
    after = dict(ObjectStoreBucket(f"{s3.uri}/in").list())
    assert {key for key in after if after[key] != before[key]} == {"two"}
    from autolabel_core.storage.buckets.folder_bucket import FolderBucket

    local = home.paths.home / "local.jsonl"
    local.write_text(json.dumps(lines[1]))
    folder = FolderBucket(local)
    (listed,) = folder.list()
    assert folder.open(listed.key).blobs[0].read() == b"replaced"
    assert listed.version.endswith(after["two"].partition("+")[2])


def test_upload_label_overwrite_delete(s3, home, bring_up_to_date):
    s3.put({"p/a": 10, "p/b": 15, "p/c": 100})
    home.declare(NAME, declared(f"{s3.uri}/p"))
    bring_up_to_date(home.workspace, NAME)
    workspace = home.workspace
    give_labels(workspace.open(NAME), [GivenLabel("a", "low", {}, "")], "t", "cli")
    bring_up_to_date(home.workspace, NAME)
    assert labels(home.workspace) == {
        "a": ("low", "human"),
        "b": ("low", "auto"),
        "c": (None, None),
    }
    s3.put({"p/b": 200, "p/d": 12})
    s3.delete("p/c")
    bring_up_to_date(home.workspace, NAME)
    assert labels(home.workspace) == {
        "a": ("low", "human"),
        "b": (None, None),
        "d": ("low", "auto"),
    }


def test_promotions_copy_into_the_reference_bucket_and_never_overwrite(s3, home, bring_up_to_date):
    s3.put({"refs/r": 10, "new/x": 11})
    home.declare("refs", declared(f"{s3.uri}/refs"))
    rule = {"field_to_enrich": "side", "confidence_threshold": 0.9, "reference": "refs"}
    home.declare("new", declared(f"{s3.uri}/new", taxonomy=rule))
    bring_up_to_date(home.workspace, "refs")
    workspace = home.workspace
    give_labels(workspace.open("refs"), [GivenLabel("r", "low", {}, "")], "t", "cli")
    bring_up_to_date(home.workspace, "refs")
    bring_up_to_date(home.workspace, "new")
    workspace = home.workspace
    chosen = candidates(workspace.open("new"), 0.5)
    assert promote(workspace.open("new"), chosen, "reviewer") == 1
    assert "refs/promoted/new/x" in s3.all_keys()
    store = ObjectStoreBucket(f"{s3.uri}/refs")
    store.add("promoted/new/x", b"11", {})
    with pytest.raises(AutolabelError, match="exists with another content"):
        store.add("promoted/new/x", b"12", {})
    with pytest.raises(NotFoundError):
        store.add("../out", b"1", {})


def test_signed_addresses_really_fetch(s3, home, bring_up_to_date):
    s3.put({"p/a b": 10, "p/ü#": 20})
    home.declare(NAME, declared(f"{s3.uri}/p"))
    bring_up_to_date(home.workspace, NAME)
    workspace = home.workspace
    urls = content_urls(workspace.open(NAME), ["a b", "ü#", "gone"], 60)
    assert urls.pop("gone") is None
    assert {key: httpx.get(url).text for key, url in urls.items()} == {"a b": "10", "ü#": "20"}
    assert "X-Amz-Expires=60" in urls["a b"]


WRONG = {
    "no such bucket": ({}, "s3://not-there", "s3://not-there does not exist .*create it"),
    "wrong secret": ({"secret_access_key": "x"}, None, "keys are refused; correct AWS_ACCESS"),
    "wrong region": (
        {"region": "eu-west-1"},
        None,
        "`eu-west-1` is wrong, .* in us-east-1; set AWS",
    ),
    "not there": ({"endpoint_url": "http://127.0.0.1:9", "max_retries": 1}, None, "reached"),
    "plain http": ({"endpoint_url": "http://192.0.2.1"}, None, "plain http.*AWS_ALLOW_HTTP"),
}


@pytest.mark.parametrize(("wrong", "uri", "said"), WRONG.values(), ids=WRONG)
def test_an_error_says_what_is_wrong_in_one_line(s3, wrong, uri, said):
    from dataclasses import replace

    settings = replace(S3Settings.from_environment(), **wrong)
    with pytest.raises(AutolabelError, match=said) as caught:
        list(ObjectStoreBucket(uri or s3.uri, settings).list())
    assert "\n" not in str(caught.value)
    assert "plain http" in str(caught.value) or "Nothing is registered" in str(caught.value)
