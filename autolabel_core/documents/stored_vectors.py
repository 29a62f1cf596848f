"""The vectors of a collection's documents, gathered from all batches."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from autolabel_core.tables.embeddings import Embeddings


def stored_vectors(
    embeddings: Embeddings, wanted: Collection[str] | None = None
) -> tuple[list[str], npt.NDArray[np.float32]]:
    """Return the vectors of the documents that have one.

    Args:
        embeddings: the table.
        wanted: ids of the documents that count; None: all.

    Returns:
        (n,) document ids, ascending, and the (n, d) matrix of their vectors, of unit length.
    """
    ids: list[str] = []
    parts: list[npt.NDArray[np.float32]] = []
    for batch in embeddings.batches:
        if not embeddings.warehouse.exists(embeddings.path(batch)):
            continue
        table = embeddings.warehouse.read_vectors(embeddings.path(batch))
        readable = np.flatnonzero(table.readable).tolist()
        rows = [i for i in readable if wanted is None or table.document_ids[i] in wanted]
        if rows:
            ids += [table.document_ids[i] for i in rows]
            whole = len(rows) == len(table.document_ids)
            parts.append(table.vectors if whole else table.vectors[rows])
    if not ids:
        return [], np.zeros((0, embeddings.extractor.manifest.embedding_dim or 1), np.float32)
    order = np.argsort(np.array(ids), kind="stable")
    return [ids[i] for i in order.tolist()], np.concatenate(parts)[order]
