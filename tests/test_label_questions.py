"""A vision-language model on a server chooses from the vocabulary: checked, cached, counted."""

import json

import pytest
from conftest import sweep_quietly
from support.angle_samples import label
from support.chat_server import chat_server, completion, failing, saying

from autolabel_core.documents.documents import Documents
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.models.language_models.label_question import parse_label
from autolabel_core.tables.suggestions import Suggestions

NAME = "angles"
PICTURES = {"r.png": (200, 10, 10), "g.png": (10, 200, 10)}
COLOURS = ["red", "green"]


def declared(server, **settings):
    model = {"provider": "own", "model_name": "tiny", "base_url": server.url, "retries": 0}
    prices = {"usd_per_million_input_tokens": 1.0, "usd_per_million_output_tokens": 10.0}
    return {
        "feature_extractor": {"feature_extractor_name": "colour_extractor"},
        "taxonomy": {
            **{"field_to_enrich": "colour", "vocabulary": COLOURS, "confidence_threshold": 0.95},
            "zero_shot": {"vision_language_model": {**model, **prices, **settings}},
        },
    }


def answering(name):
    return saying(json.dumps({"label": name, "reason": f"It looks {name}."}))


@pytest.fixture
def suggestions(workspace, home):
    """Register and embed, and then propose; gives the table as it was refreshed."""

    def make(server, objects=PICTURES, **settings):
        from autolabel_core.operations.registration import register
        from autolabel_core.tables.embeddings import Embeddings
        from autolabel_core.tables.raw_objects import RawObjects

        made = workspace({NAME: declared(server, **settings)}, {NAME: objects}).open(NAME)
        register(made)
        for table in (RawObjects, Embeddings, Suggestions):
            opened = table(made)
            for batch in opened.batches:
                opened.refresh(batch)
        return opened

    return make


def proposed(table):
    rows = table.warehouse.read_table(table.path(table.batches[0])).to_pylist()
    return {(row["label"], row["reason"]) for row in rows}


def test_the_server_is_shown_the_picture_and_the_vocabulary(suggestions):
    with chat_server(answering("red")) as server:
        table = suggestions(server)
    assert proposed(table) == {("red", "It looks red.")}
    instructions, shown = server.questions[0]["messages"]
    assert '["red", "green"]' in instructions["content"]
    assert shown["content"][0]["image_url"]["url"].startswith("data:image/jpeg;base64,")
    report = table.report(table.batches[0])
    assert (report["calls"], report["input_tokens"], report["cost_usd"]) == (2, 2000, 0.004)
    assert report["labels"] == [{"label": "red", "documents": 2}]


def test_labels_and_reasons_stand_beside_documents(workspace, home):
    with chat_server(answering("green")) as server:
        sweep_quietly(workspace({NAME: declared(server)}, {NAME: PICTURES}), NAME)
    for record in Documents(home.workspace.open(NAME)).find():
        assert (record["label"], record["label_source"]) == ("green", "suggested")
        assert (record["suggestion_score"], record["suggestion_reason"]) == (
            None,
            "It looks green.",
        )


def test_no_document_is_asked_about_twice(suggestions, home):
    with chat_server(answering("red")) as server:
        table = suggestions(server)
        assert len(server.requests) == 2
        table.path(table.batches[0]).unlink()
        again = suggestions(server)
        assert again.report(again.batches[0])["cached"] == 2
        label(home.workspace, {"r.png": "red"})
        sweep_quietly(home.workspace, NAME)
        assert len(server.requests) == 2
    assert proposed(again) == {("red", "It looks red.")}


def test_a_label_outside_the_vocabulary_is_asked_about_once_more_and_then_given_up(suggestions):
    with chat_server(answering("crimson")) as server:
        table = suggestions(server)
    assert len(server.requests) == 4
    assert proposed(table) == {
        (None, "tiny answered with the label 'crimson' is not in the vocabulary")
    }
    assert table.is_current(table.batches[0])


def test_none_fits_is_an_answer(suggestions):
    with chat_server(saying('{"label": null, "reason": "A dog."}')) as server:
        table = suggestions(server)
    assert proposed(table) == {(None, "A dog.")}


def test_a_server_that_is_down_stops_no_sweep_and_is_asked_again(suggestions):
    with chat_server(failing(503)) as server:
        table = suggestions(server)
        assert not table.is_current(table.batches[0])
        ((name, reason),) = proposed(table)
        assert name is None
        assert "503" in reason
        server.script = [answering("red")]
        server.requests.clear()
        assert table.refresh(table.batches[0])
    assert proposed(table) == {("red", "It looks red.")}
    assert len(server.requests) == 2


def test_a_key_that_is_not_set_is_said(suggestions, monkeypatch):
    monkeypatch.delenv("MY_KEY", raising=False)
    with chat_server(answering("red")) as server:
        table = suggestions(server, api_key_env="MY_KEY")
    ((_, reason),) = proposed(table)
    assert "zero_shot.vision_language_model.api_key_env" in reason
    assert not server.requests


def test_no_more_documents_are_asked_about_than_declared(suggestions):
    with chat_server(answering("red")) as server:
        table = suggestions(server, max_documents=1)
    assert len(server.requests) == 1
    assert table.report(table.batches[0])["documents"] == 1


def test_an_answer_in_fences_or_of_another_case_is_understood():
    text = '```json\n{"label": " Dark  RED", "reason": "so"}\n```'
    assert parse_label(text, ["dark red", "green"]).label == "dark red"


@pytest.mark.parametrize("text", ["", "red", "[]", '{"reason": "x"}', '{"label": 3}', "{" * 5000])
def test_other_answers_are_refused(text):
    with pytest.raises(AutolabelError):
        parse_label(text, COLOURS)


def test_a_refusal_is_not_asked_again(suggestions):
    with chat_server(lambda _request: completion(None, refusal="No.")) as server:
        table = suggestions(server)
    assert len(server.requests) == 2
    ((_, reason),) = proposed(table)
    assert "declined" in reason
    assert table.is_current(table.batches[0])
