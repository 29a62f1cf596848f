"""Answers that are not as declared: a good label survives, and nothing is named from nothing."""

import json

import pytest
from support.chat_server import chat_server, entries, saying
from support.naming_samples import BY_KEYWORDS, BY_SERVER, SAMPLES, kept, labels, name_by

from autolabel_core.clusters.naming import ClusterName, ClusterSample, SampleDocument
from autolabel_core.clusters.naming.keyword_names import distinct_names
from autolabel_core.clusters.naming.prompt_media import shown
from autolabel_core.declarations.llm_naming import LLMLabeling


@pytest.fixture
def naming(tmp_path):
    return name_by(tmp_path)


def test_keys_that_nobody_asked_for_are_left_out(naming):
    with chat_server(entries(lambda names: [{**n, "more": 1} for n in names])) as server:
        found = naming(server)
    assert (len(server.requests), labels(found), found.problems) == (1, BY_SERVER, [])
    assert found.names["cl_0"].extra == {}


SEED_PROMPT = (
    "You are a creative strategist. Analyze these ad clusters. Return JSON array: "
    '[{"cluster_id": "cl_0", "label": "...", "keywords": [...]}]'
)


def test_an_answer_as_ones_own_prompt_asks_for_it_is_taken(naming, tmp_path):
    answer = [{"cluster_id": f"cl_{i}", "label": f"ad {i}", "keywords": ["a"]} for i in range(2)]
    with chat_server(saying(json.dumps(answer))) as server:
        found = naming(server, custom_prompt=SEED_PROMPT)
        again = naming(server, custom_prompt=SEED_PROMPT)
    assert (len(server.requests), found.problems) == (1, [])
    assert labels(found) == labels(again) == {"cl_0": "ad 0", "cl_1": "ad 1"}
    assert (found.names["cl_0"].summary, found.names["cl_0"].confidence) == ("", 0.5)
    assert len(kept(tmp_path)) == 2


HALF_RIGHT = {
    "keywords of another shape": {"keywords": "x"},
    "a confidence in words": {"confidence": "high"},
    "a choice that is none": {"tone": "purple"},
    "a key that is missing": {"tone": None},
}


@pytest.mark.parametrize("wrong", HALF_RIGHT.values(), ids=HALF_RIGHT)
def test_a_good_label_survives_whatever_else_is_wrong(naming, tmp_path, wrong):
    good = {"tone": "good", "reach": 3}

    def answer(names):
        return [{k: v for k, v in {**n, **good, **wrong}.items() if v is not None} for n in names]

    shape = {"tone": "good | bad", "reach": "integer"}
    with chat_server(entries(answer)) as server:
        found = naming(server, response_shape=shape)
    assert labels(found) == BY_SERVER
    assert found.names["cl_0"].source == "llm"
    assert found.names["cl_0"].extra == {k: v for k, v in good.items() if k not in wrong}
    assert len(server.requests) == 2, "the declared shape is asked for once more"
    assert len(found.problems) == 2 and kept(tmp_path) == []


def test_clusters_of_which_nothing_can_be_shown_are_neither_sent_nor_kept(naming, tmp_path):
    nothing = [ClusterSample("cl_2", 5, [SampleDocument({})]), ClusterSample("cl_3", 4)]
    literal = {"source_type": "literal", "override": "Category: shoes"}
    lacking = {"input_key": "text", "path": "headline"}
    with chat_server() as server:
        found = naming(server, [SAMPLES[0], *nothing])
        assert server.questions[0]["messages"][1]["content"].count("## cluster_id") == 1
        assert labels(found) == {"cl_0": "name of cl_0", "cl_2": "cluster 2", "cl_3": "cluster 3"}
        assert "cl_2, cl_3: nothing of their documents can be shown" in found.problems[0]
        mapped = naming(server, input_mappings=[lacking, literal])
        assert len(server.requests) == 1, "a literal alone is nothing of a document"
        assert labels(mapped) == BY_KEYWORDS
    assert len(kept(tmp_path)) == 1


def test_names_without_a_server_tell_clusters_apart():
    names = {f"cl_{i}": ClusterName("like 2", source="reference") for i in range(4)}
    sizes = {"cl_0": 10, "cl_1": 30, "cl_2": 20, "cl_3": 20}
    found = distinct_names(names, sizes)
    assert [name.label for name in found.values()] == [
        *("like 2 (cluster 0)", "like 2", "like 2 (cluster 2)", "like 2 (cluster 3)"),
    ]
    taken = distinct_names({"cl_9_sub_1": ClusterName("Like 2")}, {"cl_9_sub_1": 5}, ["like 2"])
    assert taken["cl_9_sub_1"].label == "Like 2 (cluster 9.1)"


def test_a_literal_is_never_cut_off():
    document = SampleDocument({"title": "x" * 500, "body": "y" * 500})
    literal = {"source_type": "literal", "override": "Category: marketing videos"}
    mapped = [{"path": "title"}, literal, {"path": "body"}]

    def see(**declared):
        settings = LLMLabeling.model_validate({"labeling_inputs": mapped, **declared})
        return shown(document, settings, str)

    cut = see(sample_text_max_length=20)
    assert cut.text == f"{'x' * 20}\nCategory: marketing videos\n{'y' * 20}"
    whole = see()
    assert whole.within(40).text == f"{'x' * 14}\nCategory: marketing videos"
    assert len(whole.within(10).text) == 10
