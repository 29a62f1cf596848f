"""A copy of the vectors in Chroma; a new feature URI grows beside the old until it is complete."""

import dagster as dg

from autolabel_assets.asset_base import INDEX_POOL, asset_options, key, refresh
from autolabel_assets.resources.progress import ProgressResource
from autolabel_assets.resources.workspace import WorkspaceResource
from autolabel_core.declarations import Collection
from autolabel_core.tables.reindexed_vectors import ReindexedVectors


def build_reindexed_vectors(collection: Collection) -> dg.AssetsDefinition:
    """Return the asset `[collection, reindexed_vectors]`."""
    name = collection.collection_name

    @dg.asset(
        **asset_options(collection, ReindexedVectors),
        description=__doc__,
        deps=[key(collection, "embeddings")],
        pool=INDEX_POOL,
    )
    def reindexed_vectors(
        context: dg.AssetExecutionContext,
        workspace: WorkspaceResource,
        progress: ProgressResource,
    ) -> dg.MaterializeResult:
        return refresh(context, ReindexedVectors, name, workspace, progress)

    return reindexed_vectors
