import numpy as np
import pytest
from conftest import sweep_quietly
from PIL import Image
from support.angle_samples import NAME, declaration, label

from autolabel_core.documents.classifier import classify
from autolabel_core.documents.documents import Documents
from autolabel_core.documents.search import retrieve
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.operations.registration import register
from autolabel_core.tables.embeddings import Embeddings


def searching(**search):
    return {"retriever_name": "near", "stages": [_search_stage(**search)]}


def _search_stage(filters=None, **search):
    search = {"query": "{{INPUT.query}}", "top_k": 3, **search}
    parameters = {"searches": [search], **({"filters": filters} if filters else {})}
    return {"stage_id": "feature_search", "parameters": parameters}


def run(workspace, query="k0", limit=None):
    collection = workspace.open(NAME)
    retriever = collection.declaration.retrievers[0]
    return retrieve(collection, retriever, {"query": query}, limit)


def cosine(degrees):
    return pytest.approx(np.cos(np.radians(degrees)), abs=1e-6)


OBJECTS = {f"k{i}": 20 * i for i in range(9)}


def test_a_search_ranks_by_cosine_from_a_stored_document(angles):
    found = run(angles(OBJECTS, retrievers=[searching()]), "k4")
    assert found[0]["key"] == "k4"
    assert {r["key"] for r in found[1:]} == {"k3", "k5"}
    assert [r["score"] for r in found] == [cosine(0), cosine(20), cosine(20)]


def test_a_search_from_a_file_and_from_a_text(angles, tmp_path):
    ws = angles(OBJECTS, retrievers=[searching()])
    file = tmp_path / "query.txt"
    file.write_text("41")
    assert [r["key"] for r in run(ws, str(file))] == ["k2", "k3", "k1"]
    assert run(ws, "41") == run(ws, str(file))


def test_a_long_text_is_a_query_and_no_path(angles):
    ws = angles(OBJECTS, retrievers=[searching()])
    assert run(ws, " " * 3000 + "41") == run(ws, "41")


PICTURES = """\
feature_extractor: {model: descriptor}
retrievers:
  - retriever_name: near
    stages:
      - {stage_id: feature_search, parameters: {searches: [{query: "{{INPUT.query}}", top_k: 3}]}}
"""


def test_a_key_whose_picture_has_no_vector_is_told_why(home):
    home.declare(NAME, PICTURES)
    folder = home.paths.buckets / NAME
    folder.mkdir(parents=True)
    Image.new("RGB", (40, 40), "red").save(folder / "red.png")
    (folder / "broken.png").write_bytes(b"hello")
    sweep_quietly(home.workspace, NAME)
    assert [r["key"] for r in run(home.workspace, "red.png")] == ["red.png"]
    with pytest.raises(AutolabelError, match="has no vector: not an image"):
        run(home.workspace, "broken.png")
    Image.new("RGB", (40, 40), "blue").save(folder / "blue.png")
    register(home.workspace.open(NAME))
    with pytest.raises(AutolabelError, match=r"no vector yet. Make it: `autolabel sweep"):
        run(home.workspace, "blue.png")
    with pytest.raises(AutolabelError, match="neither a document's key"):
        run(home.workspace, "green.png")


def test_a_document_that_is_not_embedded_yet_is_a_text_like_any_other(angles, home):
    ws = angles(OBJECTS, retrievers=[searching()])
    home.put(NAME, {"40": "not embedded"})
    register(ws.open(NAME))
    assert run(ws, "40")[0]["key"] == "k2"


def test_min_score_top_k_limit_and_filters(angles):
    filters = {"field": "side", "operator": "exists", "value": True}
    stage = searching(top_k=4, min_score=0.9, filters=filters)
    ws = angles(OBJECTS, {"k0": "left", "k5": "up"}, retrievers=[stage])
    assert [r["key"] for r in run(ws, "k0")] == ["k0", "k1"]
    assert [r["key"] for r in run(ws, "k0", limit=1)] == ["k0"]
    assert run(ws, "k8") == []


def test_an_attribute_filter_alone_is_a_retriever(angles):
    stage = {
        "stage_id": "attribute_filter",
        "parameters": {"field": "side", "operator": "eq", "value": "{{INPUT.side}}"},
    }
    ws = angles(OBJECTS, {"k0": "left"}, retrievers=[{"retriever_name": "r", "stages": [stage]}])
    collection = ws.open(NAME)
    assert collection.declaration.retrievers[0].inputs == ("side",)
    found = retrieve(collection, collection.declaration.retrievers[0], {"side": "left"})
    assert [r["key"] for r in found] == ["k0", "k1"]
    assert "score" not in found[0]


def keys(value, operator="in"):
    return {
        "stage_id": "attribute_filter",
        "parameters": {"field": "key", "operator": operator, "value": value},
    }


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        ([keys(["k0", "k8"]), _search_stage(top_k=2)], ["k0", "k8"]),
        ([_search_stage(top_k=2), keys(["k0", "k8"])], ["k0"]),
        ([keys("k0", "ne"), _search_stage(top_k=2), keys("k1", "ne")], ["k2"]),
    ],
)
def test_stages_count_in_their_order(angles, stages, expected):
    """A filter after the search narrows what was found, one before it what is searched."""
    ws = angles(OBJECTS, retrievers=[{"retriever_name": "near", "stages": stages}])
    assert [r["key"] for r in run(ws)] == expected


