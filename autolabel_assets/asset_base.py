"""The walk that every asset takes: open, refresh each batch, report as metadata."""

from typing import Any

import dagster as dg

from autolabel_assets.resources.failures import domain_errors_as_failures
from autolabel_assets.resources.progress import ProgressResource
from autolabel_assets.resources.workspace import WorkspaceResource
from autolabel_core.declarations import Collection
from autolabel_core.foundation.charts import as_markdown
from autolabel_core.notifications.batch_events import record_batch_events
from autolabel_core.operations.registration import partitions_name
from autolabel_core.tables.table import WHOLE, DerivedTable
from autolabel_core.tables.taxonomy_labels import TaxonomyLabels

INDEX_POOL = "autolabel_vector_index"
TRAINING_POOL = "autolabel_training"


def batches_definition(collection: Collection) -> dg.DynamicPartitionsDefinition:
    """Return the partitions of a collection: one for each coarse batch of uploads."""
    return dg.DynamicPartitionsDefinition(name=partitions_name(collection.collection_name))


def asset_options(collection: Collection, table: type[DerivedTable]) -> dict[str, Any]:
    """Return what `@asset` is given for a table, the same for all of them."""
    partitions = batches_definition(collection) if table.partitioned else None
    return {
        "name": table.name,
        "key_prefix": collection.collection_name,
        "group_name": collection.collection_name,
        "kinds": {"python"},
        "partitions_def": partitions,
        "backfill_policy": dg.BackfillPolicy.single_run(),
    }


def key(collection: Collection | str, asset: str) -> dg.AssetKey:
    """Return the key `[collection, asset]`."""
    name = collection if isinstance(collection, str) else collection.collection_name
    return dg.AssetKey([name, asset])


def refresh(
    context: dg.AssetExecutionContext,
    table: type[DerivedTable],
    collection_name: str,
    workspace: WorkspaceResource,
    progress: ProgressResource,
) -> dg.MaterializeResult[Any]:
    """Bring every batch of the run up to date and report on each.

    Args:
        context: the run's.
        table: the derived table.
        collection_name: whose.
        workspace: opens the stores.
        progress: tells how far the work is.

    Returns:
        The result, with the report as metadata and the fingerprint as data version.
    """
    with domain_errors_as_failures():
        opened = workspace.open()
        derived = table(opened.open(collection_name))
        batches = list(context.partition_keys) if table.partitioned else [WHOLE]
        for batch in batches:
            what = f"{collection_name}/{table.name} {batch}"
            with progress.of(context.log, what) as report_progress:
                worked = derived.refresh(batch, report_progress)
            if table is TaxonomyLabels:
                record_batch_events(derived.collection, [batch])
            context.log.info(f"{what}: {'brought up to date' if worked else 'was current'}")
        return _result(context, derived, batches)


def _result(
    context: dg.AssetExecutionContext, derived: DerivedTable, batches: list[str]
) -> dg.MaterializeResult[Any]:
    written = [b for b in batches if derived.warehouse.fingerprint(derived.path(b)) is not None]
    if len(batches) == 1:
        metadata = _metadata_of(derived, batches[0], True) if written else {}
        version = derived.warehouse.fingerprint(derived.path(batches[0]))
        data_version = None if version is None else dg.DataVersion(version)
        return dg.MaterializeResult(metadata=metadata, data_version=data_version)
    for batch in written:
        metadata = _metadata_of(derived, batch, batch == written[-1])
        context.add_asset_metadata(metadata, partition_key=batch)
    return dg.MaterializeResult()


def _metadata_of(derived: DerivedTable, batch: str, is_newest: bool) -> dict[str, Any]:
    """Pictures are drawn of the newest batch of a run alone: they cost more than relabelling it."""
    pictures = derived.pictures(batch) if is_newest else {}
    said = {**derived.report(batch), **pictures}
    return {name: _metadata_value(value) for name, value in said.items()}


def _metadata_value(value: Any) -> Any:
    if isinstance(value, bytes):
        return dg.MetadataValue.md(as_markdown(value))
    if isinstance(value, list):
        if not value:
            return dg.MetadataValue.text("none")
        return dg.MetadataValue.table(records=[dg.TableRecord(_plain(row)) for row in value])
    return dg.MetadataValue.text("unknown") if value is None else value


def _plain(row: dict[str, Any]) -> dict[str, str | int | float | bool]:
    return {k: v if isinstance(v, str | int | float | bool) else str(v) for k, v in row.items()}
