"""`llm_labeling:`: every form means the same, and what is wrong names its key and its cure."""

import re
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from autolabel_core.declarations.error_messages import YamlOrigin, messages
from autolabel_core.declarations.llm_naming import InputMapping, LLMLabeling
from autolabel_core.declarations.response_shape import shaped_model
from autolabel_core.declarations.yaml_lines import read_yaml

TITLE = {"input_key": "text", "source_type": "payload", "path": "title"}


def problems(declared):
    with pytest.raises(ValidationError) as caught:
        LLMLabeling.model_validate(declared)
    origin = YamlOrigin(Path("c.yaml"), read_yaml(yaml.safe_dump(declared).encode())[1])
    return messages(origin, caught.value, LLMLabeling)


def test_the_defaults_are_those_of_the_document():
    labeling = LLMLabeling()
    assert (labeling.enabled, labeling.provider, labeling.model) == (True, "openai", "gpt-4o-mini")
    assert (labeling.max_samples_per_cluster, labeling.sample_text_max_length) == (5, None)
    assert (labeling.include_summary, labeling.include_keywords) == (True, True)
    assert not labeling.use_embedding_dedup
    assert labeling.embedding_similarity_threshold == 0.8
    assert labeling.cache_ttl_seconds == 7 * 24 * 3600
    assert labeling.key_variable == "OPENAI_API_KEY"


@pytest.mark.parametrize(
    "declared",
    [
        {"labeling_inputs": {"input_mappings": [TITLE]}},
        {"labeling_inputs": {"input_mappings": [{"path": "title"}]}},
        {"labeling_inputs": [TITLE]},
        {"labeling_inputs": [{"source": "payload", "fields": ["title"]}]},
        {"input_mappings": [{"source": "payload", "fields": ["title"]}]},
        {"input_mappings": [{"fields": ["title"]}]},
    ],
)
def test_every_form_of_the_inputs_means_the_same(declared):
    found = LLMLabeling.model_validate(declared).labeling_inputs.input_mappings
    assert found == (InputMapping(path="title"),)


def test_the_older_form_spells_out_each_field_in_its_place():
    declared = [{"source": "payload", "fields": ["a", "b"]}, TITLE]
    found = LLMLabeling.model_validate({"labeling_inputs": declared}).labeling_inputs
    assert [mapping.path for mapping in found.input_mappings] == ["a", "b", "title"]


def test_servers_and_keys():
    google = LLMLabeling.model_validate({"provider": "google", "model": "gemini-2.5-pro"})
    assert google.server.startswith("https://generativelanguage.googleapis.com")
    assert (google.model, google.key_variable) == ("gemini-2.5-pro", "GEMINI_API_KEY")
    own = {"provider": "vllm", "base_url": "http://localhost:8000/v1", "model_name": "m"}
    assert LLMLabeling.model_validate(own).key_variable is None
    assert LLMLabeling.model_validate({**own, "api_key_env": "K"}).key_variable == "K"


@pytest.mark.parametrize(
    ("declared", "key", "said"),
    [
        ({"provider": "mine"}, "base_url", "is required of `mine`"),
        ({"provider": "mine", "base_url": "http://x/v1"}, "model_name", "is required of `mine`"),
        ({"base_url": "localhost"}, "base_url", "expected an address"),
        ({"base_url": "https://me:secret@x/v1"}, "base_url", "environment variable"),
        ({"api_key": "sk-very-secret"}, "api_key", "Did you mean `api_key_env`?"),
        ({"api_key_env": "sk-very-secret"}, "api_key_env", "name of an environment variable"),
        ({"max_samples_per_cluster": 0}, "max_samples_per_cluster", "at least 1"),
        ({"embedding_similarity_threshold": 8}, "embedding_similarity_threshold", "at most 1"),
        ({"cache_ttl_seconds": -1}, "cache_ttl_seconds", "at least 0"),
        (
            {"usd_per_million_input_tokens": 0.2},
            "usd_per_million_output_tokens",
            "is required beside usd_per_million_input_tokens",
        ),
        ({"timeout_seconds": 0}, "timeout_seconds", "more than 0"),
        ({"response_shape": {"tone": "good"}}, "response_shape.tone", "choices such as"),
        ({"response_shape": {"tone": "a | "}}, "response_shape.tone", "choices such as"),
        ({"response_shape": {"tags": ["string", "x"]}}, "response_shape.tags", "one shape"),
        ({"response_shape": {"deep": {}}}, "response_shape.deep", "no keys"),
        ({"response_shape": {"label": "number"}}, "response_shape.label", "is string"),
        ({"response_shape": {"keywords": "string"}}, "response_shape.keywords", '["string"]'),
        (
            {"input_mappings": [{"source_type": "literal"}]},
            "input_mappings.0.override",
            "is required of a literal",
        ),
        (
            {"labeling_inputs": [{**TITLE, "override": "x"}]},
            "labeling_inputs.0.override",
            "means nothing to a payload",
        ),
        (
            {"labeling_inputs": [{"source": "blob", "fields": ["a"]}]},
            "labeling_inputs.0",
            "older form",
        ),
        (
            {"labeling_inputs": [TITLE], "input_mappings": [TITLE]},
            "input_mappings",
            "keep one",
        ),
    ],
)
def test_what_is_wrong_names_its_key(declared, key, said):
    (line,) = problems(declared)
    assert re.match(rf"c\.yaml:\d+: {re.escape(key)}[ :]", line), line
    assert said in line
    assert "very-secret" not in line
    assert "me:secret" not in line


def test_a_shape_becomes_a_check():
    shape = {"tone": "good | bad", "tags": ["string"], "n": "integer", "schema": {"_x": "number"}}
    model = shaped_model("Answer", shape)
    answer = {"tone": "good", "tags": ["a"], "n": 3, "schema": {"_x": 1.5}}
    assert model.model_validate(answer).model_dump(by_alias=True) == answer
    for key, wrong in (("tone", "fair"), ("tags", "a"), ("tags", [1]), ("n", "3"), ("schema", {})):
        with pytest.raises(ValidationError):
            model.model_validate({**answer, key: wrong})
    with pytest.raises(ValidationError):
        model.model_validate({k: v for k, v in answer.items() if k != "tags"})
    with pytest.raises(ValidationError):
        model.model_validate({**answer, "more": 1})


def test_a_shape_asks_for_every_key_in_its_json_schema():
    schema = shaped_model("Answer", {"tone": "good | bad", "deep": {"x": "string"}})
    found = schema.model_json_schema()
    assert found["required"] == ["tone", "deep"]
    assert found["additionalProperties"] is False
    assert found["properties"]["tone"]["enum"] == ["good", "bad"]
