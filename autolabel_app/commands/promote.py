"""`autolabel promote`: make confident auto-labels references, after a person's review."""

from __future__ import annotations

import click

from autolabel_app.dry_runs import dry_run_option, show_dry_run
from autolabel_app.options import (
    NOT_PROMOTED,
    is_confirmed,
    json_option,
    reviewed_option,
    reviewer_option,
)
from autolabel_app.output import emit_json, emit_table
from autolabel_core.foundation.paths import annotator_name
from autolabel_core.tables.workspace import Workspace


@click.command()
@click.argument("collection")
@click.option(
    "--min-confidence",
    type=click.FloatRange(-1, 1),
    default=0.85,
    show_default=True,
    help="Lowest confidence that is promoted.",
)
@click.option(
    "--min-margin",
    type=click.FloatRange(0, 2),
    metavar="M",
    help="Lowest distance to the best other label; wrong labels are confident more often than far.",
)
@click.option(
    "--per-label", type=click.IntRange(min=1), metavar="N", help="At most so many of each label."
)
@click.option("--exclude", multiple=True, metavar="KEY", help="Leave KEY out; may be repeated.")
@click.option(
    "--limit", type=click.IntRange(min=1), help="At most so many, the most confident first."
)
@reviewed_option
@reviewer_option
@dry_run_option
@json_option
def promote(
    collection: str,
    min_confidence: float,
    min_margin: float | None,
    per_label: int | None,
    exclude: tuple[str, ...],
    limit: int | None,
    yes: bool,
    reviewer: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Show the auto-labels of COLLECTION that would become references; promote them after a yes.

    Where the references live in another collection, the objects are copied into its bucket under
    promoted/COLLECTION/.
    """
    from autolabel_core.labelling.promotion import promote as promote_documents
    from autolabel_core.labelling.promotion_candidates import candidates

    workspace = Workspace.from_environment()
    declared = workspace.open(collection)
    chosen = candidates(declared, min_confidence, exclude, min_margin, per_label)[:limit]
    if dry_run:
        from autolabel_core.operations.dry_run import dry_run_of_promotion

        _, found = dry_run_of_promotion(declared, chosen, reviewer or annotator_name())
        show_dry_run(found, as_json)
        return
    rows = [
        {
            "key": p.record["key"],
            "label": p.record["label"],
            "confidence": p.record["taxonomy_match"]["confidence"],
            "becomes": p.key if p.copied else "a reference in place",
        }
        for p in chosen
    ]
    if not as_json:
        emit_table(rows, empty=f"No auto-label at or above {min_confidence}.")
    question = f"Promote these {len(chosen)} to {declared.declaration.reference_collection}?"
    accepted = is_confirmed(question, len(chosen), yes, as_json)
    recorded = 0
    if accepted:
        recorded = promote_documents(declared, chosen, reviewer or annotator_name())
    if as_json:
        emit_json({"candidates": rows, "promoted": recorded})
    elif chosen:
        click.echo(
            f"{recorded} promoted; `autolabel sweep` labels the rest by them."
            if accepted
            else NOT_PROMOTED
        )
