"""`autolabel documents`: filter, sort, list."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from autolabel_app.as_of import as_of_option, project_as_of
from autolabel_app.options import json_option
from autolabel_app.output import emit_json, emit_table

if TYPE_CHECKING:
    from autolabel_core.documents.record import DocumentRecord
    from autolabel_core.foundation.json_types import Cell


@click.command()
@click.argument("collection")
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="FIELD:OP:VALUE",
    help="Such as label:eq:null or taxonomy_match.confidence:lt:0.4; all must hold. "
    "Operators: eq ne exists gt gte lt lte in contains under.",
)
@click.option("--sort", metavar="FIELD", help="Ascending; -FIELD is descending.")
@click.option("--limit", type=click.IntRange(min=0), help="At most so many.")
@click.option(
    "--like",
    metavar="QUERY",
    help="The most alike first: a document's key, a file, or words such as 'red shoes' where the "
    "extractor embeds texts (multimodal_extractor, text_extractor). Without --limit the first 20.",
)
@click.option("--urls", is_flag=True, help="Add `url`, by which the content can be fetched.")
@click.option(
    "--expires",
    type=click.IntRange(1, 604_800),
    default=3600,
    show_default=True,
    help="Seconds that a signed URL of an object on S3 is good for.",
)
@as_of_option
@json_option
def documents(
    collection: str,
    filters: tuple[str, ...],
    sort: str | None,
    limit: int | None,
    like: str | None,
    urls: bool,
    expires: int,
    as_of: str | None,
    as_json: bool,
) -> None:
    """List the documents of COLLECTION as the last sweep left them."""
    if like is not None and sort is not None:
        raise click.UsageError("--like sorts by likeness; leave --sort out.")
    if urls and as_of is not None:
        raise click.UsageError("--urls gives addresses of today; leave --as-of out.")
    with project_as_of(as_of, [collection]) as project:
        handle = project.collection(collection)
        records = handle.records(filters, sort, limit, expires if urls else None, like)
    if as_json:
        emit_json(records)
        return
    of_boxes = handle.opened.declaration.detection is not None
    rows = [document_row(record, of_boxes, urls) for record in records]
    if like is not None:
        scores = [record["score"] for record in records]
        rows = [{"score": score, **row} for score, row in zip(scores, rows, strict=True)]
    emit_table(rows, empty="No documents.")


def document_row(record: DocumentRecord, of_boxes: bool, with_url: bool = False) -> dict[str, Cell]:
    """Return a document as one line of a table.

    Args:
        record: the document.
        of_boxes: whether boxes are documents; elsewhere `kind` may be a field of the user's.
        with_url: whether its address is shown.

    Returns:
        The cells.
    """
    boxes: dict[str, Cell] = {}
    if of_boxes and record["kind"] == "detection":
        boxes = {"class": record["detected_class"], "sure": record["detected_confidence"]}
    elif of_boxes:
        found = record["detections"]
        boxes = {"class": None if found is None else f"{len(found)} boxes", "sure": None}
    return {
        "key": record["key"],
        **boxes,
        "label": record["label"],
        "source": record["label_source"],
        "confidence": record["taxonomy_match"]["confidence"],
        "suggested": record["suggested_label"],
        "reason": record["reason"] or "",
        **({"url": record["url"]} if with_url else {}),
    }
