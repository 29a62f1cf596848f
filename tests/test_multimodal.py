"""Both towers of open_clip, by a model that is trained here and loaded by the real code."""

import io

import numpy as np
import pytest
from conftest import sweep_quietly
from support.shape_clip import NAMES, drawn, train_shape_clip

from autolabel_core.documents.documents import Documents
from autolabel_core.documents.search import find_like
from autolabel_core.labelling.give_labels import GivenLabel, give_labels
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


def png(picture):
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def test_pictures_take_labels_by_name_and_then_by_references(workspace, home, model):
    drawings = {f"{n} {s}.png": png(drawn(n, 20_000 + s)) for n in NAMES for s in range(4)}
    declared = {
        "feature_extractor": {
            **{"feature_extractor_name": "multimodal_extractor", "model": model},
            "parameters": {"device": "cpu"},
        },
        "taxonomy": {
            **{"field_to_enrich": "shape", "vocabulary": NAMES, "confidence_threshold": 0.9},
            "zero_shot": {"prompts": ["a photo of a {}", "a drawing of a {}"]},
        },
    }
    sweep_quietly(workspace({"shapes": declared}, {"shapes": drawings}), "shapes")
    opened = home.workspace.open("shapes")
    records = Documents(opened).find()
    assert {r["label_source"] for r in records} == {"suggested"}
    right = [r["label"] == r["key"].rpartition(" ")[0] for r in records]
    assert sum(right) / len(right) >= 0.9
    found = find_like(opened, "a photo of a blue triangle", limit=4)
    assert sum(r["key"].startswith("blue triangle") for r in found) >= 3
    give_labels(opened, [GivenLabel(f"{name} 0.png", name) for name in NAMES], "Ada", "cli", None)
    sweep_quietly(home.workspace, "shapes")
    after = Documents(home.workspace.open("shapes")).find()
    assert {r["label_source"] for r in after} <= {"human", "auto", "suggested"}
    decided = [r for r in after if r["label_source"] == "auto"]
    assert len(decided) >= 18
    assert all(r["source_document_id"] for r in (d["taxonomy_match"] for d in decided))
