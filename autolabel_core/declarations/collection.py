"""The models of a collection's YAML; the words are those of the field, aliases are accepted."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from autolabel_core.declarations.model import Declaration
from autolabel_core.declarations.retriever import Retriever

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
RESERVED_FIELDS = frozenset(
    "document_id key batch label label_source suggested_label matched confidence source_document_id "
    "margin margin_lower_bound neighbours content_hash media_type metadata taxonomy_match reason "
    "size width_px height_px version".split()
)


class SchemaProperty(Declaration):
    """One property of a bucket schema: its type, and whether every object must have it."""

    type: Literal["text", "string", "image", "number", "integer", "boolean", "json"] = "text"
    required: bool = False
    description: str = ""


class BucketSchema(Declaration):
    """What the objects of a bucket carry. An empty schema accepts everything."""

    properties: dict[str, SchemaProperty] = Field(default_factory=dict)


class Bucket(Declaration):
    """Where objects lie: a folder, a JSON Lines manifest, or (no URI) a folder in `AUTOLABEL_HOME`."""

    aliases = {"name": "bucket_name", "bucket_id": "bucket_name"}

    bucket_name: str | None = None
    uri: str | None = None
    key_prefix: str = ""
    bucket_schema: BucketSchema = BucketSchema()


class Source(Declaration):
    """One or more buckets; several need distinct key prefixes, so that keys stay unique."""

    type: Literal["bucket"] = "bucket"
    buckets: tuple[Bucket, ...] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def gather_buckets(cls, value: Any) -> Any:
        """Accept `uri`, `uris`, `bucket_ids` and `buckets` for the same thing."""
        if not isinstance(value, dict):
            return value
        rest = dict(value)
        buckets = list(rest.pop("buckets", []))
        shared = {k: rest.pop(k) for k in ("bucket_schema", "key_prefix") if k in rest}
        if "uri" in rest:
            buckets.append({"uri": rest.pop("uri"), **shared})
        buckets += [{"uri": uri, **shared} for uri in rest.pop("uris", [])]
        buckets += [
            {"bucket_name": name.removeprefix("bkt_"), **shared}
            for name in rest.pop("bucket_ids", [])
        ]
        return {**rest, "buckets": buckets or [shared]}

    @model_validator(mode="after")
    def prefixes_are_distinct(self) -> Source:
        """Refuse two buckets that would give their objects the same keys."""
        prefixes = [bucket.key_prefix for bucket in self.buckets]
        if len(set(prefixes)) < len(prefixes):
            raise ValueError(
                f"has {len(prefixes)} buckets with key_prefix {prefixes}; "
                "give each its own key_prefix, so that keys stay unique"
            )
        return self


class FeatureExtractor(Declaration):
    """Which plug-in turns objects into vectors, and which fields ride along.

    Attributes:
        feature_extractor_name: an entry point of the group `autolabel.extractors`.
        version: part of the feature URI; a new version is a new feature space.
        model: the extractor's model; None is its embedded default, which needs no weights.
        input_mappings: extractor input to the object's property, such as `{image: image_url}`.
        field_passthrough: fields carried from the object's metadata to its document.
        parameters: passed to the plug-in as keywords.
    """

    aliases = {"name": "feature_extractor_name"}

    feature_extractor_name: str = "image_extractor"
    version: str = "v1"
    model: str | None = None
    input_mappings: dict[str, str] = Field(default_factory=dict)
    field_passthrough: tuple[str, ...] = ()
    parameters: dict[str, Any] = Field(default_factory=dict)

    @field_validator("field_passthrough")
    @classmethod
    def fields_are_free(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse fields that would hide a column of the documents table."""
        for field in value:
            if field in RESERVED_FIELDS:
                raise ValueError(f"`{field}` is a column of its own; choose another field name")
        return value

    @property
    def space(self) -> tuple[str, str, str | None]:
        """What two collections must share for their vectors to be comparable."""
        return (self.feature_extractor_name, self.version, self.model)


class EnrichmentField(Declaration):
    """One field copied from the matched reference (`source`) to the document (`target`)."""

    source: str
    target: str

    @field_validator("source", "target")
    @classmethod
    def drop_payload_prefix(cls, value: str) -> str:
        """Accept the seeds' `payload.` prefix."""
        return value.removeprefix("payload.")


