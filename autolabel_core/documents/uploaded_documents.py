"""Documents with when they were uploaded, and what the references say of them."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from autolabel_core.documents.documents import Documents
from autolabel_core.foundation.ids import object_of
from autolabel_core.tables.workspace import OpenCollection

MOST_READ = 200_000
"""Of more documents a half, a quarter, … is read, drawn by their ids, which are hashes."""


class UploadedDocument(NamedTuple):
    """A document with when it came, and what the references say of it."""

    document_id: str
    key: str
    similarity: float
    score: float
    label: str
    group: str | None
    window: int
    batch: str


def uploaded_documents(
    collection: OpenCollection, field: str | None, window_hours: float
) -> list[UploadedDocument]:
    """Return the documents that the references say something of, as the last sweep left them.

    Of an image with boxes, or of a video, one stands for all: what is on one picture is alike. The
    same content counts once, when it came first.

    Args:
        collection: whose documents.
        field: what they are grouped by; those without a value are left out. None: by nothing.
        window_hours: how long a window is.

    Returns:
        Documents in any order.
    """
    view, name = Documents(collection), collection.name
    group = f"{view.expression(field)}::VARCHAR" if field else "NULL::VARCHAR"
    known = "similarity IS NOT NULL AND confidence IS NOT NULL AND suggested_label IS NOT NULL"
    with view.connect() as connection:
        total = int(connection.execute("SELECT count(*) FROM documents").fetchall()[0][0])
        most = 256 // 2 ** max(0, (total - 1) // MOST_READ).bit_length()
        rows = connection.execute(
            "SELECT document_id, key, similarity::DOUBLE, confidence::DOUBLE, suggested_label, "
            f"{group} AS g, content_hash FROM documents WHERE {known} "
            "AND substr(document_id, 5, 2) < ? ORDER BY document_id",
            [f"{most:02x}" if most < 256 else "g"],
        ).fetchall()
    moments, objects = collection.ledger.last_changes(name), collection.ledger.objects(name)
    of_content: dict[object, tuple[str, UploadedDocument]] = {}
    seen = set()
    for document, key, similarity, score, label, value, content in rows:
        owner = object_of(document)
        if owner in seen or owner not in moments or (field is not None and value is None):
            continue
        seen.add(owner)
        at = moments[owner]
        window = window_of(datetime.fromisoformat(at).timestamp(), window_hours)
        found = UploadedDocument(
            document, key, similarity, score, label, value, window, objects[owner].batch
        )
        earlier = of_content.get((value, content))
        if earlier is None or at < earlier[0]:
            of_content[value, content] = at, found
    return [document for _, document in of_content.values()]


def window_of(seconds: float, window_hours: float) -> int:
    """Return the number of the window that a moment lies in, in seconds since 1970."""
    return int(seconds // (window_hours * 3600.0))
