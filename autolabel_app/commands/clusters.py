"""`autolabel clusters`: discover what nobody has labelled yet, and turn it into labels."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from autolabel_app.commands.clusters_map import map_, sheet
from autolabel_app.commands.clusters_promote import promote
from autolabel_app.options import json_option
from autolabel_app.output import emit_json, emit_table
from autolabel_core.tables.workspace import Workspace

definitions_argument = click.argument("names", nargs=-1, metavar="[DEFINITION]…")
RUN_COLUMNS = ("definition", "run_id", "at", "status", "in_force", "documents", "clusters")
FIGURE_COLUMNS = ("silhouette_score", "noise_ratio", "should_recluster", "reason")


@click.group()
def clusters() -> None:
    """Groups of what nobody has labelled: run, list, show, map, promote and more.

    Definitions stand under `clusters:` in the collection's YAML.
    """


clusters.add_command(promote)
clusters.add_command(map_)
clusters.add_command(sheet)


@clusters.command()
@click.argument("collection")
@definitions_argument
@json_option
def run(collection: str, names: tuple[str, ...], as_json: bool) -> None:
    """Run the clustering of COLLECTION in full, by all definitions or by some.

    The run appears in Dagster's UI. Sweep first, so that new objects have vectors.
    """
    from autolabel_core.clusters.history import REQUEST, ask_for_run
    from autolabel_core.clusters.queries import definitions
    from autolabel_core.foundation.errors import AutolabelError

    workspace = Workspace.from_environment()
    declared = workspace.open(collection)
    for one in definitions(declared, names):
        if one.documents.problem:
            raise AutolabelError(one.documents.problem)
        if one.documents.lacking:
            raise AutolabelError(
                f"`{one.name}` waits for vectors of {one.documents.lacking}: declare that "
                f"extractor and version once, then `autolabel sweep {collection}`."
            )
        if one.documents.fingerprint is None:
            raise AutolabelError(
                f"Not every document of `{one.name}` has its vectors and labels yet. "
                f"Run `autolabel sweep {collection}`, then this again."
            )
        number = len(workspace.ledger.requests(collection, REQUEST)) + 1
        ask_for_run(workspace.ledger, collection, one.name, "cli", number)
    _bring_up_to_date(collection, names, as_json, must_find=True)


@clusters.command()
@click.argument("collection")
@json_option
def assign(collection: str, as_json: bool) -> None:
    """Put new documents of COLLECTION to the clusters of the last run; a sweep does the same."""
    _bring_up_to_date(collection, (), as_json)


def _bring_up_to_date(
    collection: str, names: tuple[str, ...], as_json: bool, must_find: bool = False
) -> None:
    from autolabel_app.runs import run_clusters
    from autolabel_core.clusters.queries import definitions
    from autolabel_core.clusters.report import run_figures
    from autolabel_core.foundation.errors import AutolabelError

    workspace = Workspace.from_environment()
    declared = workspace.open(collection)
    definitions(declared, names)
    dagster_run, failure = None, None
    try:
        dagster_run = run_clusters(declared, sys.stderr.isatty() and not as_json)
    except AutolabelError as error:  # what did not fail is shown first
        failure = error
    found = {one.name: run_figures(one) for one in definitions(declared, names)}
    if as_json:
        emit_json({"collection": collection, "dagster_run": dagster_run, "definitions": found})
    for name, figures in found.items() if not as_json else ():
        click.echo(name)
        for word, value in figures.items():
            shown = f"{value:.4f}" if isinstance(value, float) else value
            click.echo(f"  {word:<24} {shown}")
    if failure is not None:
        raise failure
    empty = [figures.get("last run found nothing") for figures in found.values()]
    if must_find and any(empty):
        raise AutolabelError("; ".join(str(reason) for reason in empty if reason))


@clusters.command("list")
@click.argument("collection")
@definitions_argument
@json_option
def list_(collection: str, names: tuple[str, ...], as_json: bool) -> None:
    """List the clusters of COLLECTION that are in force, the largest first."""
    from autolabel_core.clusters.queries import definitions
    from autolabel_core.clusters.report import cluster_rows

    workspace = Workspace.from_environment()
    found = definitions(workspace.open(collection), names)
    rows = [{"definition": one.name, **row} for one in found for row in cluster_rows(one)]
    if as_json:
        emit_json(rows)
        return
    if not any(row["extra"] for row in rows):
        rows = [{name: row[name] for name in row if name != "extra"} for row in rows]
    emit_table(rows, empty=f"No clusters yet: `autolabel clusters run {collection}` makes some.")


@clusters.command()
@click.argument("collection")
@click.argument("cluster", required=False)
@json_option
def show(collection: str, cluster: str | None, as_json: bool) -> None:
    """Show CLUSTER (`cl_3`, `definition/cl_3` or its name), or all definitions of COLLECTION.

    Resampling tests whether a cluster may become a label; that may take a while.
    """
    from autolabel_core.clusters.promotion import find_cluster
    from autolabel_core.clusters.queries import cluster_details, definitions
    from autolabel_core.clusters.report import run_figures

    workspace = Workspace.from_environment()
    declared = workspace.open(collection)
    if cluster is None:
        every = [
            {"definition": one.name, "due": one.due or None, **run_figures(one)}
            for one in definitions(declared)
        ]
        if as_json:
            declared_as = [c.model_dump(mode="json") for c in declared.declaration.clusters]
            emit_json([{**r, "declared": d} for r, d in zip(every, declared_as, strict=True)])
            return
        for row in every:
            _show_pairs(row)
        return
    found = cluster_details(*find_cluster(declared, cluster))
    if as_json:
        emit_json(found)
        return
    tables = ("members", "changes")
    pairs = {name: value for name, value in found.items() if name not in tables}
    _show_pairs({k: "; ".join(v) or None if isinstance(v, list) else v for k, v in pairs.items()})
    click.echo("\nNearest to the centroid")
    emit_table(found["members"])
    click.echo("\nIts life")
    emit_table(found["changes"])


def _show_pairs(row: Mapping[str, object]) -> None:
    from autolabel_app.output import shown

    for name, value in row.items():
        click.echo(f"{name.replace('_', ' '):<24} {shown(value)}")


@clusters.command()
@click.argument("collection")
@definitions_argument
@json_option
def runs(collection: str, names: tuple[str, ...], as_json: bool) -> None:
    """Show the history of the runs of COLLECTION, the latest first."""
    from autolabel_core.clusters.queries import definitions, run_rows

    workspace = Workspace.from_environment()
    found = definitions(workspace.open(collection), names)
    rows = [row for one in found for row in run_rows(one)]
    if as_json:
        emit_json(rows)
        return
    columns = (*RUN_COLUMNS, *FIGURE_COLUMNS)
    emit_table([{name: row[name] for name in columns} for row in rows], empty="No runs yet.")


@clusters.command()
@click.argument("collection")
@click.argument("definition", required=False)
@click.option("--run", "run_id", help="A run of the history [default: the current clusters].")
@click.option(
    "--field",
    "fields",
    multiple=True,
    type=click.Choice(["cluster_id", "label", "summary", "keywords", "confidence", "extra"]),
    help="Only these; may be repeated [default: what the YAML enriches, else all].",
)
@click.option("--out", type=click.Path(path_type=Path), help="Write .csv, .jsonl or .parquet.")
@json_option
def enrich(
    collection: str,
    definition: str | None,
    run_id: str | None,
    fields: tuple[str, ...],
    out: Path | None,
    as_json: bool,
) -> None:
    """Show or write the documents of COLLECTION with the fields of their clusters.

    To have the fields in every document, filter and export, list them under `enrich` in the YAML.
    """
    from autolabel_core.clusters.queries import definitions, enriched_documents
    from autolabel_core.declarations.cluster_fields import COLUMN_OF

    workspace = Workspace.from_environment()
    wanted = (definition,) if definition else ()
    one = definitions(workspace.open(collection), wanted)[0]
    rows = enriched_documents(one, fields or one.definition.enrich or tuple(COLUMN_OF), run_id)
    if out is not None:
        from autolabel_core.exports.tables import write_rows

        write_rows(rows, out)
        click.echo(f"{len(rows)} documents in {out}.", err=as_json)
        return
    emit_json(list(map(_as_object, rows))) if as_json else emit_table(rows, empty="No documents.")


def _as_object(row: Mapping[str, object]) -> Mapping[str, object]:
    """Return a row whose extra answers, JSON in files, are an object."""
    extra = row.get("cluster_extra")
    return row if extra is None else {**row, "cluster_extra": json.loads(str(extra))}


@clusters.command()
@click.argument("collection")
@click.argument("definition")
@click.option("--artifacts", is_flag=True, help="Remove the files of all runs too.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def delete(collection: str, definition: str, artifacts: bool, yes: bool, as_json: bool) -> None:
    """End the history of DEFINITION: its clusters are in force no more; ids are never reused.

    The ledger keeps what happened, and the files of the runs stay unless --artifacts. The
    definition itself stands in the YAML; a request makes new clusters by it.
    """
    from autolabel_core.clusters.history import delete_history
    from autolabel_core.clusters.table import Clusters
    from autolabel_core.tables.cluster_files import DefinitionFiles

    workspace = Workspace.from_environment()
    table = Clusters(workspace.open(collection))
    declared = {one.name: one.declaration for one in table.defined}
    if not yes and not click.confirm(f"End the history of {definition}?"):
        raise click.Abort
    ended = delete_history(workspace.ledger, collection, definition, declared.get(definition))
    if artifacts:
        DefinitionFiles(workspace.warehouse, collection, definition).remove()
    if declared:
        table.refresh("all")
    if as_json:
        emit_json({"definition": definition, "deleted": ended, "artifacts_removed": artifacts})
        return
    click.echo(f"{definition}: {'ended' if ended else 'there was no history'}.")
