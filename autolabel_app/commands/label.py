"""`autolabel label`: record labels that a person gives."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from autolabel_app.dry_runs import dry_run_of_labels, dry_run_option, show_dry_run
from autolabel_app.options import annotator_option, json_option
from autolabel_app.output import emit_json
from autolabel_core.operations.project import Project
from autolabel_core.tables.workspace import OpenCollection

if TYPE_CHECKING:
    from autolabel_core.declarations import Collection
    from autolabel_core.labelling.give_labels import GivenLabel, LabelReport
    from autolabel_core.operations.dry_run import DryRun
    from autolabel_core.operations.project_collection import ProjectCollection

SHOWN_KEYS = 5


def pairs(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    """Parse repeated `NAME=VALUE` options into a dict."""
    fields = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{value!r}: expected NAME=VALUE")
        fields[name] = text
    return fields


@click.command()
@click.argument("collection")
@click.argument("words", metavar="KEY [LABEL]", nargs=-1)
@click.option(
    "--csv",
    "csv_file",
    type=click.Path(path_type=Path),
    help="CSV with columns key,label (with --withdraw: key).",
)
@click.option(
    "--columns",
    metavar="KEY,LABEL",
    help="With --csv: the names of its two columns, such as image,class.",
)
@click.option(
    "--file",
    type=click.Path(path_type=Path),
    help="Labels of images by another tool: a file or a folder.",
)
@click.option(
    "--format",
    "format_",
    metavar="F",
    help="Of --file: coco, label_studio, fiftyone, huggingface or image_folder [default: "
    "detected from the file].",
)
@click.option("--from-folders", is_flag=True, help="The folder of each key is its label.")
@click.option(
    "--withdraw", is_flag=True, help="Withdraw one's own labels: of KEY…, --csv or --filter."
)
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="FIELD:OP:VALUE",
    help="With --withdraw: of all documents like these, such as label:eq:cat.",
)
@click.option(
    "--moved-from",
    metavar="OLD_KEY",
    help="Give KEY the labels and boxes that its content had under OLD_KEY.",
)
@click.option(
    "--field",
    "fields",
    multiple=True,
    callback=pairs,
    metavar="FIELD=VALUE",
    help="A further field given with the label; may be repeated.",
)
@annotator_option
@click.option("--reason", help="Why, for `explain`.")
@dry_run_option
@json_option
def label(
    collection: str,
    words: tuple[str, ...],
    csv_file: Path | None,
    columns: str | None,
    file: Path | None,
    format_: str | None,
    from_folders: bool,
    withdraw: bool,
    filters: tuple[str, ...],
    moved_from: str | None,
    fields: dict[str, str],
    annotator: str | None,
    reason: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Label the document KEY of COLLECTION, or many from a CSV, a file or folders: all or nothing.

    The label is a fact in the ledger at once; `autolabel sweep` (or the running daemon) labels all
    data by it. A correction is simply a new label; the label `null` takes one's own away, as
    --withdraw does for any number of documents.
    """
    elsewhere = file is not None or from_folders or columns is not None
    if elsewhere:
        _check_elsewhere(
            {"--file": file, "--from-folders": from_folders, "--csv": csv_file},
            bool(words or withdraw or filters or fields or moved_from),
        )
    else:
        _check_usage(words, csv_file, withdraw, filters, fields, moved_from)
    handle = Project.open().collection(collection)
    declared = handle.opened
    if moved_from is not None:
        _check_no_dry_run(dry_run)
        _carry_over(handle, words[0], moved_from, annotator, as_json)
        return
    if elsewhere:
        given, notes, origin = _from_elsewhere(declared, file, format_, csv_file, columns)
    elif withdraw:
        given, notes = _withdrawals(
            declared, words, csv_file, filters, annotator or handle.annotator
        )
    else:
        given, notes = _labels(declared.declaration, words, csv_file, fields), []
    if not elsewhere:
        origin = "csv" if csv_file is not None else "cli"
    if dry_run:
        report, found = dry_run_of_labels(handle, given, origin, annotator)
    else:
        report, found = handle.record_labels(given, origin, annotator, reason), None
    told = [*map(str, report.warnings), *notes, *report.notes, *_without_label(report)]
    _tell(report, told, found, as_json)
    if found is None and not as_json:
        click.echo(_shown(report, collection, withdraw))


def _tell(report: LabelReport, told: list[str], found: DryRun | None, as_json: bool) -> None:
    """Say what was odd, and of a dry run what would change."""
    if as_json and found is None:
        emit_json({"recorded": report.labelled + report.withdrawn, "warnings": told})
        return
    for line in told:
        click.echo(f"Warning: {line}", err=True)
    if found is not None:
        show_dry_run(found, as_json)


def _check_no_dry_run(dry_run: bool) -> None:
    if dry_run:
        raise click.UsageError("--moved-from has no --dry-run.")


