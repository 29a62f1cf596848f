"""Groups of what nobody has labelled yet; a cluster keeps its id and name from run to run."""

import dagster as dg

from autolabel_assets.asset_base import asset_options, key, refresh
from autolabel_assets.resources.progress import ProgressResource
from autolabel_assets.resources.workspace import WorkspaceResource
from autolabel_core.clusters.table import Clusters
from autolabel_core.declarations import Collection
from autolabel_core.operations.staleness_plan import upstream_of
from autolabel_core.tables.taxonomy_labels import TaxonomyLabels


def build_clusters(collection: Collection) -> dg.AssetsDefinition:
    """Return the asset `[collection, clusters]`."""
    name = collection.collection_name

    @dg.asset(
        **asset_options(collection, Clusters),
        description=__doc__,
        deps=_upstream(collection),
    )
    def clusters(
        context: dg.AssetExecutionContext,
        workspace: WorkspaceResource,
        progress: ProgressResource,
    ) -> dg.MaterializeResult:
        return refresh(context, Clusters, name, workspace, progress)

    return clusters


def _upstream(collection: Collection) -> list[dg.AssetKey]:
    """Edges to every collection whose documents are grouped; names are made from their fields."""
    grouped = {name for one in collection.clusters for name in one.collection_identifiers}
    above = sorted({*upstream_of(collection, Clusters.name), TaxonomyLabels.name})
    names = sorted({collection.collection_name, *grouped})
    return [key(name, asset) for name in names for asset in above]
