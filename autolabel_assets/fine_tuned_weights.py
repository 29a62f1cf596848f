"""New weights for the detector: trained when asked for, judged on gold images, kept with a card."""

import dagster as dg

from autolabel_assets.walk import TRAINING_POOL, asset_options, key, refresh
from autolabel_core.declarations import Collection
from autolabel_core.derived.fine_tuned_weights import FineTunedWeights
from resources.progress import ProgressResource
from resources.workspace import WorkspaceResource


def build_fine_tuned_weights(collection: Collection) -> dg.AssetsDefinition:
    """Return the asset `[collection, fine_tuned_weights]`."""
    name = collection.collection_name

    @dg.asset(
        **asset_options(collection, FineTunedWeights),
        description=__doc__,
        deps=[key(collection, "annotation_exports")],
        pool=TRAINING_POOL,
    )
    def fine_tuned_weights(
        context: dg.AssetExecutionContext,
        workspace: WorkspaceResource,
        progress: ProgressResource,
    ) -> dg.MaterializeResult:
        return refresh(context, FineTunedWeights, name, workspace, progress)

    return fine_tuned_weights
