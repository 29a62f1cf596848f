from __future__ import annotations

import json
import urllib.request

import pytest

from autolabel_core.documents.content_urls import content_urls
from autolabel_core.foundation.errors import StoreUnavailableError
from autolabel_core.storage.buckets.folder_bucket import FolderBucket
from autolabel_core.storage.s3 import S3Settings


def test_local_files_inline_texts_and_the_web_have_their_own_addresses(workspace):
    web = {"property": "t", "type": "text", "data": {"url": "https://example.com/a%20b"}}
    lines = [{"key": "web", "blobs": [web]}, {"key": "text", "metadata": {"t": "12"}}]
    objects = {"ü #?.txt": 10, "list.jsonl": "\n".join(map(json.dumps, lines))}
    opened = workspace(
        {
            "angles": {
                "feature_extractor": {
                    "feature_extractor_name": "angle_extractor",
                    "input_mappings": {"text": "t"},
                }
            }
        },
        {"angles": objects},
    )
    collection = opened.open("angles")
    urls = content_urls(collection, ["ü #?.txt", "web", "text", "gone"])
    with urllib.request.urlopen(urls.pop("ü #?.txt")) as answer:
        assert answer.read() == b"10"
    assert urls == {"web": "https://example.com/a%20b", "text": None, "gone": None}


def test_a_manifest_may_refer_to_a_store_that_does_not_answer(tmp_path):
    """Its objects are not taken for deleted, and reading one says what is wrong."""
    line = {"key": "k", "blobs": [{"property": "t", "data": {"url": "s3://b/x"}}]}
    (tmp_path / "m.jsonl").write_text(json.dumps(line))
    store = FolderBucket(tmp_path, S3Settings("http://127.0.0.1:9", None, "a", "b", max_retries=0))
    (listed,) = store.list()
    assert listed.version.endswith("+unlisted")
    with pytest.raises(StoreUnavailableError, match=r"Expected s3://b/x .*cannot be reached"):
        store.open("k").blobs[0].read()


@pytest.mark.parametrize(
    ("environ", "region"), [({"AWS_DEFAULT_REGION": "r"}, "r"), ({"AWS_REGION": ""}, None)]
)
def test_s3_is_reached_as_the_aws_variables_say(environ, region):
    assert S3Settings.from_environment(environ) == S3Settings(region=region)
