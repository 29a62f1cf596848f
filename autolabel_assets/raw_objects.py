"""What lies in the bucket: hash, size, type, dimensions, metadata, or why it cannot be read."""

import dagster as dg

from autolabel_assets.asset_base import asset_options, refresh
from autolabel_assets.resources.progress import ProgressResource
from autolabel_assets.resources.workspace import WorkspaceResource
from autolabel_core.declarations import Collection
from autolabel_core.tables.raw_objects import RawObjects


def build_raw_objects(collection: Collection) -> dg.AssetsDefinition:
    """Return the asset `[collection, raw_objects]`."""
    name = collection.collection_name

    @dg.asset(
        **asset_options(collection, RawObjects),
        description=__doc__,
        deps=[],
    )
    def raw_objects(
        context: dg.AssetExecutionContext,
        workspace: WorkspaceResource,
        progress: ProgressResource,
    ) -> dg.MaterializeResult:
        return refresh(context, RawObjects, name, workspace, progress)

    return raw_objects
