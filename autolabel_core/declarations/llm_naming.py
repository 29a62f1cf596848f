"""The model of `llm_labeling:` under a cluster: who names clusters, and what is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from autolabel_core.declarations.chat_server import ChatServer
from autolabel_core.declarations.model import (
    Cosine,
    Count,
    Declaration,
    KeyedError,
    Text,
    listed,
)
from autolabel_core.declarations.response_shape import shaped_model

OLDER = frozenset({"source", "fields"})


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
        mappings: list[object] = []
        for number, entry in enumerate(listed(given, "input_mappings")):
            if isinstance(entry, dict) and OLDER & set(entry):
                mappings += _spelt_out(entry, number)
            else:
                mappings.append(entry)
        return {**given, "input_mappings": mappings}


def _spelt_out(entry: Mapping[str, object], number: int) -> list[dict[str, object]]:
    path: tuple[str | int, ...] = ("input_mappings", number)
    if set(entry) - OLDER or entry.get("source", "payload") != "payload":
        raise KeyedError(path, "the older form is {source: payload, fields: [a, b]} and no more")
    fields = entry.get("fields")
    if not isinstance(fields, list) or not fields:
        raise KeyedError((*path, "fields"), "expected a list of fields such as [title]")
    return [{"source_type": "payload", "path": field} for field in fields]


class LLMLabeling(ChatServer):
    """Who names clusters, and how; the server's own keys are those of `ChatServer`.

    Attributes:
        key: where it stands in YAML, for errors.
        shorthands: words that are taken apart.
        enabled: false names clusters without a server.
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
        clusters_per_call: clusters named by one request, at most.
    """

    key: ClassVar[str] = "llm_labeling"
    shorthands = ("input_mappings",)

    enabled: bool = Field(default=True, strict=True)
    labeling_inputs: LabelingInputs = Field(default_factory=LabelingInputs.model_construct)
    custom_prompt: Text | None = None
    response_shape: dict[str, object] | None = None
    max_samples_per_cluster: Count = 5
    sample_text_max_length: Count | None = None
    include_summary: bool = Field(default=True, strict=True)
    include_keywords: bool = Field(default=True, strict=True)
    use_embedding_dedup: bool = Field(default=False, strict=True)
    embedding_similarity_threshold: Cosine = 0.8
    clusters_per_call: Count = 10

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
