"""What Dagster shows of an asset beside its edges: what keeps and makes it, when it changes."""

import dagster as dg
import yaml

from autolabel_core.declarations import Collection
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.foundation.paths import Paths
from autolabel_core.models.extractors.image import DESCRIPTOR
from autolabel_core.models.extractors.text_models import HASHED
from autolabel_core.operations.staleness_plan import edges_of, tables_of
from autolabel_core.storage.s3 import SCHEME
from autolabel_core.tables.table import DerivedTable
from autolabel_core.tables.taxonomy_labels import TaxonomyLabels

BUCKET, LEDGER = "bucket", "ledger"
PRIORITY_TAG = "dagster/priority"
EMBEDDING = ("feature_extractor", "detection")
SECTIONS = {
    "raw_objects": ("source", "frames", "references", "max_object_mb"),
    "detections": ("detection",),
    "embeddings": EMBEDDING,
    "reference_set": ("references", "reference_views"),
    "suggestions": ("zero_shot", "taxonomy"),
    "taxonomy_labels": ("taxonomy", "retrievers"),
    "reindexed_vectors": EMBEDDING,
    "clusters": ("clusters",),
    "annotation_exports": ("exports",),
    "fine_tuned_weights": EMBEDDING,
}
"""The keys of a declaration that change what an asset holds, when its upstream stays the same."""
FILES = {
    "embeddings": ("arrow",),
    "reference_set": ("arrow",),
    "reindexed_vectors": ("chroma",),
    "annotation_exports": ("csv",),
    "fine_tuned_weights": ("pytorch",),
}
"""What an asset is kept as; the others are Parquet files."""


def upstream_keys(collection: Collection, table: type[DerivedTable]) -> list[dg.AssetKey]:
    """Return what a table is made from, the bucket and the ledger among it."""
    keys = [dg.AssetKey(list(edge)) for edge in edges_of(collection, table)]
    first = {"raw_objects": BUCKET, "reference_set": LEDGER}.get(table.name)
    return [*keys, external_key(collection, first)] if first else keys


def external_key(collection: Collection, name: str) -> dg.AssetKey:
    """Return the key of the bucket or the ledger of a collection."""
    return dg.AssetKey([collection.collection_name, name])


def external_assets(collection: Collection) -> list[dg.AssetSpec]:
    """Return the two sources of truth, which no run makes; sensors observe them."""
    group = collection.collection_name
    uris = [bucket.uri for bucket in collection.source.buckets if bucket.uri]
    is_s3 = any(str(uri).startswith(SCHEME) for uri in uris)
    database = Paths.from_environment().ledger_url.partition(":")[0].partition("+")[0]
    where = ", ".join(f"`{uri}`" for uri in uris) or "the embedded bucket"
    return [
        dg.AssetSpec(
            external_key(collection, BUCKET),
            group_name=group,
            kinds={"s3" if is_s3 else "file"},
            description=f"The objects that people upload: {where}. autolabel reads them only.",
        ),
        dg.AssetSpec(
            external_key(collection, LEDGER),
            group_name=group,
            kinds={database},
            description="What people said and what arrived: facts, appended and never edited.",
        ),
    ]


def kinds_of(collection: Collection, table: type[DerivedTable]) -> set[str]:
    """Return what a table is kept as, on what, and by what it is made; at most three kinds."""
    on_s3 = Paths.from_environment().warehouse_place.startswith(SCHEME)
    kinds = {*FILES.get(table.name, ("parquet",)), *({"s3"} if on_s3 else ())}
    if table.name == "embeddings":
        kinds.add(_runtime(collection.feature_extractor.model))
    if table.name == "fine_tuned_weights" and collection.detection is not None:
        kinds.add("ultralytics")
    return kinds


def _runtime(model: str | None) -> str:
    if model is not None and model.startswith(("open_clip", "sentence")):
        return "pytorch"
    return "numpy" if model == DESCRIPTOR or (model or "").startswith(HASHED) else "onnx"


def code_version(collection: Collection, table: type[DerivedTable]) -> str:
    """Return a version that changes exactly when the declaration asks for another content."""
    return fingerprint(_declared(collection, table))[:12]


def described(collection: Collection, table: type[DerivedTable], description: str) -> str:
    """Return a description in Markdown, with what is declared for the asset."""
    declared = _declared(collection, table)
    if not declared:
        return description
    text = yaml.safe_dump(declared, sort_keys=False, allow_unicode=True)
    return f"{description.strip()}\n\nDeclared:\n\n```yaml\n{text}```"


def _declared(collection: Collection, table: type[DerivedTable]) -> dict[str, object]:
    """Return what differs from the defaults in the sections that concern a table."""
    extractor = collection.feature_extractor
    found: dict[str, object] = collection.model_dump(
        mode="json",
        include=set(SECTIONS.get(table.name, ())),
        # Declared beside the model, these fields are carried to the labels and change no vector.
        exclude={"feature_extractor": {"field_passthrough"}},
        exclude_defaults=True,
    )
    if not found.get("feature_extractor", True):
        del found["feature_extractor"]
    if table is TaxonomyLabels and extractor.field_passthrough:
        found["field_passthrough"] = list(extractor.field_passthrough)
    return found


def step_tags(collection: Collection, table: type[DerivedTable]) -> dict[str, str]:
    """Let what labels wait for be made first: the index and the exports take seconds."""
    return {PRIORITY_TAG: "1"} if table in _way_to_labels(collection) else {}


def _way_to_labels(collection: Collection) -> set[type[DerivedTable]]:
    tables = {table.name: table for table in tables_of(collection)}
    found: set[type[DerivedTable]] = set()
    open_ends = [TaxonomyLabels.name] if TaxonomyLabels.name in tables else []
    while open_ends:
        table = tables[open_ends.pop()]
        found.add(table)
        edges = edges_of(collection, table)
        open_ends += [name for owner, name in edges if owner == collection.collection_name]
    return found
