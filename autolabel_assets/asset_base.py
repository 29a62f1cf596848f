"""Builds a Dagster asset from a table: refreshes its batches, and reports as metadata."""

from typing import Any

import dagster as dg

from autolabel_assets.lineage import (
    code_version,
    described,
    kinds_of,
    step_tags,
    upstream_keys,
)
from autolabel_assets.resources.failures import domain_errors_as_failures
from autolabel_assets.resources.progress import ProgressResource
from autolabel_assets.resources.workspace import WorkspaceResource
from autolabel_assets.table_metadata import table_metadata
from autolabel_core.declarations import Collection
from autolabel_core.documents.upload_drift_report import drift_report
from autolabel_core.foundation.charts import as_markdown
from autolabel_core.labelling.certificate_drift import end_drifted_certificates
from autolabel_core.labelling.gold_report import gold_record
from autolabel_core.labelling.gold_set import judge_by_gold
from autolabel_core.notifications.batch_events import record_batch_events
from autolabel_core.operations.registration import partitions_name
from autolabel_core.tables.table import WHOLE, DerivedTable
from autolabel_core.tables.taxonomy_labels import TaxonomyLabels
from autolabel_core.tables.workspace import OpenCollection


def batches_definition(collection: Collection) -> dg.DynamicPartitionsDefinition:
    """Return the partitions of a collection: one for each coarse batch of uploads."""
    return dg.DynamicPartitionsDefinition(name=partitions_name(collection.collection_name))


def build_asset(
    collection: Collection, table: type[DerivedTable], description: str
) -> dg.AssetsDefinition:
    """Return the asset `[collection, table]`.

    Args:
        collection: the declaration.
        table: what the asset materializes; its upstream tables are the edges.
        description: shown in Dagster's UI.

    Returns:
        The asset, partitioned by batch where the table is.
    """
    name = collection.collection_name

    @dg.asset(
        name=table.name,
        key_prefix=name,
        group_name=name,
        kinds=kinds_of(collection, table),
        description=described(collection, table, description),
        code_version=code_version(collection, table),
        op_tags=step_tags(collection, table),
        deps=upstream_keys(collection, table),
        partitions_def=batches_definition(collection) if table.partitioned else None,
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=table.pool,
    )
    def asset(
        context: dg.AssetExecutionContext,
        workspace: WorkspaceResource,
        progress: ProgressResource,
    ) -> dg.MaterializeResult:
        return refresh(context, table, name, workspace, progress)

    return asset


def key(collection: Collection, asset: str) -> dg.AssetKey:
    """Return the key `[collection, asset]`."""
    return dg.AssetKey([collection.collection_name, asset])


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
        made = []
        for batch in batches:
            what = f"{collection_name}/{table.name} {batch}"
            with progress.of(context.log, what) as report_progress:
                made += [batch] if derived.refresh(batch, report_progress) else []
            if isinstance(derived, TaxonomyLabels):
                record_batch_events(derived.collection, [batch], derived)
        # One line and not one for each batch: each is a transaction in Dagster's database.
        context.log.info(f"{collection_name}/{table.name}: {_done(made, batches)}")
        gold: dict[str, Any] = {}
        if table.completes_batches:
            end_drifted_certificates(opened.open(collection_name))
            gold = _judged_by_gold(opened.open(collection_name))
        return _result(context, derived, batches, gold)


def _judged_by_gold(collection: OpenCollection) -> dict[str, Any]:
    """Judge the rule by the gold set; Dagster plots the numbers over materializations."""
    judgement = judge_by_gold(collection)
    if judgement is None:
        return {}
    record = gold_record(judgement)
    named: dict[str, Any] = {
        "gold documents": record["judged"],
        "gold precision": record["precision"],
        "gold coverage": record["coverage"],
        "gold accuracy": record["accuracy"],
    }
    return {name: _metadata_value(value) for name, value in named.items()}


def _done(made: list[str], batches: list[str]) -> str:
    if len(batches) == 1:
        return f"{batches[0]} {'brought up to date' if made else 'was current'}"
    return f"{len(made):,} of {len(batches):,} batches brought up to date, the others were current"


def _result(
    context: dg.AssetExecutionContext,
    derived: DerivedTable,
    batches: list[str],
    more: dict[str, Any],
) -> dg.MaterializeResult[Any]:
    """Report on each batch; what is about all of them goes to the last that was written."""
    written = [b for b in batches if derived.warehouse.fingerprint(derived.path(b)) is not None]
    if len(batches) == 1:
        metadata = {**_metadata_of(derived, batches[0], True), **more} if written else {}
        version = derived.warehouse.fingerprint(derived.path(batches[0]))
        data_version = None if version is None else dg.DataVersion(version)
        return dg.MaterializeResult(metadata=metadata, data_version=data_version)
    for batch in written:
        is_newest = batch == written[-1]
        metadata = {**_metadata_of(derived, batch, is_newest), **(more if is_newest else {})}
        context.add_asset_metadata(metadata, partition_key=batch)
    return dg.MaterializeResult()


def _metadata_of(derived: DerivedTable, batch: str, is_newest: bool) -> dict[str, Any]:
    """Pictures are drawn of the newest batch of a run alone: they cost more than relabelling it."""
    pictures = derived.pictures(batch) if is_newest else {}
    has_drift = is_newest and isinstance(derived, TaxonomyLabels)
    drift = drift_report(derived.collection) if has_drift else {}
    said: dict[str, Any] = {**derived.report(batch), **pictures, **drift}
    told = {name: _metadata_value(value) for name, value in said.items()}
    return {**told, **table_metadata(derived, batch)}


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
