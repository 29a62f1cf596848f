"""`autolabel export`: write the labelled dataset to a folder."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from autolabel_app.as_of import as_of_option, project_as_of
from autolabel_app.options import json_option
from autolabel_app.output import emit_json

if TYPE_CHECKING:
    from autolabel_core.exports import ExportReport
    from autolabel_core.exports.box_report import BoxExportReport


@click.command()
@click.argument("collection")
@click.option(
    "--format",
    "format_",
    required=True,
    metavar="F",
    help="csv, parquet, jsonl, image_folder or huggingface; of boxes csv, parquet, jsonl, yolo, "
    "coco, voc or label_studio.",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="A new folder, or an earlier export.",
)
@click.option(
    "--source",
    "sources",
    multiple=True,
    type=click.Choice(["human", "promoted", "auto", "suggested"]),
    help="Only labels of this source; may be repeated [default: all but suggested].",
)
@click.option(
    "--plain",
    is_flag=True,
    help="In CSV, put no apostrophe before texts that a spreadsheet would run as formulas.",
)
@as_of_option
@json_option
def export(
    collection: str,
    format_: str,
    out: Path,
    sources: tuple[str, ...],
    plain: bool,
    as_of: str | None,
    as_json: bool,
) -> None:
    """Write the documents of COLLECTION to a folder, each label with its source.

    Of a collection with `detection:` the reviewed images are written, with their boxes, in train,
    val and test; images that nobody reviewed as a whole are left out.
    """
    from autolabel_core.exports import ExportReport

    with project_as_of(as_of, [collection]) as project:
        report = project.collection(collection).export(format_, out, sources, plain)
    if isinstance(report, ExportReport):
        _show_labels(report, as_json)
    else:
        _show_boxes(report, out, as_json)


def _show_labels(report: ExportReport, as_json: bool) -> None:
    if as_json:
        emit_json(
            {
                "format": report.format,
                "out": str(report.out),
                "written": report.written,
                "per_label": report.per_label,
                "per_source": report.per_source,
                "skipped": report.skipped,
                "unreadable": [{"key": k, "reason": r} for k, r in report.unreadable],
            }
        )
        return
    click.echo(f"{report.written} documents in {report.out} ({report.format}).")
    for source, count in report.per_source.items():
        click.echo(f"  {source}: {count}")
    for reason, count in report.skipped.items():
        if count:
            click.echo(f"  left out, {reason}: {count}")


def _show_boxes(report: BoxExportReport, out: Path, as_json: bool) -> None:
    if as_json:
        left_out = [{"key": key, "reason": reason} for key, reason in report.left_out]
        emit_json({**asdict(report), "left_out": left_out, "out": str(out)})
        return
    click.echo(f"{report} in {out} ({report.format}).")
    for name, count in report.boxes.items():
        click.echo(f"  {name}: {count}")
    for reason, count in report.skipped.items():
        click.echo(f"  left out, {reason}: {count}")
    for note in report.notes:
        click.echo(f"  {note}")
