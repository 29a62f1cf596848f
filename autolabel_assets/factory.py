"""Builds all assets and checks of the declared collections."""

import warnings

import dagster as dg

from autolabel_assets import (
    annotation_exports,
    clusters,
    detections,
    embeddings,
    fine_tuned_weights,
    raw_objects,
    reference_set,
    reindexed_vectors,
    suggestions,
    taxonomy_labels,
)
from autolabel_assets.asset_base import build_asset
from autolabel_assets.checks import build_checks
from autolabel_assets.lineage import external_assets
from autolabel_core.declarations import Collection
from autolabel_core.operations.staleness_plan import tables_of

ASSETS = (
    raw_objects,
    detections,
    embeddings,
    reference_set,
    suggestions,
    taxonomy_labels,
    reindexed_vectors,
    clusters,
    annotation_exports,
    fine_tuned_weights,
)
DESCRIPTIONS = {table: str(module.__doc__) for module in ASSETS for table in module.TABLES}


Built = dg.AssetSpec | dg.AssetsDefinition | dg.AssetChecksDefinition


def build_assets(collection: Collection) -> list[Built]:
    """Return the assets `[collection, asset]` of one collection, their sources and checks."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        assets = [
            build_asset(collection, table, DESCRIPTIONS[table]) for table in tables_of(collection)
        ]
    return [*external_assets(collection), *assets, *build_checks(collection)]


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
