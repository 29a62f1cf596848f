"""Both towers of open_clip, by a model that is trained here and loaded by the real code."""

import numpy as np
import pytest
from support.shape_clip import NAMES, drawn, train_shape_clip

from autolabel_core.models.extractors import embed_checked, embed_texts_checked, load_extractor

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return train_shape_clip(tmp_path_factory.mktemp("shapes"))


@pytest.fixture(scope="module")
def extractor(model):
    return load_extractor("multimodal_extractor", "v1", model, {"device": "cpu"})


def test_words_are_nearest_to_the_pictures_that_they_describe(extractor):
    pictures = [drawn(name, 10_000 + seed) for name in NAMES for seed in range(8)]
    found = embed_checked(extractor, pictures)
    words = embed_texts_checked(extractor, [f"a photo of a {name}" for name in NAMES])
    right = (found @ words.T).argmax(axis=1) == np.repeat(np.arange(len(NAMES)), 8)
    assert right.mean() >= 0.9


def test_the_manifest_names_the_shared_space(extractor):
    manifest = extractor.manifest
    assert (manifest.input, manifest.embeds_texts, manifest.embedding_dim) == ("image", True, 32)
    assert manifest.answers_to("mixpeek://multimodal_extractor@v1/multimodal_embedding")


def test_nothing_of_a_long_text_is_cut_off(extractor):
    beginning = "a photo of a red circle " * 10
    vectors = embed_texts_checked(extractor, [beginning, f"{beginning} and a blue square" * 2])
    assert vectors[0] @ vectors[1] < 0.999
    assert embed_texts_checked(extractor, []).shape == (0, 32)


def test_a_text_has_one_vector_whatever_it_is_embedded_with(extractor):
    together = embed_texts_checked(extractor, [f"one {name}" for name in NAMES])
    alone = np.concatenate([embed_texts_checked(extractor, [f"one {name}"]) for name in NAMES])
    np.testing.assert_allclose(together, alone, atol=1e-5)
