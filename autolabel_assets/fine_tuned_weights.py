"""New weights for detector or features: trained when asked for, judged, and kept with a card."""

import dagster as dg

from autolabel_assets.asset_base import TRAINING_POOL, asset_options, key, refresh
from autolabel_assets.resources.progress import ProgressResource
from autolabel_assets.resources.workspace import WorkspaceResource
from autolabel_core.declarations import Collection
from autolabel_core.operations.staleness_plan import weights_of


def build_fine_tuned_weights(collection: Collection) -> dg.AssetsDefinition:
    """Return the asset `[collection, fine_tuned_weights]`."""
    name, table = collection.collection_name, weights_of(collection)

    @dg.asset(
        **asset_options(collection, table),
        description=__doc__,
        deps=[key(collection, "annotation_exports")],
        pool=TRAINING_POOL,
    )
    def fine_tuned_weights(
        context: dg.AssetExecutionContext,
        workspace: WorkspaceResource,
        progress: ProgressResource,
    ) -> dg.MaterializeResult:
        return refresh(context, table, name, workspace, progress)

    return fine_tuned_weights
