"""The model of `taxonomy`: how labels travel from references to documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field, TypeAdapter, field_validator, model_validator

from autolabel_core.declarations.model import Cosine, Declaration, KeyedError, Text
from autolabel_core.declarations.target_precision import TargetPrecision
from autolabel_core.declarations.zero_shot import NamedLabels
from autolabel_core.foundation.score_names import DeclaredScore

DEFAULT_COSINE, DEFAULT_PROBABILITY = 0.30, 0.90


class FieldMapping(Declaration):
    """From one field (`source`) to another (`target`); a prefix `payload.` is dropped."""

    source: Text
    target: Text

    @field_validator("source", "target")
    @classmethod
    def drop_payload_prefix(cls, value: str) -> str:
        """Accept `payload.<field>` for the field."""
        return value.removeprefix("payload.")


class EnrichmentField(FieldMapping):
    """One field copied from the matched reference (`source`) to the document (`target`)."""


class Taxonomy(NamedLabels):
    """How labels travel from references to documents.

    Attributes:
        aliases: words that mean the same.
        nested: a threshold may be a mapping.
        taxonomy_name: for people; nothing refers to it.
        taxonomy_type: `hierarchical` says that labels are paths such as `Shoes > Running`.
        field_to_enrich: the field that holds the label; by default the first target of
            `enrichment_fields`.
        reference: `self` (unified) or the collection that holds the references (separate).
        score: what decides which label, and how sure it is. `nearest`: the cosine with the nearest
            reference. `vote`, `class_mean` and `probe` give probabilities; `auto` takes the one
            that does best among the references. By default `nearest`, and `auto` where a
            `target_precision` is declared.
        confidence_threshold: lowest confidence at which a document takes a label. Under `nearest` a
            cosine, from -1 (label everything) to 1 (identical only), by default 0.30; what it means
            depends on the encoder: `autolabel threshold` proposes one. Under other scores a
            probability, from 0 (label everything) to 1 (certain), by default 0.90. Or a
            `target_precision` with `delta`: labels are given above a threshold that verdicts of
            people have certified, and until then none.
        label_thresholds: thresholds for single labels, in place of `confidence_threshold`.
        similarity_threshold: documents less similar to the references are unknown, whatever the
            confidence, from -1 (none) to 1 (identical only). By default none under `nearest`, and
            under other scores what all but 2 % of the references reach.
        retriever: name of a retriever whose `attribute_filter` decides which references count,
            and whose `feature_search` says how many and from which score.
        enrichment_fields: fields taken from the matched reference; by default those of
            `field_passthrough`. A document's own value always wins.
        input_mappings: which of the document's features the retriever is asked with; there is one
            feature space for each collection, so it is noted and decides nothing.
        execution_mode: `materialize` and `retroactive` store labels, old documents' included;
            `on_demand` computes them only when asked.
    """

    aliases: ClassVar[Mapping[str, str]] = {
        "threshold": "confidence_threshold",
        "retriever_id": "retriever",
        "collection_id": "reference",
        "reference_collection": "reference",
    }
    nested: ClassVar[Mapping[str, type[Declaration]]] = {"confidence_threshold": TargetPrecision}

    taxonomy_name: str | None = None
    taxonomy_type: Literal["flat", "hierarchical"] = "flat"
    field_to_enrich: Text
    reference: Text = "self"
    score: DeclaredScore = "nearest"
    confidence_threshold: Cosine | TargetPrecision | None = None
    label_thresholds: dict[str, Cosine] = Field(default_factory=dict)
    similarity_threshold: Cosine | None = None
    retriever: Text | None = None
    enrichment_fields: tuple[EnrichmentField, ...] | None = None
    input_mappings: tuple[FieldMapping, ...] = ()
    execution_mode: Literal["materialize", "retroactive", "on_demand"] = "materialize"

    @property
    def lowest_confidence(self) -> float:
        """The declared threshold, else that of the score."""
        declared = self.confidence_threshold
        if isinstance(declared, float | int):
            return declared
        return DEFAULT_COSINE if self.score == "nearest" else DEFAULT_PROBABILITY

    @property
    def target(self) -> TargetPrecision | None:
        """The precision that verdicts shall certify; None where a number is the threshold."""
        declared = self.confidence_threshold
        return declared if isinstance(declared, TargetPrecision) else None

    @field_validator("confidence_threshold", mode="before")
    @classmethod
    def number_or_target(cls, value: object) -> object:
        """Read a mapping as a target and all else as a number, so that one error is enough."""
        if isinstance(value, dict | TargetPrecision):
            return TargetPrecision.model_validate(value)
        return TypeAdapter(Cosine | None).validate_python(value)

    @model_validator(mode="before")
    @classmethod
    def a_target_is_met_by_the_best_score(cls, value: object) -> object:
        """Where a target precision is declared and no score, the score is `auto`."""
        if not isinstance(value, dict) or "score" in value:
            return value
        declared = value.get("confidence_threshold", value.get("threshold"))
        has_target = isinstance(declared, dict | TargetPrecision)
        return {**value, "score": "auto"} if has_target else value

    @model_validator(mode="after")
    def label_thresholds_are_certified_too(self) -> Taxonomy:
        """Refuse numbers for single labels beside a target: nobody would have certified them."""
        if self.target and self.label_thresholds:
            raise KeyedError(
                ("label_thresholds",),
                "cannot stand beside a `target_precision`, which certifies thresholds itself; "
                "remove it, and set `per_label: true` there for one of each label",
            )
        return self

    @model_validator(mode="before")
    @classmethod
    def first_target_is_the_label(cls, value: object) -> object:
        """Where no `field_to_enrich` is given, the first enrichment field receives the label."""
        if not isinstance(value, dict) or "field_to_enrich" in value:
            return value
        fields = value.get("enrichment_fields")
        first = fields[0] if isinstance(fields, list) and fields else None
        target = first.get("target") if isinstance(first, dict) else None
        if not isinstance(target, str):
            return value
        return {**value, "field_to_enrich": target.removeprefix("payload.")}
