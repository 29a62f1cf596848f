"""Aligns the vectors of a batch with its documents, also where one file is newer than the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autolabel_core.storage.warehouse import VectorTable
from autolabel_core.tables.document_table import DocumentRow

NOT_EMBEDDED = "is not embedded yet; the next sweep takes it up"


def aligned(vectors: VectorTable, objects: Sequence[DocumentRow]) -> VectorTable:
    """Return the vectors row by row with the objects.

    Args:
        vectors: of a batch.
        objects: (n,) its documents, which may be others by now.

    Returns:
        n rows; a document without its vector has the reason that it is not embedded yet.
    """
    ids = [row["document_id"] for row in objects]
    contents = [row["content_hash"] or "" for row in objects]
    if ids == vectors.document_ids and contents == vectors.content_hashes:
        return vectors
    places = zip(vectors.document_ids, vectors.content_hashes, strict=True)
    place = {document: row for row, document in enumerate(places)}
    positions = [place.get(document, -1) for document in zip(ids, contents, strict=True)]
    reasons = [
        row["reason"] or (NOT_EMBEDDED if i < 0 else vectors.reasons[i])
        for row, i in zip(objects, positions, strict=True)
    ]
    nothing = np.zeros((1, vectors.vectors.shape[1]), np.float32)
    matrix = np.concatenate([vectors.vectors, nothing])[positions]
    return VectorTable(ids, contents, reasons, matrix)
