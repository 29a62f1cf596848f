"""Every document with its label and where it came from: a person, a promotion or a reference."""

import dagster as dg

from autolabel_assets.asset_base import asset_options, key, refresh
from autolabel_assets.resources.progress import ProgressResource
from autolabel_assets.resources.workspace import WorkspaceResource
from autolabel_core.declarations import Collection
from autolabel_core.tables.taxonomy_labels import TaxonomyLabels


def build_taxonomy_labels(collection: Collection) -> dg.AssetsDefinition:
    """Return the asset `[collection, taxonomy_labels]`."""
    name = collection.collection_name

    @dg.asset(
        **asset_options(collection, TaxonomyLabels),
        description=__doc__,
        deps=_upstream(collection),
    )
    def taxonomy_labels(
        context: dg.AssetExecutionContext,
        workspace: WorkspaceResource,
        progress: ProgressResource,
    ) -> dg.MaterializeResult:
        return refresh(context, TaxonomyLabels, name, workspace, progress)

    return taxonomy_labels


def _upstream(collection: Collection) -> list[dg.AssetKey]:
    """The edge to another collection's references is what makes the separate approach visible."""
    referred = {collection.collection_name, collection.reference_collection or ""}
    references = [key(name, "reference_set") for name in sorted(referred) if name]
    return [key(collection, "embeddings"), *references]
