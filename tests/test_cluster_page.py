"""The page of the interactive map, without a browser: what it holds, and what it cannot hold."""

import base64
import hashlib
import html
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from autolabel_core.clusters.map import MapCluster, MapPoints, Thumbnails, cluster_map_html
from autolabel_core.clusters.map.page import unit_places
from autolabel_core.clusters.map.thumbnails import thumbnail


def jpeg(size=(20, 10)):
    buffer = io.BytesIO()
    Image.new("RGB", size, "teal").save(buffer, "JPEG")
    return buffer.getvalue()


def points(components=2):
    """Sixty documents at three places: cluster 0, cluster 1, noise, in turn."""
    rows = np.arange(60)
    centres = np.array([[0.0, 0.0], [9.0, 1.0], [4.0, 7.0]])
    angles = rows * 2.4
    spread = 0.08 * rows[:, None] ** 0.5 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    places = centres[rows % 3] + spread
    if components == 3:
        places = np.c_[places, rows]
    assigned = np.array([0, 1, -1])[rows % 3].astype(np.int32)
    keys = [f"key-{row:03d}" for row in rows]
    texts = [f"text of {row}" for row in rows]
    return MapPoints(places.astype(np.float32), assigned, keys, texts, np.full(60, 0.9, np.float32))


def page(thumbnails=None, components=2):
    clusters = [MapCluster(f"cl_{i}", f"cluster {i}", "All alike.") for i in range(2)]
    thumbnails = thumbnails or Thumbnails([jpeg()] * 60)
    return cluster_map_html(points(components), clusters, "things: kinds", thumbnails)


def data_of(text):
    return json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])


def floats(text, kind="<f4"):
    return np.frombuffer(base64.b64decode(text), kind)


def test_the_page_holds_the_documents():
    data = data_of(page(components=3))
    assert data["keys"][7] == "key-007"
    assert floats(data["assigned"], "<i4")[:3].tolist() == [0, 1, -1]
    places = floats(data["places"]).reshape(60, 2)
    assert places.min() == -1
    assert places.max() == 1
    scales = floats(data["scales"])
    assert (scales[0], scales[-1]) == (0.5, 2.0)
    assert [cluster["size"] for cluster in data["clusters"]] == [20, 20]
    assert data["thumbnails"][0].startswith("data:image/jpeg;base64,")


def test_a_folder_holds_the_thumbnails_of_many():
    data = data_of(page(Thumbnails([jpeg(), None] * 30, "map_files")))
    assert (data["folder"], data["has_thumbnail"]) == ("map_files", "10" * 30)
    assert "thumbnails" not in data


def test_the_same_input_is_the_same_page():
    assert page() == page()


def test_scripts_and_styles_are_those_that_the_policy_names():
    text = page()
    policy = html.unescape(re.search(r'Security-Policy" content="([^"]*)"', text)[1])
    assert policy.startswith("default-src 'none'")
    for tag in ("script", "style"):
        (own,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(own.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_nothing_is_fetched():
    assert not re.findall(r"(?:https?:)?//[a-z]+\.[a-z]", page())


@pytest.mark.parametrize(
    "evil", ["</script><script>x()</script>", "<!--<script>", "\u2028&amp;{{script}}", "\udc80"]
)
def test_no_text_ends_the_data(evil):
    made = points()
    odd = MapPoints(made.coordinates, made.assigned, [evil] * 60, [evil] * 60)
    text = cluster_map_html(odd, [MapCluster(evil, evil, evil)] * 2, evil.replace("\udc80", ""))
    text.encode("utf-8")
    assert text.count("<script") == 2
    expected = evil.encode("utf-8", "replace").decode()
    assert data_of(text)["keys"] == [expected] * 60


def test_long_texts_are_cut():
    made = points()
    long = MapPoints(made.coordinates, made.assigned, made.keys, ["many words " * 999] * 60)
    (text,) = set(data_of(cluster_map_html(long, [MapCluster("cl_0", "a")] * 2, "t"))["texts"])
    assert len(text) <= 240
    assert text.endswith("…")


@pytest.mark.parametrize("n", [0, 1, 60])
def test_few_documents_and_places_that_are_none(n):
    made = points()
    places = np.full((n, 2), np.nan, dtype=np.float32)
    odd = MapPoints(places, made.assigned[:n], made.keys[:n], made.texts[:n])
    data = data_of(cluster_map_html(odd, [MapCluster("cl_0", "a")] * 2, "t"))
    assert floats(data["places"]).tolist() == [0.0] * (2 * n)


def test_both_axes_have_one_scale():
    found = unit_places(np.array([[0, 0], [10, 5]], dtype=np.float32))
    assert np.allclose(found, [[-1, -0.5], [1, 0.5]])


@pytest.mark.parametrize(("size", "small"), [((400, 200), (160, 80)), ((28, 28), (140, 140))])
def test_thumbnails_are_small_and_sharp(size, small):
    found = Image.open(io.BytesIO(thumbnail(jpeg(size))))
    assert (found.format, found.size) == ("JPEG", small)


def test_what_is_no_image_has_no_thumbnail():
    assert thumbnail(b"no image") is None
