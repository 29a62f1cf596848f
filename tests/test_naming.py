"""Naming by a server that behaves and misbehaves: names, problems, the cache, and no secrets."""

import json
import logging
import time
from datetime import timedelta

import pytest
from support.chat_server import AT_ONCE, chat_server, entries, failing, hanging, saying, sent, well
from support.naming_samples import (
    BY_KEYWORDS,
    BY_SERVER,
    KEY,
    NOW,
    kept,
    labels,
    name_by,
    sample,
)


@pytest.fixture
def naming(tmp_path):
    return name_by(tmp_path)


def test_clusters_are_named_by_one_request(naming):
    with chat_server() as server:
        found = naming(server)
    assert labels(found) == BY_SERVER
    assert found.names["cl_0"].summary == "All alike."
    assert found.names["cl_0"].keywords == ("one", "two")
    assert (found.names["cl_0"].confidence, found.names["cl_0"].source) == (0.9, "llm")
    assert found.problems == []
    assert found.usage == {
        **{"calls": 1, "retries": 0, "cached": 0, "named_by_llm": 2},
        **{"input_tokens": 1000, "output_tokens": 100, "cost_usd": None},
    }
    (request,) = server.requests
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.body["model"] == "gpt-4o-mini"
    assert '"text": "steam ships"' in request.body["messages"][1]["content"]
    schema = request.body["response_format"]["json_schema"]
    assert schema["strict"]
    assert "clusters" in json.dumps(schema["schema"])


def test_many_clusters_take_few_requests(naming):
    samples = [sample(f"cl_{i}", [f"word{i} thing"]) for i in range(23)]
    with chat_server() as server:
        found = naming(server, samples)
    assert len(server.requests) == 3
    assert labels(found) == {f"cl_{i}": f"name of cl_{i}" for i in range(23)}


def test_the_prompt_and_the_shape_may_be_ones_own(naming):
    def answer(names):
        return [{**name, "tone": "bad"} for name in names]

    with chat_server(entries(answer)) as server:
        found = naming(server, custom_prompt="Be brief.", response_shape={"tone": "good | bad"})
    assert found.names["cl_0"].extra == {"tone": "bad"}
    system = server.questions[0]["messages"][0]["content"]
    assert system.startswith("Be brief.")
    assert '"tone": "good | bad"' in system


def test_what_is_not_wanted_is_not_asked_for(naming):
    def bare(names):
        return [{"cluster_id": n["cluster_id"], "label": n["label"]} for n in names]

    with chat_server(entries(bare)) as server:
        found = naming(server, include_summary=False, include_keywords=False)
    assert labels(found) == BY_SERVER
    assert (found.names["cl_0"].summary, found.names["cl_0"].keywords) == ("", ())


@pytest.mark.parametrize(
    "content",
    [
        "```json\n{}\n```",
        "{}",
    ],
)
def test_a_list_and_code_fences_are_understood(naming, content):
    names = [
        {"cluster_id": f"cl_{i}", "label": "x y", "summary": "", "keywords": [], "confidence": 1}
        for i in range(2)
    ]
    with chat_server(saying(content.replace("{}", json.dumps(names)))) as server:
        assert labels(naming(server)) == {"cl_0": "x y", "cl_1": "x y"}


WRONG = {
    "broken JSON": saying('{"clusters": [{"cluster_id": "cl_0", "la'),
    "no JSON": saying("I would call them fruit."),
    "nothing": saying(None),
    "wrong ids": entries(lambda names: [{**n, "cluster_id": "cl_9"} for n in names]),
    "ids that are no texts": entries(lambda names: [{**n, "cluster_id": 0} for n in names]),
    "twice the same": entries(lambda names: [names[0], names[0], names[1], names[1]]),
    "no labels": entries(lambda names: [{**n, "label": "  "} for n in names]),
    "labels of control characters": entries(lambda n: [{**e, "label": "a\u202eb"} for e in n]),
    "not a list": saying('{"clusters": 3}'),
    "a web page": sent(b"<html>welcome</html>", "text/html"),
    "no choices": sent(b'{"choices": []}'),
}


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
def test_an_unusable_answer_is_asked_for_once_more_and_then_given_up(naming, tmp_path, answer):
    with chat_server(answer) as server:
        found = naming(server)
    assert len(server.requests) == 2
    assert labels(found) == BY_KEYWORDS
    assert found.names["cl_0"].source == "keywords"
    assert found.problems
    assert kept(tmp_path) == []


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
def test_the_second_answer_counts(naming, answer):
    with chat_server(answer, well) as server:
        found = naming(server)
    assert (labels(found), found.problems) == (BY_SERVER, [])


def test_only_what_is_missing_is_asked_for_again(naming, tmp_path):
    with chat_server(entries(lambda names: names[:1])) as server:
        found = naming(server)
    assert labels(found) == {"cl_0": "name of cl_0", "cl_1": "name of cl_1"}
    assert "cl_0" not in server.questions[1]["messages"][1]["content"]
    assert len(kept(tmp_path)) == 2


def test_a_model_that_declines_is_not_asked_again(naming, tmp_path):
    with chat_server(saying(None, refusal="I will not.")) as server:
        found = naming(server)
    assert len(server.requests) == 1
    assert labels(found) == BY_KEYWORDS
    assert "declined: I will not." in found.problems[0]
    assert kept(tmp_path) == []