class Taxonomy(Declaration):
    """How labels travel from references to documents.

    Attributes:
        field_to_enrich: the field that holds the label.
        reference: `self` (unified) or the collection that holds the references (separate).
        confidence_threshold: lowest cosine at which a document takes the nearest reference's
            label, from -1 (label everything) to 1 (identical only). 0.30 is the seeds' default;
            what it means depends on the encoder: `autolabel threshold` proposes one.
        label_thresholds: thresholds for single labels, in place of `confidence_threshold`.
        retriever: name of a retriever whose `attribute_filter` decides which references count,
            and whose `feature_search` says how many and from which score.
        enrichment_fields: fields taken from the matched reference; by default those of
            `field_passthrough`. A document's own value always wins.
    """

    aliases = {
        "threshold": "confidence_threshold",
        "retriever_id": "retriever",
        "collection_id": "reference",
        "reference_collection": "reference",
    }

    taxonomy_name: str | None = None
    taxonomy_type: Literal["flat", "hierarchical"] = "flat"
    field_to_enrich: str
    reference: str = "self"
    confidence_threshold: float = Field(default=0.30, ge=-1.0, le=1.0)
    label_thresholds: dict[str, float] = Field(default_factory=dict)
    retriever: str | None = None
    enrichment_fields: tuple[EnrichmentField, ...] | None = None
    execution_mode: Literal["materialize", "retroactive", "on_demand"] = "materialize"

    @field_validator("label_thresholds")
    @classmethod
    def thresholds_are_cosines(cls, value: dict[str, float]) -> dict[str, float]:
        """Refuse thresholds that no cosine can reach."""
        for label, threshold in value.items():
            if not -1.0 <= threshold <= 1.0:
                raise ValueError(f"`{label}: {threshold}` is not a cosine; give -1.0 to 1.0")
        return value


class Export(Declaration):
    """Which formats `annotation_exports` keeps up to date; folders of images are opt-in."""

    formats: tuple[str, ...] = ("csv", "jsonl", "parquet")


class Collection(Declaration):
    """One declared collection: where its objects lie, how they are embedded, how they are labelled."""

    aliases = {"name": "collection_name", "annotation_exports": "exports"}

    collection_name: str
    description: str = ""
    source: Source = Field(default_factory=lambda: Source.model_validate({}))
    feature_extractor: FeatureExtractor = FeatureExtractor()
    taxonomy: Taxonomy | None = None
    retrievers: tuple[Retriever, ...] = ()
    exports: Export = Export()
    batch_size: int = Field(default=10_000, ge=1)
    max_object_mb: float = Field(default=100.0, gt=0)

    @model_validator(mode="before")
    @classmethod
    def single_extractor(cls, value: Any) -> Any:
        """Accept the list form `feature_extractors` with its one entry."""
        if not isinstance(value, dict) or "feature_extractors" not in value:
            return value
        rest = dict(value)
        extractors = rest.pop("feature_extractors")
        if not isinstance(extractors, list) or len(extractors) != 1:
            raise ValueError(
                "`feature_extractors` takes exactly one; for a second feature space declare a "
                "second collection over the same bucket"
            )
        return {**rest, "feature_extractor": extractors[0]}

    @field_validator("collection_name")
    @classmethod
    def name_is_an_identifier(cls, value: str) -> str:
        """Collection names become Dagster asset keys and folder names."""
        if not NAME.fullmatch(value):
            raise ValueError("use letters, digits and underscores, not starting with a digit")
        return value

    @property
    def label_field(self) -> str:
        """The field that holds the label; `label` where nothing else is declared."""
        if self.taxonomy:
            return self.taxonomy.field_to_enrich
        passthrough = self.feature_extractor.field_passthrough
        return passthrough[0] if passthrough else "label"

    @property
    def reference_collection(self) -> str | None:
        """Name of the collection that holds the references; None without a taxonomy."""
        if self.taxonomy is None:
            return None
        return (
            self.collection_name if self.taxonomy.reference == "self" else self.taxonomy.reference
        )

    @property
    def enrichment(self) -> tuple[EnrichmentField, ...]:
        """Fields that a document takes from its matched reference."""
        if self.taxonomy and self.taxonomy.enrichment_fields is not None:
            return self.taxonomy.enrichment_fields
        return tuple(
            EnrichmentField(source=field, target=field)
            for field in self.feature_extractor.field_passthrough
            if field != self.label_field
        )

    @property
    def fields(self) -> tuple[str, ...]:
        """Fields of a document beside its label, in a fixed order."""
        own = [f for f in self.feature_extractor.field_passthrough if f != self.label_field]
        return tuple(dict.fromkeys([*own, *(e.target for e in self.enrichment)]))
