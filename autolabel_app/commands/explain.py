"""`autolabel explain`: from the label to the reference, to the person behind it."""

from __future__ import annotations

from typing import Any

import click

from autolabel_app.output import emit_json
from autolabel_core.tables.workspace import Workspace


@click.command()
@click.argument("collection")
@click.argument("key")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def explain(collection: str, key: str, as_json: bool) -> None:
    """Trace the label of the document KEY of COLLECTION: who said what, and when."""
    from autolabel_core.documents.explain import explain as trace

    workspace = Workspace.from_environment()
    traced = trace(workspace.open(collection), key)
    if as_json:
        emit_json(traced)
        return
    _show(traced, 0)


def _show(traced: dict[str, Any], depth: int) -> None:
    indent = "  " * depth
    record = traced["document"]
    click.echo(f"{indent}{traced['collection']} / {traced['key']}")
    if record is None:
        click.echo(f"{indent}  not swept yet")
    elif record["reason"]:
        click.echo(f"{indent}  quarantined: {record['reason']}")
    else:
        match = record["taxonomy_match"]
        source = record["label_source"] or "unlabelled"
        confidence = "–" if match["confidence"] is None else f"{match['confidence']:.4f}"
        click.echo(f"{indent}  label {record['label'] or '–'} ({source}), confidence {confidence}")
        if record["label"] is None and record["suggested_label"]:
            click.echo(f"{indent}  below the threshold; nearest is {record['suggested_label']}")
    for event in traced["annotations"]:
        label = event["label"] or "withdrawn"
        stale = " [stale: the content has changed since]" if event["stale"] else ""
        reason = f": {event['reason']}" if event["reason"] else ""
        moved = event["provenance"].get("moved_from")
        origin = f"moved from {moved['key']}" if moved else event["origin"]
        click.echo(
            f"{indent}  {event['recorded_at'][:19]}Z {event['annotator']} ({origin}, "
            f"{event['source']}): {label}{reason}{stale}"
        )
    if traced["because"]:
        click.echo(f"{indent}  because of")
        _show(traced["because"], depth + 2)