def _check_usage(
    words: tuple[str, ...],
    csv_file: Path | None,
    withdraw: bool,
    filters: tuple[str, ...],
    fields: dict[str, str],
    moved_from: str | None,
) -> None:
    if moved_from is not None:
        if len(words) != 1 or csv_file or withdraw or filters or fields:
            raise click.UsageError("--moved-from takes one KEY, and nothing else.")
        return
    if csv_file is not None and (words or fields or filters):
        raise click.UsageError(
            "--csv contains keys and labels: give no KEY, LABEL, --filter or --field with it."
        )
    if withdraw:
        if bool(words) + bool(filters) + (csv_file is not None) != 1 or fields:
            raise click.UsageError("Give --withdraw with KEY…, or with --csv FILE, or --filter.")
    elif filters:
        raise click.UsageError("--filter says which labels to withdraw: give --withdraw with it.")
    elif csv_file is None and len(words) != 2:
        raise click.UsageError(
            "Give KEY and LABEL, or --withdraw and KEY…, or --csv FILE. A KEY or LABEL that holds "
            "spaces needs quotes."
        )


def _check_elsewhere(sources: dict[str, object], has_more: bool) -> None:
    chosen = [name for name, value in sources.items() if value]
    if len(chosen) != 1 or has_more:
        raise click.UsageError(
            "Give one of --file, --from-folders and --csv with --columns, and "
            "neither KEY, LABEL, --withdraw, --filter nor --field."
        )


def _from_elsewhere(
    declared: OpenCollection,
    file: Path | None,
    format_: str | None,
    csv_file: Path | None,
    columns: str | None,
) -> tuple[list[GivenLabel], list[str], str]:
    """Return labels by key, what has none, and where they come from."""
    from autolabel_core.labelling.box_input import SourceImage
    from autolabel_core.labelling.give_labels import read_label_csv
    from autolabel_core.labelling.import_formats.image_labels import read_labels
    from autolabel_core.labelling.label_input import ImageLabel, without_missing
    from autolabel_core.labelling.label_sources import labels_for_keys, labels_from_folders

    if csv_file is not None:
        key_column, comma, label_column = (columns or "").partition(",")
        if not comma or not key_column or not label_column:
            raise click.BadParameter(
                "expected two names, such as image,class", param_hint="--columns"
            )
        names = key_column.strip(), label_column.strip()
        rows = read_label_csv(csv_file, declared.declaration.label_field, names)
        labels = [ImageLabel(SourceImage(row.key), row.label or "") for row in rows]
        given = without_missing(labels)
        return labels_for_keys(declared, given.labels), given.notes, "csv"
    if file is not None:
        parsed, origin = read_labels(file, format_)
        return labels_for_keys(declared, parsed.labels), parsed.notes, origin
    return (*labels_from_folders(declared), "folders")


def _carry_over(
    handle: ProjectCollection, key: str, old: str, annotator: str | None, as_json: bool
) -> None:
    recorded = handle.carry_over(key, old, annotator)
    if as_json:
        emit_json({"recorded": recorded, "warnings": []})
    elif recorded:
        collection = handle.opened.name
        click.echo(f"{key} has the labels of {old}; `autolabel sweep {collection}` applies them.")
    else:
        click.echo(f"{key} has the labels of {old} already.")


def _labels(
    declared: Collection, words: tuple[str, ...], csv_file: Path | None, fields: dict[str, str]
) -> list[GivenLabel]:
    from autolabel_core.labelling.give_labels import GivenLabel, read_label_csv

    if csv_file is not None:
        return read_label_csv(csv_file, declared.label_field)
    return [GivenLabel(words[0], words[1], fields)]


def _withdrawals(
    declared: OpenCollection,
    words: tuple[str, ...],
    csv_file: Path | None,
    filters: tuple[str, ...],
    annotator: str,
) -> tuple[list[GivenLabel], list[str]]:
    """Return what to withdraw, and what is to be said of labels that --filter finds and stay."""
    from autolabel_core.declarations.conditions import parse_text
    from autolabel_core.labelling.give_labels import GivenLabel
    from autolabel_core.labelling.withdrawal import labelled_keys, read_key_csv

    if csv_file is not None:
        return [GivenLabel(key, None, {}, line) for key, line in read_key_csv(csv_file)], []
    if words:
        return [GivenLabel(key, None) for key in dict.fromkeys(words)], []
    conditions = [parse_text(text) for text in filters]
    own, others = labelled_keys(declared, conditions, annotator)
    note = (
        f"{len(others)} of {len(own) + len(others)} documents have labels by others alone, which "
        f"stay: {', '.join(others[:SHOWN_KEYS])}{'…' if len(others) > SHOWN_KEYS else ''}. Add "
        "--annotator to withdraw in another's name."
    )
    return [GivenLabel(key, None) for key in own], [note] if others else []


def _without_label(report: LabelReport) -> list[str]:
    keys = report.without_label
    if not keys:
        return []
    more = "…" if len(keys) > SHOWN_KEYS else ""
    return [f"{len(keys)} had no label to withdraw: {', '.join(keys[:SHOWN_KEYS])}{more}."]


def _shown(report: LabelReport, collection: str, withdraw: bool) -> str:
    counts = [(report.labelled, "label"), (report.withdrawn, "withdrawal")]
    shown = [f"{n} {noun}{'' if n == 1 else 's'}" for n, noun in counts if n]
    shown = shown or [f"0 {'withdrawals' if withdraw else 'labels'}"]
    return (
        f"{' and '.join(shown)} recorded; `autolabel sweep {collection}` applies them to all data."
    )
