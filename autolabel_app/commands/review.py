"""`autolabel review`: list the images to review next."""

from __future__ import annotations

import click

from autolabel_app.output import emit_json, emit_table
from autolabel_core.tables.workspace import Workspace


@click.command()
@click.argument("collection")
@click.option(
    "--by",
    type=click.Choice(["lowest_confidence", "class", "disagreement", "random"]),
    default="lowest_confidence",
    show_default=True,
    help="The queue: by the least sure box of an image, boxes of one class, boxes that the "
    "taxonomy calls something else, or a random sample for an unbiased estimate.",
)
@click.option("--class", "class_name", metavar="NAME", help="Which class, for --by class.")
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="At most so many images.",
)
@click.option(
    "--per-class", type=click.IntRange(min=1), help="At most so many images for one class."
)
@click.option(
    "--per-day",
    type=click.IntRange(min=1),
    help="At most so many images in 24 hours, those annotated in them counted.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the random sample.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with all boxes.")
def review(
    collection: str,
    by: str,
    class_name: str | None,
    limit: int,
    per_class: int | None,
    per_day: int | None,
    seed: int,
    as_json: bool,
) -> None:
    """List the images of COLLECTION that a person should look at next.

    Annotations that carry the retriever and execution ids printed here let
    `autolabel annotations stats --by retriever` tell which queue finds mistakes.
    """
    import uuid
    from datetime import UTC, datetime

    from autolabel_core.labelling.review_queue import Caps, review_queue

    workspace = Workspace.from_environment()
    caps = Caps(limit, per_class, per_day)
    declared = workspace.open(collection)
    found = review_queue(declared, by, caps, datetime.now(UTC), class_name, seed)
    ids = {"retriever_id": f"review_{by}", "execution_id": f"exec_{uuid.uuid4().hex[:12]}"}
    if as_json:
        emit_json({"collection": collection, **ids, "images": found})
        return
    rows = [
        {
            "image": one["image_key"],
            "why": one["why"],
            "boxes": len(one["detections"]),
            "look at": ", ".join(one["focus"]),
        }
        for one in found
    ]
    emit_table(rows, empty="Nothing waits in this queue.")
    if found:
        click.echo(f"\nretriever {ids['retriever_id']}, execution {ids['execution_id']}")
