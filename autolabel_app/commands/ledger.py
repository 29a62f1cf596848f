"""`autolabel ledger`: back up, export and restore the ledger; forget documents."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import click

from autolabel_core.tables.workspace import Workspace

DASH = Path("-")


@click.group()
def ledger() -> None:
    """Back up, export, restore the ledger, and forget: every fact of every collection.

    Everything else is derived from the ledger and the buckets, and may be deleted.
    """


@ledger.command()
@click.argument("file", type=click.Path(path_type=Path))
def backup(file: Path) -> None:
    """Write a snapshot to the new FILE while others go on working.

    It is a SQLite file; of a ledger on PostgreSQL it is JSON Lines, as `export` writes.
    """
    from autolabel_core.ledger.backup import backup as write

    write(Workspace.from_environment().ledger, file)
    click.echo(f"{file}: {file.stat().st_size / 1e6:.1f} MB.")


@ledger.command()
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, allow_dash=True),
    help="A new file, or - for the standard output.",
)
def export(out: Path) -> None:
    """Write all rows of all tables as JSON Lines, one line a row."""
    from autolabel_core.ledger import backup as transfer

    opened = Workspace.from_environment().ledger
    if out == DASH:
        transfer.export_lines(opened, sys.stdout)
    else:
        click.echo(f"{out}: {_told(transfer.export(opened, out))}.")


@ledger.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
def restore(file: Path) -> None:
    """Fill the empty ledger from FILE, all or nothing.

    FILE is what `backup` or `export` wrote, from SQLite or PostgreSQL; - is an export on the
    standard input. Name the new ledger by AUTOLABEL_HOME or AUTOLABEL_LEDGER_URL.
    """
    from autolabel_core.ledger import backup as transfer

    opened = Workspace.from_environment(new=True).ledger
    if file == DASH:
        counts = transfer.restore_lines(opened, sys.stdin.buffer, file)
    else:
        counts = transfer.restore(opened, file)
    click.echo(f"Restored {_told(counts)}.")


@ledger.command()
@click.argument("collection")
@click.argument("keys", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask: what is forgotten cannot be brought back.")
def forget(collection: str, keys: tuple[str, ...], yes: bool) -> None:
    """Forget the objects KEYS of COLLECTION: labels, vectors and what is cached of them.

    For a person who asks for it. Delete the objects from the bucket and sweep first. Rows of the
    ledger stay in their order with what they said blanked; backups, exports and trained models
    that were made before are not touched.
    """
    from autolabel_core.labelling.forget import forget as forget_documents

    opened = Workspace.from_environment().open(collection)
    if not yes:
        what = keys[0] if len(keys) == 1 else f"{len(keys)} objects"
        click.confirm(f"Forget {what} of {collection} for good?", abort=True)
    done = forget_documents(opened, keys)
    click.echo(
        f"{collection}: {done.documents} forgotten; blanked in the ledger: "
        f"{_told(done.ledger_rows)}; taken out of {done.files} files. "
        "The next sweep makes the vector index anew."
    )


def _told(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{rows} {name}" for name, rows in counts.items() if rows) or "no rows"
