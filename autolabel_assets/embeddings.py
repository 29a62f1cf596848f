"""Vectors of every object or box that can be read; unchanged content is never embedded twice."""

import dagster as dg

from autolabel_assets.asset_base import asset_options, key, refresh
from autolabel_assets.resources.progress import ProgressResource
from autolabel_assets.resources.workspace import WorkspaceResource
from autolabel_core.declarations import Collection
from autolabel_core.operations.staleness_plan import upstream_of
from autolabel_core.tables.embeddings import Embeddings


def build_embeddings(collection: Collection) -> dg.AssetsDefinition:
    """Return the asset `[collection, embeddings]`."""
    name = collection.collection_name

    @dg.asset(
        **asset_options(collection, Embeddings),
        description=__doc__,
        deps=[key(collection, asset) for asset in upstream_of(collection, "embeddings")],
    )
    def embeddings(
        context: dg.AssetExecutionContext,
        workspace: WorkspaceResource,
        progress: ProgressResource,
    ) -> dg.MaterializeResult:
        return refresh(context, Embeddings, name, workspace, progress)

    return embeddings
