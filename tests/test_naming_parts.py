"""What a model is shown, names without a server, and which documents stand for a cluster."""

import base64
import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from autolabel_core.clusters.naming import (
    ClusterName,
    ClusterSample,
    SampleBlob,
    SampleDocument,
    offline_names,
    representatives,
)
from autolabel_core.clusters.naming.cache import content_key
from autolabel_core.clusters.naming.keyword_names import telling_words
from autolabel_core.clusters.naming.merge_names import merge_alike
from autolabel_core.clusters.naming.name_clusters import hashed_vectors
from autolabel_core.clusters.naming.prompt import MAX_CHARACTERS, MAX_MEDIA, Showing, calls
from autolabel_core.clusters.naming.prompt import messages as chat_messages
from autolabel_core.clusters.naming.prompt_media import Medium, Shown, TextPart, at_path, shown
from autolabel_core.declarations.llm_naming import LLMLabeling
from autolabel_core.foundation.errors import UnreadableItemError
from autolabel_core.models.language_models.chat_client import Usage

PAYLOAD = {
    "key": "a.png",
    "title": "Red shoe",
    "metadata": {"maker": {"name": "Ada"}, "dotted.name": "found", "tags": ["x", "y"]},
}


def png(width=900, height=600):
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(buffer, "PNG")
    return buffer.getvalue()


def blob(address, data=b"", kind=None):
    return SampleBlob(address, lambda: data, kind)


def gone():
    raise UnreadableItemError("gone")


def see(document, *mappings, **declared):
    declared = {"labeling_inputs": [*mappings], **declared}
    return shown(document, LLMLabeling.model_validate(declared), lambda a: f"https://signed/{a}")


def text(path, source="payload"):
    return {"input_key": "text", "source_type": source, "path": path}


def image(path, source="blob"):
    return {"input_key": "image_url", "source_type": source, "path": path}


def test_without_mappings_the_whole_payload_is_shown_as_json():
    assert json.loads(see(SampleDocument(PAYLOAD)).text) == PAYLOAD


def test_texts_are_joined_and_what_is_missing_is_left_out():
    literal = {"source_type": "literal", "override": "Category: shoes"}
    found = see(SampleDocument(PAYLOAD), text("title"), text("colour"), text("metadata"), literal)
    first, *rest, last = found.text.split("\n")
    assert (first, last) == ("Red shoe", "Category: shoes")
    assert json.loads("".join(rest)) == PAYLOAD["metadata"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("title", "Red shoe"),
        ("payload.title", "Red shoe"),
        ("metadata.maker.name", "Ada"),
        ("metadata.tags.1", "y"),
        ("metadata.dotted.name", "found"),
        ("metadata.tags.9", None),
        ("title.0", None),
        ("nothing.at.all", None),
    ],
)
def test_dotted_paths(path, value):
    assert at_path(PAYLOAD, path) == value


def test_long_texts_are_cut_where_it_is_declared():
    document = SampleDocument({"title": "x" * 500})
    assert len(see(document, text("title"), sample_text_max_length=20).text) == 20
    assert len(see(document, text("title")).text) == 500


DOCUMENT = SampleDocument(
    PAYLOAD,
    source_blobs=(blob("s3://b/own.png"), blob("https://web/own.png")),
    document_blobs=(blob("file:///crop.png", png()),),
    content_hash="c1",
)


@pytest.mark.parametrize(
    ("path", "begins"),
    [
        ("source_blobs.0.url", "https://signed/s3://b/own.png"),
        ("source_blobs.1.url", "https://web/own.png"),
        ("document_blobs.0.url", "data:image/jpeg;base64,"),
        ("0.url", "data:image/jpeg;base64,"),
        ("1.url", "https://web/own.png"),
    ],
)
def test_blob_paths(path, begins):
    (medium,) = see(DOCUMENT, image(path)).media
    assert medium.url().startswith(begins)
    assert medium.kind == "image_url"
    assert "signed" not in medium.identity


@pytest.mark.parametrize("path", ["document_blobs.7.url", "url", "other_blobs.0.url", "x.url"])
def test_blobs_that_are_not_there_are_left_out(path):
    assert see(DOCUMENT, image(path)).media == ()


