"""Labels proposed by their names alone: before people, never among auto-labels, then replaced."""

import json

import numpy as np
import pytest
from conftest import sweep_quietly
from PIL import Image
from support.angle_samples import label
from support.grouped_angles import ask, definition, names, refresh

from autolabel_core.documents.classifier import classify
from autolabel_core.documents.documents import Documents
from autolabel_core.documents.explain import explain
from autolabel_core.exports.export_collection import export_collection
from autolabel_core.foundation.errors import DeclarationError
from autolabel_core.matching.zero_shot import name_vectors, nearest_names
from autolabel_core.operations.status import collection_status
from autolabel_core.tables.suggestions import Suggestions

NAME = "angles"
PICTURES = {
    **{"r.png": (200, 10, 10), "g.png": (10, 200, 10), "b.png": (10, 10, 200)},
    "y.png": (200, 200, 10),
}
COLOURS = ["red", "green", "blue", "yellow"]


def declared(**taxonomy):
    return {
        "feature_extractor": {"feature_extractor_name": "colour_name_extractor"},
        "taxonomy": {
            **{"field_to_enrich": "colour", "confidence_threshold": 0.95},
            **{"vocabulary": COLOURS, "zero_shot": {"prompts": ["a {} thing", "{}"]}},
            **taxonomy,
        },
    }


@pytest.fixture
def swept(workspace, home):
    def make(objects=PICTURES, **taxonomy):
        sweep_quietly(workspace({NAME: declared(**taxonomy)}, {NAME: objects}), NAME)
        return home.workspace.open(NAME)

    return make


def labels(collection):
    records = Documents(collection).find()
    return {r["key"]: (r["label"], r["label_source"]) for r in records}


def test_names_label_before_anybody_has(swept):
    collection = swept()
    assert labels(collection) == {
        key: (name, "suggested")
        for key, name in zip(PICTURES, ["red", "green", "blue", "yellow"], strict=True)
    }
    record = Documents(collection).find()[0]
    assert record["suggestion_score"] > 0.99
    match = record["taxonomy_match"]
    assert (match["matched"], match["confidence"]) == (False, None)


def test_a_proposal_counts_as_no_label(swept, run, tmp_path):
    collection = swept()
    state = collection_status(collection)
    counted = {name: state[name] for name in ("human", "auto", "suggested", "review_queue")}
    assert counted == {"human": 0, "auto": 0, "suggested": 4, "review_queue": 4}
    assert (state["coverage"], state["distribution"], state["references"]) == (0.0, {}, {})
    assert "4 suggested by name" in run("status", NAME)[1]
    report = export_collection(collection, "csv", tmp_path / "all")
    assert report.per_source == {"unlabelled": 4}
    asked = export_collection(collection, "csv", tmp_path / "asked", ("suggested",))
    assert asked.per_source == {"suggested": 4}


def test_a_person_and_then_a_reference_replace_it(swept, home):
    collection = swept({**PICTURES, "r2.png": (180, 30, 20)})
    label(collection.workspace, {"r.png": "crimson"})
    sweep_quietly(home.workspace, NAME)
    found = labels(home.workspace.open(NAME))
    assert found["r.png"] == ("crimson", "human")
    assert found["r2.png"] == ("crimson", "auto")
    assert found["b.png"] == ("blue", "suggested")


def test_a_withdrawal_brings_the_proposal_back(swept, home):
    collection = swept()
    for given in ("crimson", None):
        label(collection.workspace, {"r.png": given})
    sweep_quietly(home.workspace, NAME)
    assert labels(home.workspace.open(NAME))["r.png"][1] in ("suggested", None)


def test_what_lies_far_from_every_name_is_not_proposed(swept):
    far = swept(vocabulary=["red", "green"], zero_shot={"confidence_threshold": 0.9})
    assert labels(far)["b.png"] == (None, None)
    assert labels(far)["r.png"] == ("red", "suggested")


def test_explain_says_that_only_the_name_speaks_for_it(swept, run):
    collection = swept()
    assert explain(collection, "r.png")["decision"]["outcome"] == "suggested_by_name"
    assert "proposed by the label's name alone (cosine 0.9" in run("explain", NAME, "r.png")[1]


