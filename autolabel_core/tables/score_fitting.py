"""Fits the declared score to the references that count, once for each state of them."""

from __future__ import annotations

import contextlib
from pathlib import PurePath

import numpy as np
import numpy.typing as npt

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.foundation.score_names import DeclaredScore
from autolabel_core.matching.scores.fitted import FittedScore
from autolabel_core.tables.embeddings import Embeddings
from autolabel_core.tables.layout import LABELS
from autolabel_core.tables.references import ReferenceVectors
from autolabel_core.tables.remembered import remembered
from autolabel_core.tables.score_file import load_score, save_score
from autolabel_core.tables.workspace import OpenCollection

FORMAT = 2
"""Of fitted scores; another number has them fitted anew."""


def pool_centre(collection: OpenCollection) -> list[float]:
    """Return the middle of the documents of the first batch: what all documents have in common.

    Later batches change nothing, so that an upload leaves the labels of older documents alone.

    Args:
        collection: whose documents.

    Returns:
        (d,) numbers; none where nothing is embedded yet.
    """
    embeddings = Embeddings(collection)
    files = embeddings.warehouse.files_in(embeddings.folder, "batch_*.arrow")
    if not files:
        return []

    def made_from() -> str:
        return fingerprint(FORMAT, str(files[0]), embeddings.warehouse.fingerprint(files[0]))

    def compute() -> list[float]:
        table = embeddings.warehouse.read_vectors(files[0])
        readable = table.vectors[table.readable]
        if not len(readable):
            return []
        mean = readable.mean(axis=0, dtype=np.float64).astype(np.float32)
        return [float(value) for value in mean]

    return remembered(collection, "pool_centre", made_from, compute)


def score_path(collection: OpenCollection, use: str = "score") -> PurePath:
    """Return the file of a score fitted for a collection, by default of that which decides."""
    return collection.warehouse.path(collection.name, LABELS, ".score", f"{use}.arrow")


def fitted_score(
    collection: OpenCollection,
    declared: DeclaredScore,
    references: ReferenceVectors,
    conditions: list[object],
    use: str = "score",
) -> FittedScore | None:
    """Return the declared score, fitted to the references that count.

    Args:
        collection: whose documents are decided.
        declared: the score.
        references: that count.
        conditions: by which they were chosen.
        use: names the file, by default that of the score which decides.

    Returns:
        The score, from its file where that was fitted to the same; None without references.
    """
    if not references.rows:
        return None
    centre = _centre(collection, references.vectors.shape[1])
    made_from = fingerprint(FORMAT, declared, references.version, conditions, centre.tolist())
    warehouse, path = collection.warehouse, score_path(collection, use)
    known = load_score(warehouse, path, made_from)
    if known is not None:
        return known
    from autolabel_core.matching.scores.choice import fit_score

    score = fit_score(declared, references.vectors, references.labels, centre)
    # A command that only reads may have no right to write; the next sweep keeps it.
    with contextlib.suppress(OSError, AutolabelError):
        save_score(warehouse, path, score, made_from)
    return score


def _centre(collection: OpenCollection, dimensions: int) -> npt.NDArray[np.float32]:
    centre = np.array(pool_centre(collection), np.float32)
    # While the feature space changes, references and documents may be of two spaces.
    return centre if len(centre) == dimensions else np.zeros(dimensions, np.float32)
