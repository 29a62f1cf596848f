"""Finds one document that can be read, and the table that its content is read from."""

from __future__ import annotations

from autolabel_core.foundation.errors import NotFoundError, UnreadableItemError
from autolabel_core.tables.document_table import DocumentRow, DocumentTable
from autolabel_core.tables.embeddings import items_of
from autolabel_core.tables.workspace import OpenCollection


def readable_document(
    collection: OpenCollection, document_id: str
) -> tuple[DocumentTable, DocumentRow]:
    """Return a document as the last sweep saw it.

    Args:
        collection: whose document.
        document_id: of an object or a part of one.

    Returns:
        The table that gives its content, and its row.

    Raises:
        NotFoundError: there is no such document.
        UnreadableItemError: it is quarantined.
    """
    items = items_of(collection.declaration)(collection)
    rows = items.rows_of({document_id})
    if not rows:
        raise NotFoundError(f"No document {document_id!r} in `{collection.name}`.")
    if rows[0]["reason"] or not rows[0]["content_hash"]:
        raise UnreadableItemError(rows[0]["reason"] or "not read yet; sweep first")
    return items, rows[0]
