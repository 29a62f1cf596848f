"""Words find pictures where the extractor puts both into one space."""

import json

import pytest
from conftest import sweep_quietly
from PIL import Image

from autolabel_core.documents.search import find_like, retrieve
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.models.extractors import embed_texts_checked, load_extractor

NAME = "pictures"
RETRIEVER = {
    "retriever_name": "by_words",
    "stages": [
        {
            "stage_id": "feature_search",
            "parameters": {"searches": [{"query": "{{INPUT.query}}", "top_k": 2}]},
        }
    ],
}
PICTURES = {
    **{"r.png": (200, 10, 10), "g.png": (10, 200, 10), "b.png": (10, 10, 200)},
    "y.png": (200, 200, 10),
}


def declared(extractor="colour_name_extractor"):
    return {
        "feature_extractor": {"feature_extractor_name": extractor},
        "retrievers": [RETRIEVER],
    }


@pytest.fixture
def pictures(workspace, home):
    def make(extractor="colour_name_extractor"):
        sweep_quietly(workspace({NAME: declared(extractor)}, {NAME: PICTURES}), NAME)
        return home.workspace.open(NAME)

    return make


def keys(found):
    return [record["key"] for record in found]


def test_a_retriever_is_asked_with_words(pictures):
    collection = pictures()
    (retriever,) = collection.declaration.retrievers
    found = retrieve(collection, retriever, {"query": "a red car"})
    assert keys(found) == ["r.png", "y.png"]
    assert found[0]["score"] > 0.99


def test_documents_are_listed_by_likeness_to_words_a_key_or_a_file(pictures, home, run, tmp_path):
    pictures()
    Image.new("RGB", (8, 8), (0, 0, 255)).save(tmp_path / "asked.png")
    for query, nearest in (
        ("blue", "b.png"),
        ("g.png", "g.png"),
        (tmp_path / "asked.png", "b.png"),
    ):
        status, out, _ = run("documents", NAME, "--like", str(query), "--limit", "1", "--json")
        assert status == 0
        (found,) = json.loads(out)
        assert (found["key"], found["score"] > 0.99) == (nearest, True)


def test_filters_narrow_what_is_compared(pictures, run):
    pictures()
    status, out, _ = run(
        "documents", NAME, "--like", "red", "--filter", "key:ne:r.png", "--limit", "1"
    )
    assert status == 0
    assert "y.png" in out and "r.png" not in out


def test_words_and_sorting_are_not_asked_for_together(pictures, run):
    pictures()
    status, _, err = run("documents", NAME, "--like", "red", "--sort", "key")
    assert status != 0
    assert "leave --sort out" in err


def test_a_slip_in_a_files_name_is_no_description(pictures):
    with pytest.raises(AutolabelError, match="reads like a file's name"):
        find_like(pictures(), "rde.png")


def test_an_extractor_of_images_alone_refuses_words(pictures):
    collection = pictures("colour_extractor")
    with pytest.raises(AutolabelError, match="neither a document's key in `pictures` nor a file"):
        find_like(collection, "red")
    with pytest.raises(AutolabelError, match="Declare `feature_extractor_name: multimodal_extra"):
        embed_texts_checked(collection.extractor, ["red"])


def test_a_multimodal_extractor_without_a_model_says_how_to_name_one(home):
    with pytest.raises(AutolabelError, match="needs weights that know pictures and words"):
        load_extractor("multimodal_extractor", "v1", None, {})
    with pytest.raises(AutolabelError, match="does not know the model `descriptor`"):
        load_extractor("multimodal_extractor", "v1", "descriptor", {})
    with pytest.raises(AutolabelError, match="there is no file"):
        load_extractor("multimodal_extractor", "v1", "open_clip:ViT-B-32//none/w.pt", {})