def test_proposals_can_be_filtered_and_sorted_by_score(swept, run):
    swept()
    arguments = ("--filter", "label_source:eq:suggested", "--sort", "-suggestion_score", "--json")
    found = json.loads(run("documents", NAME, *arguments)[1])
    scores = [record["suggestion_score"] for record in found]
    assert len(scores) == 4
    assert scores == sorted(scores, reverse=True)


def test_another_vocabulary_proposes_anew_and_a_rerun_writes_the_same_bytes(swept, home):
    table = Suggestions(swept())
    (batch,) = table.batches
    before = table.path(batch).read_bytes()
    table.path(batch).unlink()
    assert table.refresh(batch)
    assert table.path(batch).read_bytes() == before
    swept(vocabulary=["red", "green", "azure blue"])
    assert labels(home.workspace.open(NAME))["b.png"] == ("azure blue", "suggested")


def test_an_extractor_without_words_is_an_error_with_a_cure(workspace, home):
    declaration = declared()
    declaration["feature_extractor"]["feature_extractor_name"] = "colour_extractor"
    with pytest.raises(ValueError, match="Declare `feature_extractor_name: multimodal_extractor`"):
        sweep_quietly(workspace({NAME: declaration}, {NAME: PICTURES}), NAME)


@pytest.mark.parametrize(
    ("taxonomy", "problem"),
    [
        ({"vocabulary": []}, "is needed by zero_shot"),
        ({"vocabulary": ["red", "Red"]}, "stands there twice"),
        ({"vocabulary": ["red", "null"]}, "null"),
        ({"zero_shot": {"prompts": ["a photo"]}}, "0 places for the name"),
        ({"zero_shot": {"prompts": []}}, "prompts"),
        ({"zero_shot": {"promts": ["a {}"]}}, "promts"),
    ],
)
def test_wrong_declarations_name_the_key_and_the_cure(workspace, taxonomy, problem):
    with pytest.raises(DeclarationError, match=problem):
        workspace({NAME: declared(**taxonomy)}).open(NAME)


def test_the_nearest_name_is_that_of_a_plain_loop():
    rng = np.random.default_rng(0)
    rows, names = rng.normal(size=(50, 7)), rng.normal(size=(4, 7))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    names /= np.linalg.norm(names, axis=1, keepdims=True)
    found = nearest_names(rows.astype(np.float32), names.astype(np.float32))
    for i, row in enumerate(rows):
        cosines = [float(row @ name) for name in names]
        assert found.position[i] == cosines.index(max(cosines))
        assert found.score[i] == pytest.approx(max(cosines), abs=1e-5)


def test_a_name_is_put_into_every_prompt_and_a_path_gives_its_last_part():
    asked = []

    def embed(texts):
        asked.extend(texts)
        return np.eye(4, dtype=np.float32)[: len(texts)]

    vectors = name_vectors(["Shoes > Boot", "Hat"], ["a {}", "the {}"], embed)
    assert asked == ["a Boot", "the Boot", "a Hat", "the Hat"]
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, rtol=1e-6)


def test_clusters_of_pictures_are_named_by_the_nearest_word(workspace, home):
    pictures = {f"r{i}.png": (200 + i, 10, 10) for i in range(7)}
    pictures |= {f"b{i}.png": (10, 10, 200 + i) for i in range(7)}
    declaration = {**declared(zero_shot=None), "clusters": [definition()]}
    sweep_quietly(workspace({NAME: declaration}, {NAME: pictures}), NAME)
    ask(home.workspace)
    refresh(home.workspace)
    assert set(names(home.workspace).values()) == {"red", "blue"}


def test_classify_proposes_by_name_where_no_reference_decides(swept, tmp_path):
    collection = swept()
    Image.new("RGB", (8, 8), (0, 0, 250)).save(tmp_path / "new.png")
    (found,) = classify(collection, [tmp_path / "new.png"])
    assert (found["label"], found["suggested_label"]) == (None, "blue")
