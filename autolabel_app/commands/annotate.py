"""`autolabel annotate`: record a person's annotation of a box, or many from a file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from autolabel_app.commands.label import pairs
from autolabel_app.options import annotator_option, json_option
from autolabel_app.output import emit_json
from autolabel_core.foundation.paths import annotator_name
from autolabel_core.tables.workspace import Workspace

MAX_NOTES_SHOWN = 20


@click.command()
@click.argument("collection")
@click.argument("target", required=False, metavar="[KEY|DETECTION_ID]")
@click.option("--label", help="confirmed, corrected, false_positive, missed or reviewed.")
@click.option("--true-class", help="What the object is [default: the detected class].")
@click.option("--predicted-class", help="What was detected [default: as the tables say].")
@click.option("--bbox", metavar="A,B,C,D", help="The box [default: the detection's].")
@click.option("--bbox-format", help="xyxy (corners), xywh (top left, size) or cxcywh (centre).")
@click.option("--normalized", is_flag=True, help="The box is in shares of width and height.")
@click.option("--confidence", type=float, help="How sure you are, 0 to 1.")
@click.option("--reasoning", help="Why.")
@click.option("--retriever-id", help="The retriever that showed it.")
@click.option("--execution-id", help="The execution that showed it.")
@click.option("--id", "annotation_id", help="Update or withdraw the annotation with this id.")
@click.option(
    "--field",
    "fields",
    multiple=True,
    callback=pairs,
    metavar="FIELD=VALUE",
    help="A further field of the object, such as category; may be repeated.",
)
@click.option("--withdraw", is_flag=True, help="Withdraw the annotation.")
@click.option("--file", type=click.Path(path_type=Path), help="A file or folder, all or nothing.")
@click.option(
    "--format",
    "format_",
    metavar="F",
    help="jsonl, csv, parquet, coco, yolo, voc or label_studio [default: detected].",
)
@click.option(
    "--first-pixel",
    type=click.IntRange(0, 1),
    help="From where Pascal VOC counts pixels [default: 0 where a box begins at 0, else 1].",
)
@click.option("--skip-invalid", is_flag=True, help="Record what is right, report the rest.")
@annotator_option
@json_option
def annotate(
    collection: str,
    file: Path | None,
    format_: str | None,
    first_pixel: int | None,
    skip_invalid: bool,
    annotator: str | None,
    as_json: bool,
    **said: Any,
) -> None:
    """Annotate boxes on images of COLLECTION: confirm, correct, reject or add.

    The target is the id of a detection, or the key of an image for an object that was missed and
    for `reviewed`: all that is on the image has been looked at. Only reviewed images are trained
    on. COCO, YOLO, Pascal VOC and Label Studio files speak of whole images: these are reviewed.
    """
    from autolabel_core.labelling.box_input import BoxInput, ParsedAnnotations
    from autolabel_core.labelling.give_boxes import give_boxes
    from autolabel_core.labelling.import_formats import read_given

    if file is not None:
        if any(said.values()):
            raise click.UsageError("--file contains target, label and box: give none beside it.")
        given, origin = read_given(file, format_, first_pixel)
    else:
        box = said.pop("bbox")
        numbers = tuple(box.replace(",", " ").split()) if box else None
        given, origin = ParsedAnnotations([BoxInput(bbox=numbers, **said)]), "cli"
    workspace = Workspace.from_environment()
    declared = workspace.open(collection)
    who = annotator or annotator_name()
    report = give_boxes(declared, given, who, origin, skip_invalid=skip_invalid)
    if as_json:
        emit_json({**asdict(report), "warnings": [str(w) for w in report.warnings]})
        return
    for line in (*report.warnings, *report.left_out):
        click.echo(f"Warning: {line}", err=True)
    for line in report.notes[:MAX_NOTES_SHOWN]:
        click.echo(f"Note: {line}", err=True)
    if len(report.notes) > MAX_NOTES_SHOWN:
        more = len(report.notes) - MAX_NOTES_SHOWN
        click.echo(f"Note: … and {more} more; --json lists all.", err=True)
    counts = ", ".join(f"{count} {label}" for label, count in report.recorded.items())
    same = f"; {report.unchanged} were recorded before" if report.unchanged else ""
    left_out = f"; {len(report.left_out)} left out" if report.left_out else ""
    click.echo(f"Recorded on {report.images} images: {counts or 'nothing new'}{same}{left_out}.")