def test_a_local_image_is_sent_small_and_whole():
    (medium,) = see(DOCUMENT, image("document_blobs.0.url")).media
    data = base64.b64decode(medium.url().partition(",")[2])
    picture = Image.open(io.BytesIO(data))
    assert (picture.format, picture.size) == ("JPEG", (512, 341))


def test_a_payload_may_hold_web_addresses_and_never_local_files():
    document = SampleDocument({"web": "https://a/b.png", "file": "file:///etc/passwd"})
    (medium,) = see(document, image("web", "payload"), image("file", "payload")).media
    assert medium.url() == "https://a/b.png"


def test_texts_of_blobs():
    document = SampleDocument({}, source_blobs=(blob("file:///a.txt", "größe".encode()),))
    assert see(document, text("0.url", "blob")).text == "größe"


def test_what_cannot_be_read_is_not_shown():
    broken = SampleDocument({"key": "a"}, source_blobs=(SampleBlob("file:///a.png", gone),))
    seen = see(broken, image("0.url"), text("0.url", "blob"), text("key"))
    showing = Showing(ClusterSample("cl_0", 1), (seen,))
    (_, user) = chat_messages([showing.loaded()], LLMLabeling())
    assert user["content"] == "## cluster_id: cl_0 (1 documents)\nDocument 1: a"
    nothing = see(broken, image("0.url"), text("0.url", "blob"))
    assert Showing(ClusterSample("cl_0", 1), (nothing,)).loaded().is_empty


def showing(cluster_id, characters, media=0):
    medium = Medium("image_url", "i", lambda: "https://a/b.png")
    return Showing(
        ClusterSample(cluster_id, 1), (Shown((TextPart("x" * characters),), (medium,) * media),)
    )


@given(
    sizes=st.lists(
        st.tuples(st.integers(0, 2 * MAX_CHARACTERS), st.integers(0, MAX_MEDIA)), max_size=30
    ),
    at_most=st.integers(1, 12),
)
def test_calls_are_bounded_and_leave_no_cluster_out(sizes, at_most):
    given_ = [showing(f"cl_{i}", *size) for i, size in enumerate(sizes)]
    made = list(calls(given_, LLMLabeling(clusters_per_call=at_most)))
    assert [s.cluster_id for call in made for s in call] == [s.cluster_id for s in given_]
    for call in made:
        assert 0 < len(call) <= at_most
        assert sum(s.characters for s in call) <= MAX_CHARACTERS
        assert sum(s.media for s in call) <= MAX_MEDIA


def test_the_content_key_is_of_what_is_shown_and_asked():
    one = showing("cl_0", 5, 1)
    key = content_key(one, LLMLabeling())
    assert key == content_key(showing("cl_9", 5, 1), LLMLabeling())
    assert key == content_key(one, LLMLabeling(retries=0, cache_ttl_seconds=5, api_key_env="K"))
    assert key != content_key(showing("cl_0", 6, 1), LLMLabeling())
    assert key != content_key(showing("cl_0", 5, 2), LLMLabeling())
    assert key != content_key(one, LLMLabeling(model_name="other"))


TEXTS = {
    "cl_0": ["The match ended in a draw", "A late goal won the match", "the striker and the goal"],
    "cl_1": ["Shares fell and the bank lost", "The bank raised its rates", "shares of a bank"],
}


def test_keywords_tell_clusters_apart():
    samples = [ClusterSample(name, 3, texts=texts) for name, texts in TEXTS.items()]
    found = telling_words(samples)
    assert set(found["cl_0"][:2]) == {"match", "goal"}
    assert set(found["cl_1"][:2]) == {"bank", "shares"}
    names = offline_names(samples)
    assert names["cl_1"].label.startswith("bank, shares")
    assert (names["cl_1"].source, names["cl_1"].confidence) == ("keywords", 1.0)
    assert names["cl_1"].summary.startswith("3 documents; about bank, shares")


