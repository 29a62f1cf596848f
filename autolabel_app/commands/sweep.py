"""`autolabel sweep`: one synchronous pass over everything that is out of date."""

from __future__ import annotations

import sys
import time

import click

from autolabel_app.output import emit_json
from autolabel_core.tables.workspace import Workspace


@click.command()
@click.argument("collections", nargs=-1, metavar="[COLLECTION]…")
@click.option(
    "--yes",
    "accept_losses",
    is_flag=True,
    help="What looks like a lost mount, or a lost ledger, is meant so.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def sweep(collections: tuple[str, ...], accept_losses: bool, as_json: bool) -> None:
    """Register new, changed and deleted objects; bring every stale asset up to date.

    Without a COLLECTION all of them are swept. The runs appear in Dagster's UI. Where most objects
    of a bucket are gone at once (`max_deleted_share` of its source), nothing is taken for deleted.
    """
    from autolabel_app.runs import sweep as run_sweep

    def tell(line: str) -> None:
        if not as_json:
            click.echo(line, err=True)

    started = time.monotonic()
    results = run_sweep(
        Workspace.from_environment(),
        collections,
        sys.stderr.isatty() and not as_json,
        tell,
        accept_losses,
    )
    if as_json:
        emit_json(
            [
                {
                    "collection": r.collection,
                    "created": r.registration.created,
                    "updated": r.registration.updated,
                    "deleted": r.registration.deleted,
                    "runs": [{"assets": p.assets, "batches": len(p.batches)} for p in r.runs],
                    "run_ids": r.run_ids,
                }
                for r in results
            ]
        )
        return
    for result in results:
        found = result.registration
        change = f"{found.created} new, {found.updated} changed, {found.deleted} gone"
        runs = len(result.runs)
        done = f"{runs} run{'' if runs == 1 else 's'}" if runs else "all current"
        click.echo(f"{result.collection}: {change}; {done} ({time.monotonic() - started:.1f} s)")
