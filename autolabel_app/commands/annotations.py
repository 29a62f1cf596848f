"""`autolabel annotations`: list annotations, and the detector's figures computed from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from autolabel_app.options import json_option
from autolabel_app.output import emit_json, emit_table, percent
from autolabel_core.tables.workspace import Workspace

if TYPE_CHECKING:
    from autolabel_core.foundation.json_types import Cell
    from autolabel_core.tables.boxes.conflicts import Conflict
    from autolabel_core.tables.boxes.detector_figures import By, DetectorFigures
    from autolabel_core.tables.label_conflicts import LabelConflict
    from autolabel_core.tables.workspace import OpenCollection

ID_CHARACTERS = 8


@click.group("annotations")
def annotations_group() -> None:
    """List annotations, and quality figures of the detector."""


@annotations_group.command("list")
@click.argument("collection")
@click.option("--label", help="Only this label.")
@click.option("--class", "class_name", help="Only this true or predicted class.")
@click.option("--image", "--key", "image", help="Only the image, or document, with this key.")
@click.option("--annotator", help="Only by this person.")
@click.option("--retriever", help="Only those shown by this retriever.")
@click.option("--since", metavar="WINDOW", help="Only since: 24h, 7d, or a date (UTC).")
@click.option("--stale", is_flag=True, help="Only those whose image was replaced or is gone.")
@click.option("--conflicts", "in_conflict", is_flag=True, help="Where two people disagree.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many, the latest.")
@json_option
def list_(
    collection: str,
    since: str | None,
    in_conflict: bool,
    limit: int | None,
    as_json: bool,
    **by: Any,
) -> None:
    """List the box annotations of COLLECTION that stand, the oldest first.

    Where documents are whole objects: every label and withdrawal, with its id and whether it counts
    (`holds`, `stands` beside another, `replaced`, `stale`, `revoked`).
    """
    from autolabel_core.tables.boxes.conflicts import conflicts
    from autolabel_core.tables.boxes.current_annotations import listed, standing

    workspace = Workspace.from_environment()
    declared = workspace.open(collection)
    if in_conflict and declared.declaration.detection is None:
        from autolabel_core.tables.raw_objects import RawObjects

        _show_conflicts(RawObjects(declared).label_conflicts(), as_json)
        return
    if declared.declaration.detection is None:
        _show_labels(declared, _begin(since), limit, as_json, by)
        return
    stands = standing(declared)
    if in_conflict:
        _show_conflicts(conflicts(stands.holding), as_json)
        return
    rows = listed(stands, _begin(since), **by)[-(limit or 0) :]
    if as_json:
        emit_json(rows)
        return
    emit_table([_row(row) for row in rows], empty="No annotations of boxes.")


def _show_labels(
    declared: OpenCollection, since: str, limit: int | None, as_json: bool, asked: dict[str, Any]
) -> None:
    from autolabel_core.documents.annotation_list import listed_annotations

    for name, option in (("class_name", "--class"), ("retriever", "--retriever")):
        if asked[name] is not None:
            raise click.UsageError(f"{option} is about boxes; `{declared.name}` has none.")
    found = listed_annotations(declared, since, asked["label"], asked["image"], asked["annotator"])
    found = [one for one in found if one.state == "stale" or not asked["stale"]]
    found = found[-(limit or 0) :]
    if as_json:
        emit_json([{**vars(one.annotation), "state": one.state} for one in found])
        return
    rows = [
        {
            "id": one.annotation.event_id[:ID_CHARACTERS],
            "key": one.annotation.key,
            "label": one.annotation.label if one.annotation.action == "label" else "withdrawn",
            "source": one.annotation.source,
            "annotator": one.annotation.annotator,
            "origin": one.annotation.origin,
            "at": one.annotation.recorded_at,
            "state": one.state,
        }
        for one in found
    ]
    emit_table(rows, empty="No annotations.")


def _show_conflicts(found: Sequence[Conflict | LabelConflict], as_json: bool) -> None:
    if as_json:
        emit_json([asdict(conflict) for conflict in found])
        return
    click.echo("\n".join(map(str, found)) or "No two people disagree.")


@annotations_group.command()
@click.argument("collection")
@click.option(
    "--by",
    type=click.Choice(["version", "retriever", "class", "week", "annotator"]),
    help="One row for each.",
)
@click.option("--since", metavar="WINDOW", help="Only since: 24h, 7d, or a date (UTC).")
@json_option
def stats(collection: str, by: By | None, since: str | None, as_json: bool) -> None:
    """Show how often people found the detections of COLLECTION right.

    Confirmed, corrected and false positive are shares of the detections that were judged, missed
    is a share of the objects (confirmed, corrected and missed).
    """
    from autolabel_core.tables.boxes.detector_figures import box_figures, judged_versions

    workspace = Workspace.from_environment()
    name = workspace.collection(collection).collection_name
    begin = _begin(since)
    events = workspace.ledger.box_annotations(name)
    found = box_figures(events, begin, by or "all")
    if as_json:
        rows = [figures.record() for figures in found]
        emit_json({"collection": name, "since": begin or None, "by": by or "all", "rows": rows})
        return
    emit_table([_stats_row(figures) for figures in found], empty="No annotations.")
    versions = judged_versions(events)
    if by != "version" and len(versions) > 1:
        click.echo(f"{len(versions)} versions of the detector were judged: see `--by version`.")
    for figures in found:
        for action in figures.actions if figures.verdict == "action" else ():
            click.echo(f"{figures.part}: {action}.")


def _begin(since: str | None) -> str:
    from autolabel_core.documents.quality import parse_since

    return parse_since(since, datetime.now(UTC)) if since else ""


def _row(record: Mapping[str, Any]) -> dict[str, Cell]:
    from autolabel_core.labelling.give_boxes import SHOWN_CHARACTERS

    box = record["xyxy_px"]
    return {
        "id": record["annotation_id"][:SHOWN_CHARACTERS],
        "image": record["image_key"],
        "label": record["label"],
        "predicted": record["predicted_class"],
        "true": record["true_class"],
        "box xyxy px": box and " ".join(f"{side:g}" for side in box),
        "annotator": record["annotator"],
        "at": record["recorded_at"][:19],
        "state": record["state"],
    }


def _stats_row(figures: DetectorFigures) -> dict[str, str | int]:
    rates = {label: percent(rate) for label, rate in figures.rates.items()}
    return {
        "part": figures.part,
        "detections": figures.detections,
        "objects": figures.objects,
        **rates,
        "given": figures.given,
        "reviewed": figures.reviewed,
        "verdict": figures.verdict,
    }
