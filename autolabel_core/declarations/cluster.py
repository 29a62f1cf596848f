"""The model of `clusters:` in a collection's YAML: what is grouped, how, and when."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from autolabel_core.declarations.automation import Cron
from autolabel_core.declarations.clustering_parameters import checked_parameters
from autolabel_core.declarations.llm_naming import LLMLabeling
from autolabel_core.declarations.model import Cosine, Count, Declaration, KeyedError, Text
from autolabel_core.foundation.feature_uri import parse_feature_uri

CLUSTER_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,99}")
ALGORITHM = ("algorithm", "clustering_method")
PARAMS = ("algorithm_params", "algorithm_config", "hdbscan_parameters")
OWN_KEYS = {
    "whitening": {"regularization"},
    "umap": {"n_components", "n_neighbors", "min_dist", "metric"},
    "pca": {"n_components"},
}
REFUSED_FEATURES = {
    "sparse": "is a sparse feature; clusters need dense vectors: name a dense feature",
    "splade": "is a sparse feature; clusters need dense vectors: name a dense feature",
    "bm25": "is a sparse feature; clusters need dense vectors: name a dense feature",
    "video": "is a feature of videos; cluster images, such as frames that a bucket holds",
    "audio": "is a feature of sound; cluster texts, such as transcripts that a bucket holds",
}

Mode = Literal["full", "assign"]
Enriched = Literal["cluster_id", "label", "summary", "keywords", "confidence", "extra"]
Algorithm = Literal[
    "kmeans",
    "dbscan",
    "hdbscan",
    "agglomerative",
    "spectral",
    "gaussian_mixture",
    "mean_shift",
    "optics",
]


class PreprocessingStep(Declaration):
    """One step before the algorithm; steps run in the order of the list.

    Attributes:
        aliases: words that mean the same.
        method: `whitening` (soft-ZCA) takes away what all directions share, `umap` and `pca` reduce
            the dimensions.
        regularization: of whitening: added to each eigenvalue of the covariance, so that small ones
            are not blown up; 0 is full whitening, far above the largest eigenvalue is none.
            `auto` is the mean eigenvalue (of directions that can vary) over the mean cosine of two
            vectors: of vectors that all point the same way that is much whitening, of those that
            share nothing, such as the outcome of `pca`, it is none.
        n_components: of umap and pca: dimensions left, fewer where there are few rows.
        n_neighbors: of umap: how many neighbours make the local structure.
        min_dist: of umap: how close points may lie; 0 packs dense groups.
        metric: of umap: how neighbours are found.
    """

    aliases: ClassVar[Mapping[str, str]] = {"components": "n_components"}

    method: Literal["whitening", "umap", "pca"]
    regularization: Annotated[float, Field(strict=True, ge=0.0)] | Literal["auto"] = "auto"
    n_components: Count = 50
    n_neighbors: Annotated[int, Field(strict=True, ge=2)] = 30
    min_dist: Annotated[float, Field(strict=True, ge=0.0, lt=1.0)] = 0.0
    metric: Literal["cosine", "euclidean", "manhattan", "correlation"] = "cosine"

    @model_validator(mode="before")
    @classmethod
    def bare_method(cls, value: object) -> object:
        """Accept the method alone."""
        return {"method": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def keys_fit_the_method(self) -> PreprocessingStep:
        """Refuse keys of another method."""
        for name in self.model_fields_set - {"method"} - OWN_KEYS[self.method]:
            owners = " and ".join(m for m, keys in OWN_KEYS.items() if name in keys)
            raise KeyedError((name,), f"is for {owners} alone; take it out of {self.method}")
        return self


class DimensionReduction(Declaration):
    """How the map of a run is drawn; a third component is shown as the size of the dots."""

    aliases: ClassVar[Mapping[str, str]] = {"n_components": "components"}

    method: Literal["umap", "pca"] = "umap"
    components: Literal[2, 3] = 2


class ClusterTrigger(Declaration):
    """When a run is asked for without a command: one of five reasons.

    Attributes:
        aliases: words that mean the same.
        cron: at these times, UTC.
        every_minutes: so long after the last run.
        after_documents: as soon as so many documents came or changed since the last run.
        event: `batch.completed`: when a batch of uploads is labelled to the end.
        should_recluster: true: when the last run's figures recommend a full run.
        mode: in place of the definition's own.
    """

    aliases: ClassVar[Mapping[str, str]] = {
        "interval_minutes": "every_minutes",
        "threshold": "after_documents",
        "event_type": "event",
    }

    cron: Cron | None = None
    every_minutes: float | None = Field(default=None, gt=0.0, strict=True)
    after_documents: Count | None = None
    event: Literal["batch.completed"] | None = None
    should_recluster: Literal[True] | None = None
    mode: Mode | None = None

    @model_validator(mode="after")
    def one_reason(self) -> ClusterTrigger:
        """Refuse a trigger without a reason, and one with two."""
        reasons = [self.cron, self.every_minutes, self.after_documents, self.event]
        reasons.append(self.should_recluster)
        if sum(reason is not None for reason in reasons) != 1:
            raise ValueError(
                "needs one of cron, every_minutes, after_documents, event, should_recluster; "
                "two reasons are two triggers"
            )
        if self.should_recluster and self.mode == "assign":
            raise KeyedError(("mode",), "should_recluster recommends a full run; leave it out")
        return self


def _default_steps() -> tuple[PreprocessingStep, ...]:
    return PreprocessingStep(method="whitening"), PreprocessingStep(method="umap")


class Cluster(Declaration):
    """One definition of clusters over the documents of one or more collections.

    Attributes:
        aliases: words that mean the same.
        shorthands: words that are taken apart.
        cluster_name: names the definition, its folder and its runs.
        description: for people.
        cluster_type: vectors are grouped.
        feature_uris: the feature spaces; empty is the collection's own. The vectors of one document
            are joined as blocks of equal weight.
        collection_identifiers: the collections whose documents are grouped; empty is this one.
        filter: name of a retriever; its conditions choose the documents, such as the unlabelled.
        algorithm: what groups them.
        algorithm_params: its parameters, defaults filled in.
        preprocessing_steps: what happens to the vectors before, in order.
        hierarchical: whether clusters with enough members are divided again.
        max_hierarchy_depth: how many levels there are at most, 1 is no sub-clusters.
        dimension_reduction: how the map is drawn; null is no map.
        sample_size: group so many documents, drawn by chance; the others are assigned.
        mode: `full` groups anew, `assign` puts documents to the clusters of the last full run.
        assignment_threshold: lowest cosine to a centroid at which a document is assigned, from -1
            (all are) to 1 (identical only); `auto` is, for each cluster, what 99 % of the members
            in the run reach.
        seed: of everything random.
        enrich: what becomes a field of each document: `cluster_id`, and `label`, `summary`,
            `keywords`, `confidence` and `extra` (the further keys of `response_shape`, as JSON) as
            `cluster_label` and so on.
        llm_labeling: which server names the clusters; null names them without one.
        schedule: when to run, UTC; the same as a trigger with `cron`.
        triggers: when else to run.
    """

    aliases: ClassVar[Mapping[str, str]] = {
        "name": "cluster_name",
        "feature_uri": "feature_uris",
        "feature_addresses": "feature_uris",
        "collection_ids": "collection_identifiers",
        "source_collection_ids": "collection_identifiers",
        "retriever": "filter",
        "retriever_id": "filter",
        "clustering_method": "algorithm",
        "algorithm_config": "algorithm_params",
        "hdbscan_parameters": "algorithm_params",
        "random_state": "seed",
    }
    shorthands = ("vector_config",)

    cluster_name: str
    description: str = ""
    cluster_type: Literal["vector"] = "vector"
    feature_uris: tuple[str, ...] = ()
    collection_identifiers: tuple[Text, ...] = ()
    filter: Text | None = None
    algorithm: Algorithm = "hdbscan"
    algorithm_params: dict[str, object] = Field(default_factory=dict, validate_default=True)
    preprocessing_steps: tuple[PreprocessingStep, ...] = Field(default_factory=_default_steps)
    hierarchical: bool = Field(default=False, strict=True)
    max_hierarchy_depth: Count = 3
    dimension_reduction: DimensionReduction | None = Field(
        default_factory=DimensionReduction.model_construct
    )
    sample_size: Count | None = None
    mode: Mode = "full"
    assignment_threshold: Cosine | Literal["auto"] = "auto"
    seed: int = Field(default=0, strict=True, ge=0, lt=2**32)
    enrich: tuple[Enriched, ...] = ()
    llm_labeling: LLMLabeling | None = None
    schedule: Cron | None = None
    triggers: tuple[ClusterTrigger, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def flatten(cls, value: object) -> object:
        """Accept `vector_config: {…}` and `algorithm: {name, params}` for the flat form."""
        if not isinstance(value, dict):
            return value
        flat = {k: v for k, v in value.items() if k != "vector_config"}
        if "vector_config" in value:
            inner = value["vector_config"]
            if not isinstance(inner, dict) or flat.keys() & inner.keys():
                raise KeyedError(("vector_config",), "expected keys that stand nowhere else")
            flat |= inner
        if "hdbscan_parameters" in flat and not set(ALGORITHM) & set(flat):
            flat["algorithm"] = "hdbscan"
        for key in ALGORITHM:
            if isinstance(flat.get(key), dict):
                flat |= _taken_apart(flat.pop(key), key, flat)
        return flat

    @field_validator("cluster_name")
    @classmethod
    def name_is_a_folder_name(cls, value: str) -> str:
        """Refuse names that are no folder."""
        if not CLUSTER_NAME.fullmatch(value):
            raise ValueError(
                "use 1 to 100 letters, digits, `_` and `-`, beginning with a letter or `_`"
            )
        return value

    @field_validator("feature_uris", mode="before")
    @classmethod
    def single_uri(cls, value: object) -> object:
        """Accept one URI without a list."""
        return (value,) if isinstance(value, str) else value

    @field_validator("feature_uris")
    @classmethod
    def uris_are_dense(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Normalise the URIs; refuse sparse features, videos, sound and repetitions."""
        uris = tuple(parse_feature_uri(uri).feature_uri for uri in value)
        for uri in uris:
            for word in re.split(r"[^a-z0-9]+", uri.lower()):
                if word in REFUSED_FEATURES:
                    raise ValueError(f"`{uri}` {REFUSED_FEATURES[word]}")
            if uris.count(uri) > 1:
                raise ValueError(f"`{uri}` stands here twice; name each space once")
        return uris

    @field_validator("algorithm_params")
    @classmethod
    def params_fit_the_algorithm(
        cls, value: dict[str, object], info: ValidationInfo
    ) -> dict[str, object]:
        """Check names and ranges; fill in defaults."""
        if "algorithm" not in info.data:
            return value
        return checked_parameters(info.data["algorithm"], value)

    @property
    def all_triggers(self) -> tuple[ClusterTrigger, ...]:
        """The triggers, the schedule first."""
        scheduled = [ClusterTrigger(cron=self.schedule)] if self.schedule else []
        return (*scheduled, *self.triggers)


def _taken_apart(
    nested: Mapping[str, object], key: str, beside: Mapping[str, object]
) -> dict[str, object]:
    """Return `{name, params}` as two keys."""
    params = {name: nested[name] for name in ("params", *PARAMS) if name in nested}
    if set(nested) - {"name", *params} or "name" not in nested or len(params) > 1:
        raise KeyedError((key,), "expected the algorithm's name, or {name: …, params: {…}}")
    if params and set(PARAMS) & set(beside):
        raise KeyedError((key,), "parameters stand here and beside it; keep them in one place")
    flat = {"algorithm": nested["name"]}
    if params:
        flat["algorithm_params"] = next(iter(params.values()))
    return flat
