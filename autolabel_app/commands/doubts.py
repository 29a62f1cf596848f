"""`autolabel doubts`: labels that something contradicts, and what people decide about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from autolabel_app.options import annotator_option, json_option
from autolabel_app.output import emit_json, emit_table, percent, shown
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.paths import annotator_name
from autolabel_core.tables.workspace import Workspace

if TYPE_CHECKING:
    from autolabel_core.labelling.doubts import DoubtReport
    from autolabel_core.labelling.label_evidence import LabelDoubt, Reason
    from autolabel_core.labelling.settle_doubt import Decision, SettledDoubt


@click.command()
@click.argument("collection")
@click.argument("key", required=False)
@click.option("--keep", is_flag=True, help="The label of KEY is right.")
@click.option("--change", metavar="LABEL", help="The label of KEY is to be LABEL.")
@click.option("--withdraw", is_flag=True, help="The label of KEY is taken away.")
@click.option(
    "--limit", type=click.IntRange(min=0), default=20, show_default=True, help="At most so many."
)
@click.option(
    "--because",
    type=click.Choice(["references", "people", "near_duplicates"]),
    help="Only labels that these contradict.",
)
@click.option("--reason", help="Why it is changed or withdrawn, for `explain`.")
@annotator_option
@json_option
def doubts(
    collection: str,
    key: str | None,
    keep: bool,
    change: str | None,
    withdraw: bool,
    limit: int,
    because: Reason | None,
    reason: str | None,
    annotator: str | None,
    as_json: bool,
) -> None:
    """List the labels of COLLECTION that other references, people or near-duplicates contradict.

    The most doubtful come first, each with the label that is more probable. With KEY alone: what
    speaks for and against its label. With a decision: it is recorded, and the label comes back only
    with new evidence. A document has one label, so that two of them cannot both be right.
    """
    from autolabel_core.labelling.doubts import doubts as find_doubts
    from autolabel_core.labelling.label_evidence import evidence_about
    from autolabel_core.labelling.settle_doubt import settle_doubt

    decisions: list[Decision] = []
    decisions += ["keep"] if keep else []
    decisions += ["change"] if change is not None else []
    decisions += ["withdraw"] if withdraw else []
    if len(decisions) > 1 or (decisions and key is None):
        raise AutolabelError(
            "Expected one KEY with one of --keep, --change LABEL and --withdraw. Nothing was "
            "recorded."
        )
    opened = Workspace.from_environment().open(collection)
    if decisions and key is not None:
        who = annotator or annotator_name()
        settled = settle_doubt(opened, key, decisions[0], who, change, reason)
        if as_json:
            emit_json(vars(settled.decision))
        else:
            click.echo(_outcome(settled))
    elif key is not None:
        labelled, row = evidence_about(opened, key)
        (found,) = labelled.records([row])
        if as_json:
            emit_json(found)
        else:
            _show_one(found)
    else:
        report = find_doubts(opened, limit, because)
        if as_json:
            emit_json(report)
        else:
            _show(report)


def _show(report: DoubtReport) -> None:
    rows = [
        {
            "doubt": percent(one["doubt"]),
            "key": one["key"],
            "label": one["label"],
            "proposed": one["proposed_label"],
            "nearest": _nearest(one),
            "other labels": _contradictions(one),
            **({} if one["excerpt"] is None else {"text": one["excerpt"]}),
        }
        for one in report["doubts"]
    ]
    emit_table(rows, empty="Nothing contradicts a label that has not been decided about.")
    click.echo(
        f"\n{report['contradicted']} of {report['references']} labels are contradicted, "
        f"{report['doubted']} of them are more probably wrong than right; "
        f"{report['settled']} were decided about before."
    )
    if report["changed_since"]:
        click.echo(
            f"{report['changed_since']} got another label after the last sweep: "
            f"`autolabel sweep {report['collection']}`."
        )
    if report["judged"] < report["references"]:
        click.echo(
            f"{report['references'] - report['judged']} cannot be judged by other references: "
            "their label has no second one."
        )
    if rows:
        click.echo(
            f"`autolabel doubts {report['collection']} KEY` shows the evidence; add --keep, "
            "--change LABEL or --withdraw."
        )


def _show_one(found: LabelDoubt) -> None:
    click.echo(
        f"{shown(found['key'])}: {shown(found['label'])} ({found['label_source']}), wrong with a "
        f"probability of {percent(found['doubt'])}."
    )
    if found["excerpt"]:
        click.echo(f"  {shown(found['excerpt'])}")
    if found["proposed_label"] is not None:
        click.echo(
            f"Proposed: {shown(found['proposed_label'])} ({percent(found['proposed_probability'])})"
        )
    click.echo(
        f"By the other references alone: {shown(found['label'])} "
        f"{percent(found['probability_by_others'])}, {shown(found['proposed_label'])} "
        f"{percent(found['proposed_probability_by_others'])}."
    )
    for annotation in found["annotations"]:
        who = f"{shown(annotation['annotator'])} ({annotation['origin']})"
        click.echo(f"{annotation['recorded_at'][:19]}Z {who}: {shown(annotation['label'])}")
    emit_table(
        [
            {
                "nearest reference": one["key"],
                "label": one["label"],
                "similarity": one["similarity"],
                "near-duplicate": one["near_duplicate"],
            }
            for one in found["neighbours"]
        ],
        empty="There is no other reference.",
    )


def _nearest(one: LabelDoubt) -> str:
    listed = [f"{other['label']} {other['similarity']:.2f}" for other in one["neighbours"][:3]]
    return ", ".join(listed)


def _contradictions(one: LabelDoubt) -> str | None:
    others = [
        f"{a['annotator']}: {a['label']}" for a in one["annotations"] if a["label"] != one["label"]
    ]
    others += [
        f"near-duplicate {other['key']}: {other['label']}"
        for other in one["neighbours"]
        if other["near_duplicate"] and other["label"] != one["label"]
    ]
    return "; ".join(others) or None


def _outcome(settled: SettledDoubt) -> str:
    decision = settled.decision
    if decision.decision == "keep":
        return f"{shown(decision.key)} stays {shown(decision.label)}."
    lines = [
        f"{shown(decision.key)} was {shown(decision.label)}, and is "
        f"{shown(decision.new_label) if decision.new_label else 'without this label'} from the "
        f"next sweep on."
    ]
    if settled.report is not None:
        lines += [*map(str, settled.report.warnings), *settled.report.notes]
    return "\n".join(lines)