@pytest.mark.parametrize("search", [True, False])
def test_a_taxonomys_retriever_run_by_hand_gives_references_alone(angles, search):
    stages = [keys("b", "ne"), *([_search_stage(top_k=9)] if search else [])]
    retriever = {"retriever_name": "near", "stages": stages}
    declared = declaration(retriever="near") | {"retrievers": [retriever]}
    ws = angles({"a": 0, "b": 1, "c": 2, "d": 90}, {"a": "left", "b": "left", "d": "up"}, declared)
    stored = {r["key"]: r["label_source"] for r in Documents(ws.open(NAME)).find()}
    assert stored["c"] == "auto"
    inputs = {"query": "c"} if search else {}
    found = retrieve(ws.open(NAME), ws.collection(NAME).retrievers[0], inputs)
    assert [r["key"] for r in found] == ["a", "d"]


def test_inputs_that_nothing_asks_for_are_refused(angles):
    ws = angles(OBJECTS, retrievers=[searching()])
    collection = ws.open(NAME)
    with pytest.raises(AutolabelError, match=r"no input 'qury'.*Did you mean.*query"):
        retrieve(collection, collection.declaration.retrievers[0], {"query": "k0", "qury": "k1"})


def test_two_feature_spaces_are_never_compared(angles):
    ws = angles(OBJECTS, retrievers=[searching(feature_uri="autolabel://other@v1/thing")])
    with pytest.raises(AutolabelError, match=r"other@v1/thing.*angle_extractor@v1/angle"):
        run(ws)


def test_an_image_query_that_is_no_file_says_so(workspace, bring_up_to_date):
    colours = declaration()
    colours["feature_extractor"]["feature_extractor_name"] = "colour_extractor"
    colours["retrievers"] = [searching()]
    ws = workspace({NAME: colours}, {NAME: {"r.png": (200, 0, 0), "broken.png": b"no image"}})
    bring_up_to_date(ws, NAME)
    assert [r["key"] for r in run(ws, "r.png")] == ["r.png"]
    with pytest.raises(AutolabelError, match=r"neither a document's key.*nor a file"):
        run(ws, "missing.png")


def files_of(tmp_path, contents):
    for name, text in contents.items():
        (tmp_path / name).write_text(text)
    return [tmp_path / name for name in contents]


def test_classify_decides_as_an_upload_would(angles, home, bring_up_to_date, tmp_path):
    asked = {"near": "3", "far": "45", "up": "91"}
    ws = angles({"a": 0, "b": 90}, {"a": "left", "b": "up"})
    label(ws, {"a": "left"}, room="hall")
    bring_up_to_date(ws, NAME)
    found = classify(ws.open(NAME), files_of(tmp_path, asked))
    home.put(NAME, asked)
    bring_up_to_date(ws, NAME)
    stored = {r["key"]: r for r in Documents(ws.open(NAME)).find()}
    for record, key in zip(found, asked, strict=True):
        for name in ("label", "suggested_label"):
            assert record[name] == stored[key][name]
        assert record.get("room") == stored[key]["room"]
        match, expected = record["taxonomy_match"], stored[key]["taxonomy_match"]
        for name in ("confidence", "similarity", "margin"):
            assert match.pop(name) == pytest.approx(expected.pop(name), abs=1e-6)
        assert match == expected


def test_classify_names_what_it_cannot_read(angles, tmp_path):
    ws = angles({"a": 0}, {"a": "left"})
    files = [*files_of(tmp_path, {"empty": "", "good": "1"}), tmp_path / "missing", tmp_path]
    found = classify(ws.open(NAME), files)
    assert [bool(record["reason"]) for record in found] == [True, False, True, True]
    assert found[1]["label"] == "left"


def test_classify_without_references_knows_nothing(angles, tmp_path):
    ws = angles({"a": 0})
    found = classify(ws.open(NAME), files_of(tmp_path, {"q": "0"}))
    assert (found[0]["label"], found[0]["taxonomy_match"]["confidence"]) == (None, None)


def test_classify_needs_a_taxonomy_and_one_feature_space(angles, home, workspace, tmp_path):
    ws = angles({"a": 0, "b": 1}, {"a": "left"}, batch_size=1)
    files = files_of(tmp_path, {"q": "0"})
    declared = declaration()
    declared["feature_extractor"]["version"] = "v2"
    ws = workspace({NAME: {**declared, "batch_size": 1}})
    Embeddings(ws.open(NAME)).refresh("batch_000001")
    with pytest.raises(AutolabelError, match=r"@v1/angle.*@v2/angle"):
        classify(ws.open(NAME), files)
    del declared["taxonomy"]
    ws = workspace({NAME: declared})
    with pytest.raises(AutolabelError, match="no `taxonomy`"):
        classify(ws.open(NAME), files)
