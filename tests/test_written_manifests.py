"""Written manifests: the field's exact keys are taken, keys that are nearly right are named."""

from __future__ import annotations

import types
from importlib import metadata

import numpy as np
import pytest

from autolabel_core.foundation.errors import AutolabelError, NotFoundError
from autolabel_core.models.extractors import embed_checked, load_extractor
from autolabel_core.models.plugin_manifest import read_manifest

EMBEDDING = {
    "feature_type": "embedding",
    "feature_name": "detection_embedding",
    "embedding_dim": 512,
    "distance_metric": "cosine",
}
DETECTIONS = {"feature_type": "json", "feature_name": "detections"}
WRITTEN = {
    "feature_extractor_name": "cars",
    "version": "1.0.0",
    "description": "Cars with boxes",
    "dependencies": ["ultralytics==8.2.0", "torch>=2.0"],
    "features": [DETECTIONS, EMBEDDING],
    "output_schema": {"detections": {"type": "array"}},
    "input_mappings": {"image": "image"},
    "tier": 1,
    "tier_label": "OBJECT_DETECTION",
    "compute_profile": {"resource_type": "gpu"},
}


def without(mapping, *keys):
    return {key: value for key, value in mapping.items() if key not in keys}


def feature(**changed):
    renamed = {changed.get(key, key): value for key, value in EMBEDDING.items()}
    return {**WRITTEN, "features": [renamed]}


WRONG = {
    "name for feature_name": (feature(feature_name="name"), "`name`. The key is `feature_name`"),
    "type for feature_type": (feature(feature_type="type"), "`type`. The key is `feature_type`"),
    "dimensions": (
        feature(embedding_dim="dimensions"),
        "features[0]: unknown key `dimensions`. The key is `embedding_dim`",
    ),
    "distance": (feature(distance_metric="distance"), "The key is `distance_metric`"),
    "nearly right": (feature(embedding_dim="embeding_dim"), 'Did you mean "embedding_dim"?'),
    "no dimension": (
        {**WRITTEN, "features": [without(EMBEDDING, "embedding_dim")]},
        "features[0] lacks `embedding_dim`",
    ),
    "dimension in a text": (
        {**WRITTEN, "features": [{**EMBEDDING, "embedding_dim": "512"}]},
        "`embedding_dim` is '512', expected a whole number from 1",
    ),
    "another metric": (
        {**WRITTEN, "features": [{**EMBEDDING, "distance_metric": "l2"}]},
        "`distance_metric` is 'l2', expected 'cosine'",
    ),
    "another type": (
        {**WRITTEN, "features": [{**DETECTIONS, "feature_type": "vector"}]},
        "expected one of embedding, json",
    ),
    "a feature that is a text": (
        {**WRITTEN, "features": ["detections"]},
        "features[0] is 'detections', expected a mapping",
    ),
    "no features": ({**WRITTEN, "features": []}, "lacks `features`"),
    "no version": (without(WRITTEN, "version"), "lacks `version`"),
    "name": (
        {**without(WRITTEN, "feature_extractor_name"), "name": "cars"},
        "`name`. The key is `feature_extractor_name`",
    ),
    "a version that is a number": (
        {**WRITTEN, "version": 1.0},
        "`version` is 1.0, expected a text",
    ),
}


@pytest.mark.parametrize("written, said", WRONG.values(), ids=WRONG)
def test_a_wrong_key_is_an_error_that_names_the_right_one(written, said):
    with pytest.raises(AutolabelError) as raised:
        read_manifest(written, "The manifest of the detector `cars`")
    assert str(raised.value).startswith("The manifest of the detector `cars`")
    assert said in str(raised.value)


def test_a_mapping_and_a_module_say_the_same():
    module = types.ModuleType("manifest")
    vars(module).update(WRITTEN, _private=1, np=np)
    assert read_manifest(module, "M") == read_manifest(WRITTEN, "M")
    assert [f.feature_name for f in read_manifest(WRITTEN, "M").features] == [
        "detections",
        "detection_embedding",
    ]


class Words:
    """An extractor of texts with a written manifest of its own version."""

    def __init__(self, version, dim=2):
        self.manifest = {
            "feature_extractor_name": "words",
            "version": version,
            "features": [{**EMBEDDING, "embedding_dim": dim}],
            "input_mappings": {"text": "body"},
        }

    def embed(self, batch):
        return np.eye(self.manifest["features"][0]["embedding_dim"], dtype=np.float32)[: len(batch)]


def installed(monkeypatch, **factories):
    class Point:
        value = attr = "factory"

        def __init__(self, name, factory):
            self.name, self.load = name, lambda: factory

    points = [Point(name, factory) for name, factory in factories.items()]
    monkeypatch.setattr(metadata, "entry_points", lambda group: points)


def test_an_extractor_may_write_its_manifest_down(monkeypatch):
    installed(monkeypatch, words=lambda version, model: Words(version))
    found = load_extractor("words", "1.0.0", None, {})
    assert found.manifest.feature_uri == "autolabel://words@1.0.0/detection_embedding"
    assert (found.manifest.input, found.manifest.embedding_dim) == ("text", 2)
    assert found.min_side_px is None
    assert embed_checked(found, ["a", "b"]).tolist() == [[1, 0], [0, 1]]


def test_two_versions_stand_side_by_side(monkeypatch):
    installed(
        monkeypatch,
        words=lambda version, model: Words("1.0.0"),
        words_2_0_0=lambda version, model: Words("2.0.0", dim=3),
    )
    old, new = (load_extractor("words", version, None, {}) for version in ("1.0.0", "2.0.0"))
    assert old.manifest.feature_uri == "autolabel://words@1.0.0/detection_embedding"
    assert new.manifest.feature_uri == "autolabel://words@2.0.0/detection_embedding"
    assert (old.manifest.embedding_dim, new.manifest.embedding_dim) == (2, 3)
    with pytest.raises(AutolabelError, match=r"`version` is '1.0.0', expected '3.0.0'"):
        load_extractor("words", "3.0.0", None, {})


def test_a_version_that_nobody_brings_is_not_found(monkeypatch):
    installed(monkeypatch, words_1_0_0=lambda version, model: Words("1.0.0"))
    with pytest.raises(NotFoundError, match="Installed: words_1_0_0"):
        load_extractor("words", "2.0.0", None, {})
