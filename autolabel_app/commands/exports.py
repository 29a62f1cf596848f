"""`autolabel exports`: the exports that people wrote, and whether they rest on revoked words."""

from __future__ import annotations

import click

from autolabel_app.options import json_option
from autolabel_app.output import emit_json, emit_table
from autolabel_core.tables.workspace import Workspace


@click.command()
@click.argument("collection", required=False)
@json_option
def exports(collection: str | None, as_json: bool) -> None:
    """List the exports of COLLECTION, or of all, that `autolabel export` wrote; the oldest first.

    `revoked` is yes where one rests on annotations that were revoked since: write it anew.
    """
    from autolabel_core.operations.dependents import dependents, revoked_annotations

    workspace = Workspace.from_environment()
    name = workspace.collection(collection).collection_name if collection else None
    revoked = revoked_annotations(workspace.ledger, sorted(workspace.collections))
    resting = {export.export_id for export in dependents(workspace.ledger, revoked).exports}
    found = workspace.ledger.exports(name)
    if as_json:
        emit_json([{**vars(export), "revoked": export.export_id in resting} for export in found])
        return
    emit_table(
        [
            {
                "at": export.recorded_at[:19],
                "collection": export.collection,
                "format": export.format,
                "folder": export.place,
                "documents": export.payload["documents"],
                "revoked": export.export_id in resting,
            }
            for export in found
        ],
        empty="No exports yet: `autolabel export`.",
    )
