"""`autolabel retrieve`: run a retriever that the collection declares."""

from __future__ import annotations

import click

from autolabel_app.commands.documents import document_row
from autolabel_app.commands.label import pairs
from autolabel_app.options import json_option
from autolabel_app.output import emit_json, emit_table
from autolabel_core.tables.workspace import OpenCollection, Workspace


@click.command()
@click.argument("name")
@click.option(
    "--input",
    "inputs",
    multiple=True,
    callback=pairs,
    metavar="NAME=VALUE",
    help="Value of {{INPUT.NAME}}: for a search a file, a document's key or a text.",
)
@click.option("--limit", type=click.IntRange(min=0), help="At most so many.")
@json_option
def retrieve(name: str, inputs: dict[str, str], limit: int | None, as_json: bool) -> None:
    """Run the retriever NAME, declared in a collection's YAML."""
    from autolabel_core.declarations.collections_folder import find_retriever
    from autolabel_core.documents.search import retrieve as run_retriever

    workspace = Workspace.from_environment()
    collection, retriever = find_retriever(workspace.collections, name)
    found = run_retriever(OpenCollection(workspace, collection), retriever, inputs, limit)
    if as_json:
        emit_json(found)
        return
    of_boxes = collection.detection is not None
    rows = [{"score": r.get("score"), **document_row(r, of_boxes)} for r in found]
    if retriever.search is None:
        rows = [{k: v for k, v in row.items() if k != "score"} for row in rows]
    emit_table(rows, empty="No documents.")
