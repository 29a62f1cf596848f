"""`autolabel classify`: label given files or texts by the references; nothing is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from autolabel_app.options import json_option
from autolabel_app.output import emit_json, emit_table
from autolabel_core.operations.project import Project


@click.command()
@click.argument("collection")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@json_option
def classify(collection: str, files: tuple[Path, ...], as_json: bool) -> int:
    """Label FILEs by the references of COLLECTION, as if just uploaded; nothing is stored.

    The exit status is 1 where a file cannot be read.
    """
    from autolabel_core.documents.classifier import why_nothing_compares

    handle = Project.open().collection(collection)
    records = handle.classify(files)
    if why := why_nothing_compares(handle.opened):
        click.echo(f"Warning: {why}", err=True)
    if as_json:
        emit_json(records)
        return _status(records)
    emit_table(
        [
            {
                "file": r["file"],
                "label": r["label"],
                "confidence": r["taxonomy_match"]["confidence"],
                "suggested": r["suggested_label"],
                "reason": r["reason"] or "",
            }
            for r in records
        ]
    )
    return _status(records)


def _status(records: Sequence[Mapping[str, object]]) -> int:
    """Return 1 where a file could not be read."""
    return int(any(record["reason"] for record in records))
