"""Several feature spaces of one document, joined: swept, grouped, read and assigned."""

from __future__ import annotations

import io

import numpy as np
import pytest
from conftest import sweep_quietly
from PIL import Image
from support.grouped_angles import ask, clusters_by_key, definition, one_defined, refresh

from autolabel_core.clusters.member_contents import members_of
from autolabel_core.models.extractors import embed_checked, load_extractor

NAME = "stripes"
SPACES = ("colour_extractor", "image_extractor")
RED, GREEN = (220, 20, 20), (20, 220, 20)


def striped(colour, axis, shift):
    """A picture of stripes two pixels wide, along one axis."""
    bright = (np.indices((32, 32))[axis] + shift) // 2 % 2
    pixels = np.where(bright[..., None], colour, (90, 90, 90))
    buffer = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


PICTURES = {
    f"{name}{axis}{shift}.png": striped(colour, axis, shift)
    for name, colour in (("red", RED), ("green", GREEN))
    for axis in (0, 1)
    for shift in range(6)
}


def manifests():
    return [load_extractor(name, "v1", None, {}) for name in SPACES]


def joined(pictures):
    """The naive vectors: each space alone, side by side, each of half the weight."""
    images = [Image.open(io.BytesIO(data)).convert("RGB") for data in pictures.values()]
    return np.hstack([embed_checked(e, images) for e in manifests()]) / np.sqrt(2)


def sweep_both(home):
    """Vectors of a space are made while its extractor is declared."""
    spaces = [extractor.manifest.feature_uri for extractor in manifests()]
    for name in SPACES:
        clusters = [definition(feature_uris=spaces, assignment_threshold=0.5)]
        extractor = {"feature_extractor_name": name}
        home.declare(NAME, {"feature_extractor": extractor, "clusters": clusters})
        sweep_quietly(home.workspace, NAME)
    return home.workspace


@pytest.fixture
def grouped(home):
    home.put(NAME, PICTURES)
    ws = sweep_both(home)
    ask(ws, collection=NAME)
    sweep_quietly(ws, NAME)
    return ws


def test_centroids_and_members_are_those_of_the_joined_vectors(grouped):
    found = clusters_by_key(grouped, collection=NAME)
    kinds = {key[:-5] for key in PICTURES}
    assert len(kinds) == len(set(found.values())) == 4 and "-1" not in found.values()
    run, vectors = one_defined(grouped, NAME).last, joined(PICTURES)
    assert run.centroids.shape == (4, vectors.shape[1])
    cosines = {
        row["document_id"]: row["cosine_similarity_to_centroid"] for row in run.members.to_pylist()
    }
    for cluster, place in run.place.items():
        own = [i for i, key in enumerate(PICTURES) if found[key] == cluster]
        mean = vectors[own].mean(axis=0)
        centroid = mean / np.linalg.norm(mean)
        np.testing.assert_allclose(run.centroids[place], centroid, atol=1e-6)
    members = {member.key: member for member in members_of(run.members.to_pylist())}
    for i, key in enumerate(PICTURES):
        expected = vectors[i] @ run.centroids[run.place[found[key]]]
        assert cosines[members[key].document_id] == pytest.approx(expected, abs=1e-5)


def test_later_ones_are_assigned_once_they_have_all_vectors(grouped, home):
    late = {"late.png": striped((200, 30, 30), 1, 1), "other.png": striped((20, 20, 220), 0, 0)}
    home.put(NAME, late)
    sweep_quietly(home.workspace, NAME)
    assert set(clusters_by_key(home.workspace, collection=NAME).values()) >= {None}
    ws = sweep_both(home)
    found, run = clusters_by_key(ws, collection=NAME), one_defined(ws, NAME).last
    for key, vector in zip(late, joined(late), strict=True):
        cosines = run.centroids @ vector
        expected = run.clusters[int(cosines.argmax())]["cluster_id"]
        assert found[key] == (expected if cosines.max() >= 0.5 else "-1"), key
    assert found["late.png"] == found["red10.png"]
    assert not refresh(ws, NAME)