def test_keywords_are_those_of_the_published_formula():
    texts = {"cl_0": "cat cat dog", "cl_1": "dog bird bird bird fish"}
    found = telling_words([ClusterSample(n, 1, texts=[t]) for n, t in texts.items()])
    average = (3 + 5) / 2
    overall = {"cat": 2, "dog": 2, "bird": 3, "fish": 1}
    for name, text_ in texts.items():
        words = text_.split()
        scores = {
            w: words.count(w) / len(words) * np.log(1 + average / overall[w]) for w in set(words)
        }
        assert found[name] == sorted(scores, key=scores.get, reverse=True)


@pytest.mark.parametrize(
    ("sample", "name"),
    [
        ({"labels": {"shoe": 6, "boot": 2}}, ("shoe", 0.6, "labels")),
        ({"labels": {"shoe": 2, "boot": 1}}, ("shoe", 0.2, "labels")),
        ({"labels": {"a": 1, "b": 1}, "nearest": ("boot", 0.7)}, ("like boot", 0.7, "reference")),
        ({"nearest": ("boot", -0.2)}, ("like boot", 0.0, "reference")),
        ({}, ("cluster 3", 0.0, "number")),
        ({"texts": ["the of and", "123 !"]}, ("cluster 3", 0.0, "number")),
        ({"texts": ["\u6771\u4eac \u5927\u962a"]}, ("\u4eac", 1.0, "keywords")),
    ],
)
def test_names_without_a_server(sample, name):
    (found,) = offline_names([ClusterSample("cl_3", 10, **sample)]).values()
    assert found.source == name[2]
    assert found.confidence == name[1]
    assert name[0] in found.label


def test_a_sub_cluster_is_numbered_below_its_parent():
    found = offline_names([ClusterSample("cl_3_sub_1_sub_0", 1)])
    assert found["cl_3_sub_1_sub_0"].label == "cluster 3.1.0"


@given(st.integers(1, 40), st.integers(1, 8), st.integers(0, 1000))
def test_representatives_are_distinct_members_of_the_core(n, count, seed):
    vectors = np.random.default_rng(seed).normal(size=(n, 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    centroid = vectors.mean(axis=0) / np.linalg.norm(vectors.mean(axis=0))
    rows = representatives(vectors, centroid, count)
    assert len(rows) == len(set(rows)) == min(n, count)
    assert rows[0] == np.argmax(vectors @ centroid)
    core = max(min(count, n), -(-n // 2))
    assert set(rows) <= set(np.argsort(-(vectors @ centroid), kind="stable")[:core].tolist())


def test_representatives_are_spread():
    degrees = np.deg2rad([0, 1, 2, -20, 20, 80])
    vectors = np.stack([np.cos(degrees), np.sin(degrees)], axis=1).astype(np.float32)
    rows = representatives(vectors, np.array([1, 0], dtype=np.float32), 3)
    assert rows[0] == 0
    assert rows[1] in (2, 3, 4)
    assert len(rows) == 3
    assert 5 not in rows


def test_a_chain_of_small_steps_is_not_one_name():
    degrees = {"a": 0, "b": 30, "c": 60}
    names = {f"cl_{i}": ClusterName(label) for i, label in enumerate(degrees)}

    def embed(labels):
        angles = np.deg2rad([degrees[label] for label in labels])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)

    found, merged = merge_alike(names, {"cl_0": 3, "cl_1": 2, "cl_2": 1}, embed, 0.8)
    assert merged == {"cl_1": "cl_0"}
    assert [name.label for name in found.values()] == ["a", "a", "c"]


def test_hashed_vectors_know_endings_and_no_synonyms():
    one, same, other = hashed_vectors(["running shoes", "running shoe", "garden tools"])
    assert one @ same > 0.8 > one @ other


def test_declared_prices_give_the_cost_and_nothing_else_does():
    spent = Usage(calls=1, input_tokens=1000, output_tokens=100)
    prices = {"usd_per_million_input_tokens": 0.2, "usd_per_million_output_tokens": 4.0}
    assert spent.cost_usd(LLMLabeling.model_validate(prices)) == 0.0006
    assert spent.cost_usd(LLMLabeling.model_validate({"model_name": "gpt-4o"})) is None
