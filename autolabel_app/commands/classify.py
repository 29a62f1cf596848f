"""`autolabel classify`: the query-time join; nothing is stored."""

from __future__ import annotations

from pathlib import Path

import click

from autolabel_app.output import emit_json, emit_table
from autolabel_core.operations.project import Project


@click.command()
@click.argument("collection")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def classify(collection: str, files: tuple[Path, ...], as_json: bool) -> None:
    """Label FILEs by the references of COLLECTION, as if just uploaded; nothing is stored."""
    records = Project.open().collection(collection).classify(files)
    if as_json:
        emit_json(records)
        return
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
