"""The beginnings of texts, for lists that have no room for the whole."""

from __future__ import annotations

from collections.abc import Collection

from autolabel_core.tables.embeddings import items_of
from autolabel_core.tables.workspace import OpenCollection

EXCERPT_CHARACTERS = 120


def excerpts(collection: OpenCollection, document_ids: Collection[str]) -> dict[str, str]:
    """Return how documents of a collection of texts begin, as the last sweep saw them.

    Args:
        collection: opened with its stores.
        document_ids: of which.

    Returns:
        At most EXCERPT_CHARACTERS of each on one line, by id; of images, and of what cannot be read
        any more, nothing.
    """
    if collection.extractor.manifest.input != "text":
        return {}
    items = items_of(collection.declaration)(collection)
    rows = [row for row in items.rows_of(set(document_ids)) if not row["reason"]]
    decoded = zip(rows, items.decoded(rows, None), strict=True)
    return {row["document_id"]: _begin(text) for row, text in decoded if isinstance(text, str)}


def _begin(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= EXCERPT_CHARACTERS else line[: EXCERPT_CHARACTERS - 1] + "…"
