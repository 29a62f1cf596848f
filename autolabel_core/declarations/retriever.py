"""The models of retrievers: named, templated pipelines of attribute filter and feature search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from autolabel_core.declarations.conditions import inputs_of, parse
from autolabel_core.declarations.model import Cosine, Count, Declaration, KeyedError, Text
from autolabel_core.foundation.feature_uri import parse_feature_uri

MOST_REFERENCES = 10
"""So many of the nearest references are kept for each document, and can decide its label."""


class Search(Declaration):
    """One search of a feature space.

    Attributes:
        feature_uri: the space; None means the collection's own.
        query: a template such as `{{INPUT.query_image}}`, or `{input_mode: content, value: …}`.
        top_k: how many of the nearest are kept, at least 1; at most 10 where a taxonomy asks.
        min_score: lowest cosine kept, from -1 (opposite: keep all) to 1 (identical only).
    """

    feature_uri: str | None = None
    query: object = "{{INPUT.query}}"
    top_k: Count = 1
    min_score: Cosine | None = None

    @field_validator("feature_uri")
    @classmethod
    def uri_is_well_formed(cls, value: str | None) -> str | None:
        """Normalise the URI's scheme."""
        return None if value is None else parse_feature_uri(value).feature_uri

    @field_validator("query")
    @classmethod
    def templates_are_well_formed(cls, value: object) -> object:
        """Refuse a query without a value, and templates that are not inputs."""
        if isinstance(value, dict) and "value" not in value:
            raise ValueError("expected `value`, such as {input_mode: content, value: …}")
        inputs_of(value)
        return value

    @property
    def query_template(self) -> object:
        """The value that is searched for, wherever the declaration put it."""
        return self.query.get("value") if isinstance(self.query, dict) else self.query


class FeatureSearch(Declaration):
    """Parameters of a `feature_search` stage: one search, with an optional filter inside."""

    searches: tuple[Search, ...] = Field(min_length=1, max_length=1)
    filters: object = None

    @field_validator("filters")
    @classmethod
    def filters_are_conditions(cls, value: object) -> object:
        """Refuse malformed conditions when the file is read, not when the retriever runs."""
        if value is not None:
            parse(value)
        return value


class Stage(Declaration):
    """One stage: `attribute_filter` narrows by fields, `feature_search` ranks by similarity."""

    shorthands = ("config",)
    nested: ClassVar[Mapping[str, type[Declaration]]] = {"parameters": FeatureSearch}

    stage_name: str | None = None
    stage_type: Literal["filter"] = "filter"
    stage_id: Literal["attribute_filter", "feature_search"]
    parameters: object

    @model_validator(mode="before")
    @classmethod
    def flatten_config(cls, value: object) -> object:
        """Accept `config: {stage_id, parameters}` and the flat form alike."""
        if isinstance(value, dict) and isinstance(value.get("config"), dict):
            return {**{k: v for k, v in value.items() if k != "config"}, **value["config"]}
        return value

    @field_validator("parameters")
    @classmethod
    def parameters_fit_the_stage(cls, value: object, info: ValidationInfo) -> object:
        """Check the parameters against the stage they are for."""
        if info.data.get("stage_id") == "feature_search":
            FeatureSearch.model_validate(value)
        elif info.data.get("stage_id") == "attribute_filter":
            parse(_conditions(value))
        return value

    @property
    def condition(self) -> object:
        """The condition of an attribute filter, or the one inside a feature search; may be None."""
        if self.stage_id == "feature_search":
            return self.search.filters
        return _conditions(self.parameters)

    @property
    def search(self) -> FeatureSearch:
        """The search of a `feature_search` stage."""
        return FeatureSearch.model_validate(self.parameters)


def _conditions(parameters: object) -> object:
    if isinstance(parameters, dict) and "conditions" in parameters:
        unknown = sorted(set(parameters) - {"conditions"}, key=str)
        if unknown:
            raise KeyedError((str(unknown[0]),), "unknown key; `conditions` allows no other key")
        return parameters["conditions"]
    return parameters


def _conditions_of(stages: Sequence[Stage]) -> list[object]:
    return [stage.condition for stage in stages if stage.condition is not None]


class Retriever(Declaration):
    """A named pipeline over one collection; the first stage may be an attribute filter alone."""

    aliases: ClassVar[Mapping[str, str]] = {
        "name": "retriever_name",
        "collection_ids": "collection_identifiers",
    }

    retriever_name: Text
    collection_identifiers: tuple[str, ...] = Field(default=(), max_length=1)
    input_schema: dict[str, object] = Field(default_factory=dict)
    stages: tuple[Stage, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def one_search_at_most(self) -> Retriever:
        """Refuse two searches: vectors of two spaces are never compared."""
        if sum(stage.stage_id == "feature_search" for stage in self.stages) > 1:
            raise ValueError("has two feature_search stages; keep one, filters may be several")
        return self

    @property
    def search(self) -> Search | None:
        """The one search, if there is any."""
        searches = [s.search.searches[0] for s in self.stages if s.stage_id == "feature_search"]
        return searches[0] if searches else None

    @property
    def conditions(self) -> list[object]:
        """The conditions of all stages, to be joined by AND."""
        return _conditions_of(self.stages)

    @property
    def conditions_before_search(self) -> list[object]:
        """The conditions that narrow what is searched: of stages up to the search, and in it."""
        return _conditions_of(self.stages[: self._searched_at + 1])

    @property
    def conditions_after_search(self) -> list[object]:
        """The conditions that narrow what a search found."""
        return _conditions_of(self.stages[self._searched_at + 1 :])

    @property
    def _searched_at(self) -> int:
        """Position of the search among the stages; beyond them where there is none."""
        kinds = [stage.stage_id for stage in self.stages]
        return kinds.index("feature_search") if "feature_search" in kinds else len(kinds)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the inputs that the templates use, sorted."""
        query = [self.search.query_template] if self.search else []
        return inputs_of([*self.conditions, *query])