def test_a_refused_key_stops_the_run_of_questions_and_names_the_cure(naming):
    answer = failing(401, f"Incorrect API key provided: {KEY}")
    with chat_server(answer) as server:
        found = naming(server, clusters_per_call=1)
    assert len(server.requests) == 1
    assert labels(found) == BY_KEYWORDS
    (problem,) = found.problems
    assert "does not accept the key" in problem
    assert ". Set NAMING_KEY to a good key. 2 clusters are named without it." in problem
    assert KEY not in problem


def test_a_key_that_is_not_set_is_no_request(naming):
    with chat_server() as server:
        found = naming(server, environ={})
    assert server.requests == []
    assert "environment variable NAMING_KEY" in found.problems[0]
    assert labels(found) == BY_KEYWORDS


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_passing_failure_is_retried(naming, status):
    with chat_server(failing(status, headers=AT_ONCE), well) as server:
        found = naming(server)
    assert (len(server.requests), found.usage["retries"]) == (2, 1)
    assert (labels(found), found.problems) == (BY_SERVER, [])


@pytest.mark.parametrize("status", [429, 500])
def test_a_lasting_failure_stops_after_the_retries(naming, tmp_path, status):
    with chat_server(failing(status, "overloaded", AT_ONCE)) as server:
        found = naming(server, clusters_per_call=1)
    assert len(server.requests) == 2
    assert labels(found) == BY_KEYWORDS
    assert f"({status}: " in found.problems[0]
    assert kept(tmp_path) == []


def test_what_was_named_before_the_failure_stays(naming):
    with chat_server(well, failing(500, headers=AT_ONCE)) as server:
        found = naming(server, clusters_per_call=1)
    assert labels(found) == {"cl_0": "name of cl_0", "cl_1": BY_KEYWORDS["cl_1"]}
    assert "1 clusters are named without it" in found.problems[0]


def test_a_server_that_hangs_is_left(naming):
    with chat_server(hanging(20)) as server:
        started = time.monotonic()
        found = naming(server, timeout_seconds=0.3, retries=0)
    assert time.monotonic() - started < 10
    assert labels(found) == BY_KEYWORDS
    assert "gives no answer" in found.problems[0]


def test_a_closed_port_is_a_problem_and_no_error(naming):
    with chat_server() as server:
        pass
    found = naming(server, retries=0)
    assert labels(found) == BY_KEYWORDS
    assert "gives no answer" in found.problems[0]


def test_a_server_without_schemas_is_asked_without(naming):
    def old(request):
        return failing(400)(request) if "response_format" in request.body else well(request)

    with chat_server(old) as server:
        found = naming(server, clusters_per_call=1)
    assert (labels(found), len(server.requests)) == (BY_SERVER, 3)


def test_answers_are_kept_by_content_for_a_while(naming, tmp_path):
    with chat_server() as server:
        first = naming(server)
        again = naming(server, now=NOW + timedelta(days=6))
        assert (len(server.requests), again.usage["cached"]) == (1, 2)
        assert again.names == first.names
        renamed = [sample("cl_7"), sample("cl_1", ["new ships", "steam ships"])]
        found = naming(server, renamed)
        assert labels(found) == {"cl_7": "name of cl_0", "cl_1": "name of cl_1"}
        assert len(server.requests) == 2
        naming(server, custom_prompt="Other words.")
        assert len(server.requests) == 3
        naming(server, now=NOW + timedelta(days=8))
        assert len(server.requests) == 4


def test_no_answer_is_kept_where_none_shall_be(naming, tmp_path):
    with chat_server() as server:
        for _ in range(2):
            naming(server, cache_ttl_seconds=0)
    assert (len(server.requests), kept(tmp_path)) == (2, [])


def test_a_damaged_answer_is_asked_for_again(naming, tmp_path):
    damages = [b"", b"[]", b'{"saved_at": 1}', b'{"saved_at": "2026-03-01", "answer": {}}']
    with chat_server() as server:
        for count, damage in enumerate(damages, start=2):
            naming(server)
            for file in kept(tmp_path):
                file.write_bytes(damage)
            assert labels(naming(server)) == BY_SERVER
            assert len(server.requests) == count


def test_the_key_is_nowhere_but_in_the_request(naming, tmp_path, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    with chat_server(failing(500, KEY, AT_ONCE), well, failing(401, KEY)) as server:
        shown = [repr(naming(server)), repr(naming(server, custom_prompt="Again."))]
    files = [path.read_text() for path in kept(tmp_path)]
    said = [caplog.text, *capfd.readouterr(), *shown, *files]
    assert len(files) == 2
    assert all(KEY not in text for text in said)


def test_labels_that_mean_the_same_become_one(naming):
    def alike(names):
        words = ["ripe apples", "Ripe apple"]
        return [{**n, "label": words[int(n["cluster_id"][-1])]} for n in names]

    with chat_server(entries(alike)) as server:
        found = naming(server, use_embedding_dedup=True, embedding_similarity_threshold=0.6)
        apart = naming(server)
    assert labels(found) == {"cl_0": "Ripe apple", "cl_1": "Ripe apple"}
    assert found.merged == {"cl_0": "cl_1"}
    assert labels(apart) == {"cl_0": "ripe apples", "cl_1": "Ripe apple"}
