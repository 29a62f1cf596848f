"""The annotated dataset, complete, in the declared formats: labels, or reviewed boxes."""

import dagster as dg

from autolabel_assets.asset_base import asset_options, key, refresh
from autolabel_assets.resources.progress import ProgressResource
from autolabel_assets.resources.workspace import WorkspaceResource
from autolabel_core.declarations import Collection
from autolabel_core.exports.box_exports_table import BoxExports
from autolabel_core.exports.label_exports_table import AnnotationExports
from autolabel_core.operations.staleness_plan import upstream_of


def build_annotation_exports(collection: Collection) -> dg.AssetsDefinition:
    """Return the asset `[collection, annotation_exports]`."""
    name = collection.collection_name
    table = AnnotationExports if collection.detection is None else BoxExports

    @dg.asset(
        **asset_options(collection, table),
        description=__doc__,
        deps=[key(collection, name) for name in upstream_of(collection, table.name)],
    )
    def annotation_exports(
        context: dg.AssetExecutionContext,
        workspace: WorkspaceResource,
        progress: ProgressResource,
    ) -> dg.MaterializeResult:
        return refresh(context, table, name, workspace, progress)

    return annotation_exports
