"""The models of a collection's YAML; keys are the field's terms, and aliases are accepted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field, field_validator, model_validator

from autolabel_core.declarations.alert import Alert
from autolabel_core.declarations.automation import Automation
from autolabel_core.declarations.bucket import Bucket, BucketSchema, SchemaProperty, Source
from autolabel_core.declarations.cluster import Cluster
from autolabel_core.declarations.detection import DETECTION_COLUMNS, Detection
from autolabel_core.declarations.export import Export
from autolabel_core.declarations.file_name_rules import FileNames
from autolabel_core.declarations.frames import FRAME_COLUMNS, Frames
from autolabel_core.declarations.model import Count, Declaration, KeyedError, Text, Version
from autolabel_core.declarations.retriever import Retriever
from autolabel_core.declarations.taxonomy import EnrichmentField, Taxonomy
from autolabel_core.declarations.webhook import Webhook
from autolabel_core.declarations.zero_shot import SUGGESTION_COLUMNS, ZeroShot
from autolabel_core.foundation.ids import document_id

__all__ = ["Bucket", "BucketSchema", "Collection", "SchemaProperty", "Source"]

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
MAX_NAME_CHARACTERS = 100
BOX_KEY = re.compile(r"(.+)#det_(\d+)", re.DOTALL)
DATABASE_NAMES = frozenset({"main", "temp", "system", "information_schema", "pg_catalog"})
RESERVED_FIELDS = frozenset(
    (
        *("document_id", "key", "batch", "label", "label_source", "suggested_label", "matched"),
        *("confidence", "source_document_id", "margin", "margin_lower_bound", "neighbours"),
        *("similarity", "probability", "score_name"),
        *("content_hash", "media_type", "metadata", "taxonomy_match", "reason", "size"),
        *("width_px", "height_px", "version", "clusters"),
        *("cluster_id", "cluster_label", "cluster_summary", "cluster_keywords"),
        *("cluster_confidence", "cluster_extra"),
        *("score", "url", "file_name"),
    )
)
"""What tables, records and exports of documents have beside the declared fields."""


PASSTHROUGH = ("feature_extractor", "field_passthrough")


def _reserved(name: str) -> str:
    return f"`{name}` is a column of its own; choose another field name"


class FeatureExtractor(Declaration):
    """Which plug-in turns objects into vectors, and which fields ride along.

    Attributes:
        aliases: words that mean the same.
        feature_extractor_name: an entry point of the group `autolabel.extractors`.
        version: part of the feature URI; a new version is a new feature space.
        model: the extractor's model; None is its embedded default, which needs no weights.
        input_mappings: extractor input to the object's property, such as `{image: image_url}`.
        field_passthrough: fields carried from the object's metadata to its document.
        parameters: passed to the plug-in as keywords.
        fine_tune: whether a projection head may be trained on what people labelled; one in service
            is a feature space of its own.
    """

    aliases: ClassVar[Mapping[str, str]] = {"name": "feature_extractor_name"}

    feature_extractor_name: str = "image_extractor"
    version: Version = "v1"
    model: str | None = None
    input_mappings: dict[str, str] = Field(default_factory=dict)
    field_passthrough: tuple[Text, ...] = ()
    parameters: dict[str, object] = Field(default_factory=dict)
    fine_tune: bool = False

    @property
    def space(self) -> tuple[str, str, str | None]:
        """What two collections must share for their vectors to be comparable."""
        return (self.feature_extractor_name, self.version, self.model)


class Collection(Declaration):
    """One declared collection: where its objects lie, how they are embedded and labelled."""

    aliases: ClassVar[Mapping[str, str]] = {
        "name": "collection_name",
        "annotation_exports": "exports",
    }

    shorthands = ("feature_extractors",)

    collection_name: str
    description: str = ""
    source: Source = Field(default_factory=lambda: Source.model_validate({}))
    feature_extractor: FeatureExtractor = Field(default_factory=FeatureExtractor.model_construct)
    detection: Detection | None = None
    frames: Frames | None = None
    taxonomy: Taxonomy | None = None
    retrievers: tuple[Retriever, ...] = ()
    clusters: tuple[Cluster, ...] = ()
    references: FileNames | None = None
    reference_views: int = Field(default=0, strict=True, ge=0, le=256)
    exports: Export = Field(default_factory=Export.model_construct)
    automation: Automation = Field(default_factory=Automation.model_construct)
    webhooks: tuple[Webhook, ...] = ()
    alerts: tuple[Alert, ...] = ()
    batch_size: Count = 10_000
    max_object_mb: float = Field(default=100.0, gt=0, strict=True)

    @model_validator(mode="before")
    @classmethod
    def single_extractor(cls, value: object) -> object:
        """Accept the list form `feature_extractors` with its one entry."""
        if not isinstance(value, dict) or "feature_extractors" not in value:
            return value
        rest = dict(value)
        extractors = rest.pop("feature_extractors")
        if not isinstance(extractors, list) or len(extractors) != 1 or "feature_extractor" in rest:
            raise KeyedError(
                ("feature_extractors",),
                "takes exactly one; for a second feature space declare a second collection over "
                "the same bucket",
            )
        return {**rest, "feature_extractor": extractors[0]}

    @field_validator("collection_name")
    @classmethod
    def name_is_an_identifier(cls, value: str) -> str:
        """Collection names become Dagster asset keys and folder names."""
        if not NAME.fullmatch(value) or len(value) > MAX_NAME_CHARACTERS:
            raise ValueError(
                f"use 1 to {MAX_NAME_CHARACTERS} letters, digits and underscores, not starting "
                "with a digit"
            )
        if value.casefold() in DATABASE_NAMES:
            raise ValueError("is a name that the query engine keeps for itself; choose another")
        return value

    @model_validator(mode="after")
    def formats_can_be_written(self) -> Collection:
        """Refuse a format of documents for boxes, and the other way round."""
        self.exports.check_formats(of_boxes=self.detection is not None)
        return self

    @model_validator(mode="after")
    def frames_are_whole(self) -> Collection:
        """Refuse boxes on frames, which nothing carries yet, and frames of texts."""
        if self.frames is not None and self.detection is not None:
            raise KeyedError(
                ("frames",),
                "cannot stand beside `detection` yet; declare a collection of frames, and one "
                "with `detection` over images",
            )
        return self

    @model_validator(mode="after")
    def fields_are_free(self) -> Collection:
        """Refuse fields that would hide a column of the documents table, or each other."""
        reserved = self.reserved_fields
        if self.label_field != "label" and self.label_field.casefold() in reserved:
            where = ("taxonomy", "field_to_enrich") if self.taxonomy else PASSTHROUGH
            raise KeyedError(where, _reserved(self.label_field))
        own = [f for f in self.feature_extractor.field_passthrough if f != self.label_field]
        targets = [e.target for e in self.enrichment]
        for path, names in ((PASSTHROUGH, own), (("taxonomy", "enrichment_fields"), targets)):
            for name in names:
                if name.casefold() in reserved:
                    raise KeyedError(path, _reserved(name))
        folded = {name.casefold(): name for name in self.fields}
        for name in self.fields:
            if folded[name.casefold()] != name:
                raise KeyedError(
                    PASSTHROUGH,
                    f"`{name}` and `{folded[name.casefold()]}` differ only in case; keep one",
                )
        return self

    def document_id(self, key: str) -> str:
        """Return the id of the document with that key: of an object, or of a box on an image."""
        found = BOX_KEY.fullmatch(key) if self.detection else None
        if found is None:
            return document_id(self.collection_name, key)
        return f"{document_id(self.collection_name, found[1])}_det_{found[2]}"

    @property
    def reserved_fields(self) -> frozenset[str]:
        """Columns that documents have, whatever fields are declared."""
        boxes = DETECTION_COLUMNS if self.detection else ()
        frames = FRAME_COLUMNS if self.frames else ()
        proposed = SUGGESTION_COLUMNS if self.zero_shot else ()
        return RESERVED_FIELDS | frozenset((*boxes, *frames, *proposed))

    @property
    def has_parts(self) -> bool:
        """Whether documents are parts of objects: boxes on images, or frames of videos."""
        return self.detection is not None or self.frames is not None

    @property
    def zero_shot(self) -> ZeroShot | None:
        """How labels are proposed by name; None where they are not."""
        return self.taxonomy.zero_shot if self.taxonomy else None

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
            fields = self.taxonomy.enrichment_fields
            return tuple(e for e in fields if e.target != self.label_field)
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
