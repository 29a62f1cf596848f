"""All assets and checks of the declared collections; adding a collection is adding a file."""

import warnings

import dagster as dg

from autolabel_assets.annotation_exports import build_annotation_exports
from autolabel_assets.checks import build_checks
from autolabel_assets.clusters import build_clusters
from autolabel_assets.detections import build_detections
from autolabel_assets.embeddings import build_embeddings
from autolabel_assets.fine_tuned_weights import build_fine_tuned_weights
from autolabel_assets.raw_objects import build_raw_objects
from autolabel_assets.reference_set import build_reference_set
from autolabel_assets.reindexed_vectors import build_reindexed_vectors
from autolabel_assets.taxonomy_labels import build_taxonomy_labels
from autolabel_core.declarations import Collection
from autolabel_core.operations.staleness_plan import tables_of

BUILDERS = {
    "raw_objects": build_raw_objects,
    "detections": build_detections,
    "embeddings": build_embeddings,
    "reference_set": build_reference_set,
    "taxonomy_labels": build_taxonomy_labels,
    "reindexed_vectors": build_reindexed_vectors,
    "clusters": build_clusters,
    "annotation_exports": build_annotation_exports,
    "fine_tuned_weights": build_fine_tuned_weights,
}


def build_assets(collection: Collection) -> list[dg.AssetsDefinition | dg.AssetChecksDefinition]:
    """Return the assets `[collection, asset]` of one collection and their checks."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        assets = [BUILDERS[table.name](collection) for table in tables_of(collection)]
    return [*assets, *build_checks(collection)]


def build_definitions(collections: dict[str, Collection]) -> dict[str, list[object]]:
    """Return assets, checks and jobs of all collections, as keywords of `dg.Definitions`."""
    built = [item for collection in collections.values() for item in build_assets(collection)]
    return {
        "assets": [item for item in built if not isinstance(item, dg.AssetChecksDefinition)],
        "asset_checks": [item for item in built if isinstance(item, dg.AssetChecksDefinition)],
        "jobs": [
            dg.define_asset_job(
                name=f"{name}_all",
                selection=dg.AssetSelection.groups(name),
                description=f"Every asset of {name}; launch it over all batches.",
            )
            for name, collection in collections.items()
        ],
    }
