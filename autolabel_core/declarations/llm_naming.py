"""The model of `llm_labeling:` under a cluster: which server names clusters, and what it is shown.

Keys of servers stand in the environment; a declaration names the variable at most.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from autolabel_core.declarations.channel import Variable
from autolabel_core.declarations.model import (
    Cosine,
    Count,
    Declaration,
    KeyedError,
    Text,
    listed,
)
from autolabel_core.declarations.response_shape import shaped_model

PROVIDERS: dict[str, tuple[str, str, str]] = {
    "openai": ("https://api.openai.com/v1", "OPENAI_API_KEY", "gpt-4o-mini"),
    "google": (
        "https://generativelanguage.googleapis.com/v1beta/openai/",
        "GEMINI_API_KEY",
        "gemini-2.5-flash",
    ),
}
"""Base URL, environment variable of the key, and default model of each known provider.

Source: the OpenAI API reference; "OpenAI compatibility" in the documentation of the Gemini API.
"""

OLDER = frozenset({"source", "fields"})
Seconds = Annotated[float, Field(strict=True, gt=0.0)]
Price = Annotated[float, Field(strict=True, ge=0.0)]


class InputMapping(Declaration):
    """One value that the model is shown of each representative document.

    Attributes:
        input_key: what it is shown as; several texts are joined.
        source_type: `payload` is a field of the document, `blob` a file of it, `literal` a fixed
            text.
        path: dotted path into the payload or the blobs, such as `metadata.title`,
            `document_blobs.0.url`, `source_blobs.0.url` or `0.url`.
        override: the text of a literal.
    """

    input_key: Literal["text", "image_url", "video_url", "audio_url"] = "text"
    source_type: Literal["payload", "blob", "literal"] = "payload"
    path: Text | None = None
    override: Text | None = None

    @model_validator(mode="after")
    def path_or_override(self) -> InputMapping:
        """Ask for `override` of a literal and `path` of the others, and refuse the other one."""
        wanted, other = ("path", "override")
        if self.source_type == "literal":
            wanted, other = other, wanted
        if getattr(self, wanted) is None:
            raise KeyedError((wanted,), f"is required of a {self.source_type}; add it")
        if getattr(self, other) is not None:
            raise KeyedError((other,), f"means nothing to a {self.source_type}; leave it out")
        return self


class LabelingInputs(Declaration):
    """What the model is shown of each representative document; empty is its whole payload."""

    input_mappings: tuple[InputMapping, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def spell_out_fields(cls, value: object) -> object:
        """Accept a bare list, and the older entries `{source: payload, fields: [a, b]}`."""
        given = {"input_mappings": value} if isinstance(value, list) else value
        if not isinstance(given, dict):
            return value
        found: list[object] = []
        for number, entry in enumerate(listed(given, "input_mappings")):
            if isinstance(entry, dict) and OLDER & set(entry):
                found += _spelt_out(entry, number)
            else:
                found.append(entry)
        return {**given, "input_mappings": found}


def _spelt_out(entry: Mapping[str, object], number: int) -> list[dict[str, object]]:
    path: tuple[str | int, ...] = ("input_mappings", number)
    if set(entry) - OLDER or entry.get("source", "payload") != "payload":
        raise KeyedError(path, "the older form is {source: payload, fields: [a, b]} and no more")
    fields = entry.get("fields")
    if not isinstance(fields, list) or not fields:
        raise KeyedError((*path, "fields"), "expected a list of fields such as [title]")
    return [{"source_type": "payload", "path": field} for field in fields]


class LLMLabeling(Declaration):
    """Who names clusters, and how.

    Attributes:
        aliases: words that mean the same.
        shorthands: words that are taken apart.
        enabled: false names clusters without a server.
        provider: `openai`, `google`, or any word with a `base_url`.
        model_name: the model; by default the provider's small one.
        base_url: address of a server that speaks OpenAI's chat completions.
        api_key_env: the environment variable that holds the key; a server of one's own needs none.
        labeling_inputs: what is shown of each document; empty is its payload as JSON.
        custom_prompt: takes the place of the instructions.
        response_shape: further keys of the answer, such as `{sentiment: "good | bad"}`.
        max_samples_per_cluster: documents shown of each cluster, at least 1.
        sample_text_max_length: characters of each document's text; null is all.
        include_summary: whether a summary is asked for.
        include_keywords: whether keywords are asked for.
        use_embedding_dedup: whether clusters named alike get one name.
        embedding_similarity_threshold: labels at least so similar are one, from -1 (all) to 1 (the
            same alone).
        cache_ttl_seconds: how long an answer is kept; 0 keeps none.
        clusters_per_call: clusters named by one request, at most.
        retries: further attempts after a time-out, 429 or 5xx; 0 is none.
        timeout_seconds: for one attempt.
        usd_per_million_input_tokens: price, for the cost in the run's metadata; null: no cost.
        usd_per_million_output_tokens: likewise, of what is answered.
    """

    aliases: ClassVar[Mapping[str, str]] = {"model": "model_name", "max_retries": "retries"}
    shorthands = ("input_mappings",)

    enabled: bool = Field(default=True, strict=True)
    provider: Text = "openai"
    model_name: Text | None = None
    base_url: Text | None = None
    api_key_env: Variable | None = None
    labeling_inputs: LabelingInputs = Field(default_factory=LabelingInputs.model_construct)
    custom_prompt: Text | None = None
    response_shape: dict[str, object] | None = None
    max_samples_per_cluster: Count = 5
    sample_text_max_length: Count | None = None
    include_summary: bool = Field(default=True, strict=True)
    include_keywords: bool = Field(default=True, strict=True)
    use_embedding_dedup: bool = Field(default=False, strict=True)
    embedding_similarity_threshold: Cosine = 0.8
    cache_ttl_seconds: int = Field(default=604_800, strict=True, ge=0)
    clusters_per_call: Count = 10
    retries: int = Field(default=3, strict=True, ge=0, le=10)
    timeout_seconds: Seconds = 60.0
    usd_per_million_input_tokens: Price | None = None
    usd_per_million_output_tokens: Price | None = None

    @model_validator(mode="before")
    @classmethod
    def flat_mappings(cls, value: object) -> object:
        """Accept `input_mappings` beside the others."""
        if not isinstance(value, dict) or "input_mappings" not in value:
            return value
        if "labeling_inputs" in value:
            raise KeyedError(("input_mappings",), "stands in `labeling_inputs` too; keep one")
        rest = {k: v for k, v in value.items() if k != "input_mappings"}
        return {**rest, "labeling_inputs": {"input_mappings": value["input_mappings"]}}

    @field_validator("base_url")
    @classmethod
    def base_url_holds_no_secret(cls, value: str | None) -> str | None:
        """Refuse what is no HTTP address, and user names, passwords and queries in it."""
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("expected an address such as http://localhost:11434/v1")
        if parts.username or parts.password or parts.query:
            raise ValueError(
                "has a user name, password or query; put the key into an environment variable "
                "and name that in `api_key_env`"
            )
        return value

    @field_validator("response_shape")
    @classmethod
    def shape_is_understood(cls, value: dict[str, object] | None) -> dict[str, object] | None:
        """Refuse words that mean nothing, and other meanings of what every answer has."""
        if value is None:
            return None
        shaped_model("Answer", value)
        own = {"label": "string", "cluster_id": "string", "summary": "string"}
        own |= {"confidence": "number"}
        for key, meaning in own.items():
            if value.get(key, meaning) != meaning:
                raise KeyedError((key,), f"is {meaning} in every answer; write {key}: {meaning}")
        if value.get("keywords", ["string"]) != ["string"]:
            raise KeyedError(("keywords",), 'are texts in every answer; write ["string"]')
        return value

    @model_validator(mode="after")
    def server_is_known(self) -> LLMLabeling:
        """Ask for address and model where the provider says neither."""
        for key in ("base_url", "model_name"):
            if self.provider not in PROVIDERS and getattr(self, key) is None:
                known = ", ".join(PROVIDERS)
                raise KeyedError(
                    (key,), f"is required of `{self.provider}`; known without it: {known}"
                )
        return self

    @model_validator(mode="after")
    def prices_are_two_or_none(self) -> LLMLabeling:
        """Ask for the other price where one is given: a cost needs both."""
        keys = ("usd_per_million_input_tokens", "usd_per_million_output_tokens")
        given = [key for key in keys if getattr(self, key) is not None]
        if len(given) == 1:
            (other,) = set(keys) - set(given)
            raise KeyedError((other,), f"is required beside {given[0]}; 0.0 is for free")
        return self

    @property
    def server(self) -> str:
        """The address that is asked."""
        return self.base_url or PROVIDERS[self.provider][0]

    @property
    def model(self) -> str:
        """The model that is asked."""
        return self.model_name or PROVIDERS[self.provider][2]

    @property
    def key_variable(self) -> str | None:
        """The environment variable of the key; None where none is needed."""
        if self.api_key_env or self.base_url:
            return self.api_key_env
        return PROVIDERS[self.provider][1]
