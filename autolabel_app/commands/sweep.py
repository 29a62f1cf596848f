"""`autolabel sweep`: bring everything that is out of date up to date, once."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import click

from autolabel_app.options import json_option
from autolabel_app.output import emit_json
from autolabel_core.tables.workspace import Workspace

if TYPE_CHECKING:
    from autolabel_app.runs import SweepResult


@click.command()
@click.argument("collections", nargs=-1, metavar="[COLLECTION]…")
@click.option(
    "--yes",
    "accept_losses",
    is_flag=True,
    help="What looks like a lost mount, or a lost ledger, is meant so.",
)
@json_option
def sweep(collections: tuple[str, ...], accept_losses: bool, as_json: bool) -> None:
    """Register new, changed and deleted objects; bring every stale asset up to date.

    Without a COLLECTION all of them are swept. One that fails stops no other: it is reported at the
    end, and the exit status is 1. The runs appear in Dagster's UI. Where most objects of a bucket
    are gone at once (`max_deleted_share` of its source), nothing is taken for deleted.
    """
    from autolabel_app.runs import SweepError
    from autolabel_app.runs import sweep as run_sweep
    from autolabel_core.foundation.atomic_files import clear_killed_writes

    def tell(line: str) -> None:
        if not as_json:
            click.echo(line, err=True)

    started = time.monotonic()
    show_bar = sys.stderr.isatty() and not as_json
    workspace = Workspace.from_environment(new=True)
    for folder in (workspace.paths.cache, workspace.paths.models, workspace.paths.warehouse):
        clear_killed_writes(folder, below=True)
    try:
        results = run_sweep(workspace, collections, show_bar, tell, accept_losses)
    except SweepError as error:
        _show(workspace, error.results, as_json, time.monotonic() - started)
        raise
    _show(workspace, results, as_json, time.monotonic() - started)


def _show(workspace: Workspace, results: list[SweepResult], as_json: bool, seconds: float) -> None:
    from autolabel_core.storage.buckets.incidental_files import shown_names

    if as_json:
        emit_json([_as_json(result) for result in results])
        return
    for result in results:
        found = result.registration
        change = f"{found.created} new, {found.updated} changed, {found.deleted} gone"
        runs = len(result.runs)
        done = f"{runs} run{'' if runs == 1 else 's'}" if runs else "all current"
        click.echo(f"{result.collection}: {change}; {done} ({seconds:.1f} s)")
        if found.ignored:
            click.echo(f"  ignored, for they are no objects: {shown_names([*found.ignored])}")
        if found.created:
            _tell_of_folders(workspace, result.collection)


def _tell_of_folders(workspace: Workspace, collection: str) -> None:
    from autolabel_core.labelling.label_sources import folder_hint

    hint = folder_hint(workspace.open(collection))
    if hint:
        click.echo(f"  {hint}")


def _as_json(result: SweepResult) -> dict[str, object]:
    return {
        "collection": result.collection,
        "created": result.registration.created,
        "updated": result.registration.updated,
        "deleted": result.registration.deleted,
        "ignored": list(result.registration.ignored),
        "runs": [{"assets": p.assets, "batches": len(p.batches)} for p in result.runs],
        "run_ids": result.run_ids,
    }
