"""Asset checks that show the findings of `autolabel status` in Dagster."""

import dagster as dg

from autolabel_assets.asset_base import key
from autolabel_assets.resources.workspace import WorkspaceResource
from autolabel_core.declarations import Collection
from autolabel_core.operations.advice import findings
from autolabel_core.operations.staleness_plan import tables_of
from autolabel_core.operations.status import collection_status

CHECKS = {
    "raw_objects": ("unreadable_share",),
    "reference_set": ("references_per_label", "references_balanced", "references_agree"),
    "taxonomy_labels": (
        *("something_labelled", "threshold_near_data", "false_positive_rate"),
        *("webhooks_delivered", "uploads_as_before"),
    ),
    "clusters": ("should_recluster", "noise_ratio"),
}


CHECKS_OF_BOXES = {"detections": ("images_with_detections", "detections_judged_right")}


def build_checks(collection: Collection) -> list[dg.AssetChecksDefinition]:
    """Return the checks of one collection, all computed from its status in one go."""
    name = collection.collection_name
    there = {table.name for table in tables_of(collection)}
    checked = CHECKS if collection.detection is None else {**CHECKS, **CHECKS_OF_BOXES}
    specs = [
        dg.AssetCheckSpec(name=check, asset=key(collection, asset))
        for asset, checks in checked.items()
        for check in checks
        if asset in there
    ]
    if collection.references is not None:
        check = "references_distinguishable"
        specs.append(dg.AssetCheckSpec(name=check, asset=key(collection, "reference_set")))

    if collection.taxonomy is not None and collection.taxonomy.target is not None:
        check = "labels_certified"
        specs.append(dg.AssetCheckSpec(name=check, asset=key(collection, "taxonomy_labels")))

    @dg.multi_asset_check(specs=specs, name=f"{name}_checks", can_subset=True)
    def checks(context: dg.AssetCheckExecutionContext, workspace: WorkspaceResource):  # noqa: ANN202
        opened = workspace.open()
        status = collection_status(opened.open(name))
        for finding in findings(status):
            asset_key = key(collection, finding.asset)
            if dg.AssetCheckKey(asset_key, finding.name) in context.selected_asset_check_keys:
                yield dg.AssetCheckResult(
                    passed=finding.passed,
                    asset_key=asset_key,
                    check_name=finding.name,
                    severity=dg.AssetCheckSeverity.WARN,
                    description=finding.text,
                )

    return [checks]
