"""`autolabel threshold`: propose thresholds, or preview what another one would change."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, get_args

import click

from autolabel_app.dry_runs import show_dry_run
from autolabel_app.options import json_option
from autolabel_app.output import emit_json, emit_table, percent
from autolabel_core.foundation.score_names import DeclaredScore
from autolabel_core.operations.project import Project

if TYPE_CHECKING:
    from autolabel_core.matching.threshold_changes import ThresholdChange
    from autolabel_core.matching.thresholds import PerLabelProposal, ThresholdProposal

SCORES = get_args(DeclaredScore)


@click.command()
@click.argument("collection")
@click.option(
    "--precision",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.95,
    show_default=True,
    help="Wanted share of right labels among the matched.",
)
@click.option(
    "--try",
    "tried",
    type=click.FloatRange(-1, 1),
    metavar="T",
    help="List what the threshold T for all labels would change.",
)
@click.option(
    "--label-threshold",
    "label_thresholds",
    multiple=True,
    metavar="LABEL=T",
    help="With another threshold for one label; may be repeated.",
)
@click.option("--score", type=click.Choice(SCORES), help="With another score.")
@click.option(
    "--similarity-threshold",
    type=click.FloatRange(-1, 1),
    metavar="T",
    help="With another similarity below which documents are unknown.",
)
@json_option
def threshold(
    collection: str,
    precision: float,
    tried: float | None,
    label_thresholds: tuple[str, ...],
    score: DeclaredScore | None,
    similarity_threshold: float | None,
    as_json: bool,
) -> None:
    """Propose thresholds for COLLECTION from leave-one-out figures of its references.

    With --try, --label-threshold, --score or --similarity-threshold nothing is proposed: it lists
    which labels would change if the YAML said so, found in a copy. Nothing is changed either way;
    thresholds are set in the YAML, or certified by verdicts where it names a target precision.
    """
    from autolabel_core.labelling.certificate_report import certificate_records

    handle = Project.open().collection(collection)
    by_label = _by_label(label_thresholds)
    if score or by_label or similarity_threshold is not None:
        show_dry_run(handle.try_rule(tried, by_label, score, similarity_threshold), as_json)
        return
    if tried is not None:
        change = handle.try_threshold(tried)
        found = handle.try_rule(tried)
        if as_json:
            changes = [one._asdict() for one in found.changes]
            emit_json({"threshold": tried, **asdict(change), "changes": changes})
        else:
            _show_change(tried, change)
            show_dry_run(found, as_json)
        return
    proposal = handle.threshold(precision)
    stated = proposal.overall.threshold if as_json else _floor(proposal.overall.threshold)
    certificates = certificate_records(handle.opened)
    change = handle.try_threshold(stated)
    if as_json:
        per_label = {label: asdict(p) for label, p in proposal.per_label.items()}
        emit_json(
            {
                "wanted_precision": precision,
                "overall": asdict(proposal.overall),
                "per_label": per_label,
                "fallback": proposal.fallback,
                "certificates": certificates,
                "change": asdict(change),
            }
        )
        return
    _show_proposal(precision, proposal, is_certified=bool(certificates))
    for record in certificates:
        click.echo(f"In use: {record['text']}.")
    _show_change(stated, change)


def _by_label(given: tuple[str, ...]) -> dict[str, float]:
    """Read `LABEL=T`; a label may hold an equals sign itself."""
    thresholds: dict[str, float] = {}
    for text in given:
        label, _, number = text.rpartition("=")
        try:
            thresholds[label] = float(number)
        except ValueError:
            label = ""
        if not label:
            raise click.UsageError(f"--label-threshold takes LABEL=T, such as shoe=0.8, not {text}")
    return thresholds


def _show_proposal(precision: float, proposal: PerLabelProposal, is_certified: bool) -> None:
    rows = [{"label": "(all)", **_row(proposal.overall)}]
    rows += [{"label": label, **_row(p)} for label, p in proposal.per_label.items()]
    emit_table(rows)
    if proposal.fallback:
        click.echo(f"Too few references for one of their own: {', '.join(proposal.fallback)}.")
    if proposal.missed:
        click.echo(f"No threshold of their own reaches it: {', '.join(proposal.missed)}.")
    click.echo(_promise(precision, proposal.overall))
    if not proposal.overall.reached or is_certified:
        return
    click.echo("\nIn the YAML:\n  taxonomy:")
    click.echo(f"    confidence_threshold: {_floor(proposal.overall.threshold):.4f}")
    per_label = proposal.thresholds().per_label
    if per_label:
        click.echo("    label_thresholds:   # optional")
        for label, own in per_label.items():
            click.echo(f'      "{label}": {_floor(own):.4f}')
    click.echo()


def _promise(precision: float, overall: ThresholdProposal) -> str:
    """Say what the figures are worth: references chose the threshold, and are not the documents."""
    if not overall.reached:
        return (
            f"No threshold reaches a precision of {precision:.0%} among the references, so none is "
            "proposed; shown is the most precise. Label more, clean the references that disagree, "
            "or use a stronger encoder."
        )
    rests_on = f"{overall.matched} of {overall.support} references"
    low = (
        f"The precision rests on {rests_on}, which chose the threshold as well: with 95 % "
        f"confidence it is at least {percent(overall.precision_low)} for documents like them."
    )
    if overall.promised:
        return low
    return (
        f"{low}\nThat promises no {precision:.0%}: `autolabel audit` measures the labels that are "
        "then given."
    )


def _row(proposal: ThresholdProposal) -> dict[str, object]:
    return {
        "threshold": _floor(proposal.threshold),
        "precision": percent(proposal.precision),
        "at least": percent(proposal.precision_low),
        "rests on": f"{proposal.matched} of {proposal.support}",
        "coverage": percent(proposal.coverage),
    }


def _floor(value: float) -> float:
    """Round down to what is printed, so that the item which set the threshold still matches."""
    return math.floor(value * 1e4) / 1e4


def _show_change(tried: float, change: ThresholdChange) -> None:
    click.echo(
        f"At {tried:.4f}: {change.newly_labelled} documents would become labelled, "
        f"{change.newly_unlabelled} unlabelled, {change.unchanged} stay."
    )
    rows = [
        {"label": label, "newly labelled": c.newly_labelled, "newly unlabelled": c.newly_unlabelled}
        for label, c in change.per_label.items()
        if c.newly_labelled or c.newly_unlabelled
    ]
    if rows:
        emit_table(rows)
