"""The labelled references: the latest human or promoted label of each document, with its vector."""

import dagster as dg

from autolabel_assets.asset_base import asset_options, key, refresh
from autolabel_assets.resources.progress import ProgressResource
from autolabel_assets.resources.workspace import WorkspaceResource
from autolabel_core.declarations import Collection
from autolabel_core.tables.reference_set import ReferenceSet


def build_reference_set(collection: Collection) -> dg.AssetsDefinition:
    """Return the asset `[collection, reference_set]`."""
    name = collection.collection_name

    @dg.asset(
        **asset_options(collection, ReferenceSet),
        description=__doc__,
        deps=[key(collection, "embeddings")],
    )
    def reference_set(
        context: dg.AssetExecutionContext,
        workspace: WorkspaceResource,
        progress: ProgressResource,
    ) -> dg.MaterializeResult:
        return refresh(context, ReferenceSet, name, workspace, progress)

    return reference_set
