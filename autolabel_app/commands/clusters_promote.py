"""`autolabel clusters promote`: a cluster becomes a label, after review."""

from __future__ import annotations

import click

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

CENTRAL_MEMBERS = 20


@click.command()
@click.argument("collection")
@click.argument("cluster")
@click.option("--label", required=True, help="The label that the cluster stands for.")
@click.option("--exclude", multiple=True, metavar="KEY", help="Leave KEY out; may be repeated.")
@click.option(
    "--core",
    type=click.IntRange(min=1),
    default=CENTRAL_MEMBERS,
    show_default=True,
    help="So many of the most central members become references.",
)
@click.option("--all", "every", is_flag=True, help="All members become references.")
@reviewed_option
@click.option("--force", is_flag=True, help="Promote a cluster that fails the promotion checks.")
@reviewer_option
@json_option
def promote(
    collection: str,
    cluster: str,
    label: str,
    exclude: tuple[str, ...],
    core: int,
    every: bool,
    yes: bool,
    force: bool,
    reviewer: str | None,
    as_json: bool,
) -> None:
    """Show which members of CLUSTER would become references; promote them after a yes.

    The next sweep labels the rest by them. What a person labelled is never overridden. A cluster
    that falls apart under resampling, is too small or too loose, or is more than one thing by its
    labels or its shape, is refused without --force.
    """
    from autolabel_core.clusters.promotion import confirm_promotion, propose_promotion

    workspace = Workspace.from_environment()
    declared = workspace.open(collection)
    proposal = propose_promotion(
        declared, cluster, label, core=None if every else core, exclude=exclude
    )
    rows = [
        {
            "key": p.record["key"],
            "cosine_similarity_to_centroid": p.provenance["cosine_similarity_to_centroid"],
            "label_now": p.record["label"],
            "becomes": p.key if p.copied else "a reference in place",
        }
        for chosen in proposal.chosen.values()
        for p in chosen
    ]
    said = {
        "cluster": f"{proposal.defined.name}/{proposal.cluster_id}",
        "label": proposal.label,
        "documents": proposal.size,
        "stability": proposal.stability,
        "promotable": not proposal.reasons,
        "reasons": list(proposal.reasons),
        "people_said": proposal.said,
        "already_promoted": proposal.promoted,
        "images_to_review": proposal.images_to_review,
    }
    if not as_json:
        emit_table(rows, empty=_nothing_left(proposal.promoted, label))
        click.echo(
            f"{said['cluster']}: {len(rows)} of {proposal.size} documents become `{label}`; "
            f"stability {proposal.stability:.2f}."
        )
        if proposal.reasons:
            click.echo(f"It cannot become a label yet: {'; '.join(proposal.reasons)}.")
    accepted = is_confirmed(f"Promote these {len(rows)}?", len(rows), yes, as_json)
    recorded = 0
    if accepted:
        recorded = confirm_promotion(workspace, proposal, reviewer or annotator_name(), force)
    if as_json:
        emit_json({**said, "candidates": rows, "promoted": recorded})
    elif rows and accepted:
        click.echo(f"{recorded} promoted; `autolabel sweep {collection}` labels the rest.")
        if proposal.images_to_review:
            click.echo(_to_review(collection, proposal.images_to_review))
    elif rows:
        click.echo(NOT_PROMOTED)


def _nothing_left(promoted: int, label: str) -> str:
    if promoted:
        return (
            f"Nothing to promote: {promoted} members are references for `{label}` already; "
            "a larger --core, or --all, takes more."
        )
    return "Nothing to promote: every member carries a person's label."


def _to_review(collection: str, images: int) -> str:
    return (
        f"A detector is trained on images that are reviewed as a whole: look at these {images}, "
        f"add what is missing on them, then `autolabel annotate {collection} IMAGE_KEY --label "
        "reviewed`."
    )
