"""`autolabel snapshot`: name a moment in a small file for git, and prove later what was so."""

from __future__ import annotations

import click

from autolabel_app.options import json_option
from autolabel_app.output import emit_json, emit_table
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.tables.workspace import Workspace


class SnapshotGroup(click.Group):
    """Takes a word that is no command for the name of a new snapshot."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Read `snapshot NAME` as `snapshot make NAME`."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["make", *args]
        return super().resolve_command(ctx, args)


@click.group("snapshot", cls=SnapshotGroup)
def snapshot_group() -> None:
    """Name the present moment: `autolabel snapshot NAME`.

    The file (labels, references, rule, thresholds as digests and counts) goes into `snapshots/`
    beside the declarations, for git. `--as-of NAME` and `diff` look back to it.
    """


@snapshot_group.command()
@click.argument("name")
@json_option
def make(name: str, as_json: bool) -> None:
    """Write down how all collections stand, as a sweep at this moment would leave them."""
    from autolabel_core.operations.snapshots import make_snapshot, read_snapshot

    file = make_snapshot(Workspace.from_environment(), name)
    record = read_snapshot(file)
    if as_json:
        emit_json({**record, "file": str(file)})
        return
    emit_table(
        [
            {
                "collection": collection,
                "documents": state["documents"],
                "labels": sum(
                    n for source, n in state["label_sources"].items() if source != "unlabelled"
                ),
                "references": state["references"],
                "digest": state["labels_digest"][:12],
            }
            for collection, state in record["collections"].items()
        ],
        empty="No collection was swept yet.",
    )
    for note in record["notes"]:
        click.echo(f"Note: {note}", err=True)
    click.echo(f"{file} (digest {record['digest'][:12]}); keep it in git.")


@snapshot_group.command()
@click.argument("name")
@json_option
def verify(name: str, as_json: bool) -> None:
    """Compute a snapshot anew from ledger and bucket; exit status 1 where anything differs."""
    from autolabel_core.operations.snapshots import verify_snapshot

    problems = verify_snapshot(Workspace.from_environment(), name)
    if as_json:
        emit_json({"name": name, "verified": not problems, "differences": problems})
    else:
        click.echo("\n".join(problems) or f"Verified: everything is as {name} says.")
    click.get_current_context().exit(1 if problems else 0)


@snapshot_group.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the snapshots."""
    from autolabel_core.operations.snapshots import find_snapshot, snapshot_names

    workspace = Workspace.from_environment()
    rows: list[dict[str, object]] = []
    for name in snapshot_names(workspace):
        try:
            record = find_snapshot(workspace, name)
        except AutolabelError as error:
            click.echo(f"Left out: {error}", err=True)
            continue
        rows.append(
            {
                "name": name,
                "made at": record["made_at"],
                "collections": len(record["collections"]),
                "digest": record["digest"][:12],
            }
        )
    emit_json(rows) if as_json else emit_table(rows, empty="No snapshots.")
