"""`autolabel audit`: verify a random sample of auto-labels."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from autolabel_app.options import json_option
from autolabel_app.output import emit_json, emit_table, percent
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.paths import annotator_name
from autolabel_core.tables.workspace import Workspace

if TYPE_CHECKING:
    from autolabel_core.labelling.audit import JudgedLabel, LabelToJudge
    from autolabel_core.tables.workspace import OpenCollection

CERTIFY_SAMPLE = 25
"""So many verdicts are asked for at a time."""


@click.command()
@click.argument("collection")
@click.option(
    "--sample", type=click.IntRange(min=1), metavar="N", help="Draw N auto-labels at random."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the draw.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write the sample as a CSV to fill in."
)
@click.option(
    "--csv",
    "csv_file",
    type=click.Path(path_type=Path),
    help="Record verdicts: columns key,label,verdict[,correct_label]; verdict right or wrong.",
)
@click.option(
    "--certify",
    is_flag=True,
    help="Ask for the verdicts that certify the declared target precision; --sample of them.",
)
@click.option(
    "--give-corrections",
    is_flag=True,
    help="Give the right labels that came with verdicts of a certificate, which ends it.",
)
@click.option("--auditor", help="Who is auditing [default: AUTOLABEL_ANNOTATOR or the login].")
@json_option
def audit(
    collection: str,
    sample: int | None,
    seed: int,
    out: Path | None,
    csv_file: Path | None,
    auditor: str | None,
    certify: bool,
    give_corrections: bool,
    as_json: bool,
) -> None:
    """Measure how many auto-labels of COLLECTION are wrong, or certify that few are.

    Labels found wrong are corrected where the right one is given, and not given again; labels found
    right do not become references. In a terminal each item of the sample is asked in turn.

    With --certify documents are drawn so that verdicts on them certify the `target_precision` of
    the YAML. Stop whenever you like; corrections are kept until --give-corrections, since they
    would change the rule that is being judged.
    """
    import numpy as np

    from autolabel_core.labelling.audit import (
        JudgedLabel,
        audit_sample,
        record_verdicts,
        write_sample,
    )
    from autolabel_core.labelling.audit_summary import audit_summary

    workspace = Workspace.from_environment()
    declared = workspace.open(collection)
    who = auditor or annotator_name()
    if give_corrections:
        _give_corrections(declared, who)
        return
    if certify:
        _certify(declared, sample or CERTIFY_SAMPLE, out, csv_file, who, as_json)
        return
    if csv_file is not None:
        record_verdicts(declared, _read_verdicts(csv_file), who)
    elif sample is not None:
        drawn = audit_sample(declared, sample, np.random.default_rng(seed))
        if out is not None:
            write_sample(out, drawn)
            click.echo(f"{len(drawn)} auto-labels in {out}; fill in `verdict`, then --csv {out}")
            return
        if as_json:
            emit_json(drawn)
            return
        if not sys.stdin.isatty():
            shown = (
                {"key": r["key"], "label": r["label"], "confidence": r["confidence"]} for r in drawn
            )
            emit_table(list(shown))
            click.echo(_how_to_record(collection, sample, seed), err=True)
            return
        judged = [j for r in drawn if (j := _ask(r, JudgedLabel)) is not None]
        record_verdicts(declared, judged, who)
    summary = audit_summary(declared)
    if as_json:
        emit_json(summary)
        return
    click.echo(
        f"{summary['audited']} auto-labels audited, {summary['wrong']} wrong: false-positive rate "
        f"{percent(summary['rate'])} (95 % interval {percent(summary['low'])} to "
        f"{percent(summary['high'])})."
    )


def _certify(
    declared: OpenCollection,
    most: int,
    out: Path | None,
    csv_file: Path | None,
    who: str,
    as_json: bool,
) -> None:
    """Ask for verdicts, or record those of a file; then say what is certified."""
    from autolabel_core.labelling.audit import JudgedLabel, record_verdicts, write_sample
    from autolabel_core.labelling.certificate_report import certificate_records
    from autolabel_core.labelling.certification import declared_target, draws_to_judge

    declared_target(declared)
    if csv_file is not None:
        record_verdicts(declared, _read_verdicts(csv_file), who)
    else:
        drawn = draws_to_judge(declared, most)
        if out is not None and drawn:
            write_sample(out, drawn)
            click.echo(
                f"{len(drawn)} labels in {out}; fill in `verdict`, then --certify --csv {out}"
            )
        elif as_json:
            emit_json(drawn)
            return
        elif not sys.stdin.isatty():
            names = ("key", "label", "confidence")
            emit_table([{name: dict(draw)[name] for name in names} for draw in drawn])
        else:
            for draw in drawn:
                answer = _ask(draw, JudgedLabel)
                if answer is not None:
                    # At once, so that who stops in the middle loses nothing.
                    record_verdicts(declared, [answer], who)
    records = certificate_records(declared)
    if as_json:
        emit_json(records)
        return
    for record in records:
        click.echo(record["text"])


def _give_corrections(declared: OpenCollection, who: str) -> None:
    from autolabel_core.labelling.certification import give_corrections

    count = give_corrections(declared, who)
    click.echo(
        f"{count} corrections are labels now. `autolabel sweep {declared.name}` labels by them; "
        "what was certified of the rule without them is void then."
        if count
        else "There are no corrections that are not labels already."
    )


def _ask(record: LabelToJudge, judged: type[JudgedLabel]) -> JudgedLabel | None:
    answer = click.prompt(
        f"{record['key']}: {record['label']} ({record['confidence']:.2f})? "
        "[y] right, [n] wrong, [s] skip, or the right label",
    ).strip()
    if answer == "s":
        return None
    if answer == "y":
        return judged(record["key"], record["label"], "right", None, "")
    return judged(record["key"], record["label"], "wrong", None if answer == "n" else answer, "")


def _read_verdicts(path: Path) -> list[JudgedLabel]:
    from autolabel_core.foundation.spreadsheet_cells import unescaped
    from autolabel_core.labelling.audit import JudgedLabel

    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise AutolabelError(f"{path} cannot be read as UTF-8 text: {error}") from error
    reader = csv.DictReader(io.StringIO(text, newline=""))
    header = set(reader.fieldnames or [])
    if not {"key", "label", "verdict"} <= header:
        raise AutolabelError(
            f"{path}, line 1: expected the columns key,label,verdict[,correct_label], found "
            f"`{','.join(reader.fieldnames or [])}`"
        )
    judged = []
    for row in reader:
        verdict = (row["verdict"] or "").strip().lower()
        if verdict:
            correct = (row.get("correct_label") or "").strip() or None
            key, label = unescaped(row["key"]), unescaped(row["label"])
            judged.append(JudgedLabel(key, label, verdict, correct, f"line {reader.line_num}"))
    return judged


def _how_to_record(collection: str, size: int, seed: int) -> str:
    return (
        f"\nTo record verdicts, write this sample to a file: `autolabel audit {collection} "
        f"--sample {size} --seed {seed} --out sample.csv`. Fill in `verdict` (right or wrong), "
        f"then run `autolabel audit {collection} --csv sample.csv`."
    )
