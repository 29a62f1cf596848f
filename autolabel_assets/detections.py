"""Boxes on every readable image: a document for each, and one for each image."""

import dagster as dg

from autolabel_assets.asset_base import asset_options, key, refresh
from autolabel_assets.resources.progress import ProgressResource
from autolabel_assets.resources.workspace import WorkspaceResource
from autolabel_core.declarations import Collection
from autolabel_core.tables.detections import DetectionTable


def build_detections(collection: Collection) -> dg.AssetsDefinition:
    """Return the asset `[collection, detections]`."""
    name = collection.collection_name

    @dg.asset(
        **asset_options(collection, DetectionTable),
        description=__doc__,
        deps=[key(collection, "raw_objects")],
    )
    def detections(
        context: dg.AssetExecutionContext,
        workspace: WorkspaceResource,
        progress: ProgressResource,
    ) -> dg.MaterializeResult:
        return refresh(context, DetectionTable, name, workspace, progress)

    return detections
