"""`autolabel explain`: trace a label to its reference and to the person who labelled that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from autolabel_app.as_of import as_of_option, project_as_of
from autolabel_app.options import json_option
from autolabel_app.output import emit_json, shown

if TYPE_CHECKING:
    from autolabel_core.documents.explain import AnnotationRecord, Explanation
    from autolabel_core.documents.record import DocumentRecord

NOT_LABELLED = {
    "below_threshold": "below the threshold {threshold}; likeliest is {suggested}",
    "uncertified": "likeliest is {suggested}; nobody has certified yet how often that is right",
    "unlike_references": (
        "less similar to the references than {similarity}, so it is taken for something unknown; "
        "likeliest is {suggested}"
    ),
    "only_label": "{suggested} is the only label with references: label a second to tell it from",
    "withheld_by_audit": "an audit found {suggested} wrong here, so it is not given again",
    "ended_by_person": "a person said that there is nothing to label",
    "suggested_by_name": "proposed by the label's name alone{why}; nobody has decided yet",
    "no_reference": "there is no reference to compare with",
    "outdated": "the threshold {threshold} has changed: the next sweep decides anew",
}


@click.command()
@click.argument("collection")
@click.argument("key")
@as_of_option
@json_option
def explain(collection: str, key: str, as_of: str | None, as_json: bool) -> None:
    """Trace the label of the document KEY of COLLECTION: who labelled what, and when."""
    with project_as_of(as_of, [collection]) as project:
        traced = project.collection(collection).explain(key)
    if as_json:
        emit_json(traced)
        return
    _show(traced, 0)


def _show(traced: Explanation, depth: int) -> None:
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
        by = f" by {match['score']}" if match["score"] not in (None, "nearest") else ""
        click.echo(
            f"{indent}  label {record['label'] or '–'} ({source}), confidence {confidence}{by}"
        )
        decision = traced["decision"]
        if decision is not None and decision["outcome"] in NOT_LABELLED:
            text = NOT_LABELLED[decision["outcome"]].format(
                threshold=shown(decision["threshold"]),
                suggested=record["suggested_label"],
                similarity=shown(decision["similarity_threshold"]),
                why=_why_proposed(record),
            )
            click.echo(f"{indent}  {text}")
    for event in traced["annotations"]:
        label = _meaning(event)
        stale = " [stale: the content has changed since]" if event["stale"] else ""
        revoked = f" [revoked by {event['revoked'][:8]}]" if event["revoked"] else ""
        reason = f": {event['reason']}" if event["reason"] else ""
        moved = event["provenance"].get("moved_from")
        origin = f"moved from {moved['key']}" if isinstance(moved, Mapping) else event["origin"]
        click.echo(
            f"{indent}  {event['recorded_at'][:19]}Z {event['annotator']} ({origin}, "
            f"{event['source']}): {label}{reason}{stale}{revoked}"
        )
    if traced["because"]:
        click.echo(f"{indent}  because of")
        _show(traced["because"], depth + 2)


def _why_proposed(record: DocumentRecord) -> str:
    """Return what speaks for a label that was proposed by its name."""
    score, reason = record.get("suggestion_score"), record.get("suggestion_reason")
    return f" ({reason})" if reason else "" if score is None else f" (cosine {score:.4f})"


def _meaning(event: AnnotationRecord) -> str:
    """Return what an annotation says: a label and where it is from, a verdict, or its end."""
    cluster = event["provenance"].get("cluster_id")
    if event["label"] is not None:
        name = event["provenance"].get("cluster_name")
        return event["label"] + (f" [from the cluster {name}/{cluster}]" if cluster else "")
    if event["action"] == "withdraw":
        return "withdrawn"
    return str(event["provenance"].get("verdict") or "no label").replace("_", " ")
