"""Documents that may be asked about, and how alike any two of them are.

Similarity is the square of the cosine, seen from the middle of the documents: what all of them
share says nothing, and what points away from each other is not alike. Near-duplicates have 1, so
that whoever labels one has labelled the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float32]

DUPLICATE_DISTANCE = 0.02
"""Squared distance of near-duplicates, as a share of the mean squared distance from the middle."""
ROUNDING = 1e-6
"""Squared distances below this are none: where all documents are equal there is no spread."""
BELOW_DUPLICATES = np.float32(1 - 2.0**-20)
ROWS_PER_BLOCK = 1024


@dataclass(frozen=True)
class Candidates:
    """m documents of d dimensions.

    Attributes:
        vectors: (m, d) rows of unit length.
        centre: (d,) their mean.
        spread: their mean squared distance from it, from 0 to 1.
        similarity: (m, m) from 0 to 1; 1 for near-duplicates.
    """

    vectors: Vectors
    centre: Vectors
    spread: float
    similarity: Floats

    def greatest_similarity(self, vectors: Vectors) -> Floats:
        """Return how similar each candidate is to the most similar of other documents.

        Args:
            vectors: (r, d) rows of unit length; r may be 0.

        Returns:
            (m,) from 0 to 1; 0 without others.
        """
        greatest = np.zeros(len(self.vectors), np.float32)
        for start in range(0, len(vectors), ROWS_PER_BLOCK):
            block = vectors[start : start + ROWS_PER_BLOCK]
            alike = _similarity(self.vectors, block, self.centre, self.spread)
            np.maximum(greatest, alike.max(axis=1), out=greatest)
        return greatest


def candidates_of(vectors: Vectors) -> Candidates:
    """Compare documents with each other.

    Args:
        vectors: (m, d) rows of unit length; m may be 0.

    Returns:
        The candidates, in that order.
    """
    rows = np.ascontiguousarray(vectors, np.float32)
    centre = np.zeros(rows.shape[1], np.float32)
    spread = 0.0
    if len(rows):
        centre = rows.mean(axis=0, dtype=np.float64).astype(np.float32)
        spread = float(np.mean(_squared_lengths(rows - centre)))
    similarity = _similarity(rows, rows, centre, spread)
    # A product of matrices may differ in the last bit on both sides of the diagonal.
    return Candidates(rows, centre, spread, np.maximum(similarity, similarity.T))


def _similarity(first: Vectors, second: Vectors, centre: Vectors, spread: float) -> Floats:
    """Return (m, r) similarities of rows (m, d) and rows (r, d)."""
    a, b = first - centre, second - centre
    long_a, long_b = _squared_lengths(a), _squared_lengths(b)
    product = a @ b.T
    lengths = np.sqrt(np.outer(np.maximum(long_a, ROUNDING), np.maximum(long_b, ROUNDING)))
    cosine = np.clip(product / lengths, 0.0, 1.0)
    similarity = np.minimum(cosine * cosine, BELOW_DUPLICATES)
    distance = long_a[:, None] + long_b[None, :] - 2 * product
    similarity[distance <= max(DUPLICATE_DISTANCE * spread, ROUNDING)] = 1.0
    return np.asarray(similarity, np.float32)


def _squared_lengths(rows: Vectors) -> Floats:
    return np.asarray(np.einsum("ij,ij->i", rows, rows), np.float32)
