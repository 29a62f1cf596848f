"""How similar a document is to the references at all: the gate for unknown things.

A score says which label is the likeliest, and is sure of strangers as well. What tells them apart
is how near the nearest references are, seen from the middle of the pool of documents: what all of
them share says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autolabel_core.matching.nearest import Nearest, nearest

NEAREST_COUNTED = 3
LEAST = 1e-12

Vectors = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pool:
    """The middle of the documents, and how the references lie to it.

    Attributes:
        centre: (d,) float32; zeros where nothing is taken off.
        reference_product: (r,) product of each reference with the centre.
    """

    centre: Vectors
    reference_product: Floats

    @classmethod
    def around(cls, centre: Vectors, references: Vectors) -> Pool:
        """Place references (r, d) in a pool with this centre (d,)."""
        return cls(centre, products_with(references, centre))

    def similarity(self, vectors: Vectors, neighbours: Nearest) -> npt.NDArray[np.float32]:
        """Return the mean of the greatest centred cosines with the neighbours.

        Args:
            vectors: (n, d) rows of unit length.
            neighbours: (n, k) their nearest references, best first, -1 where there are fewer.

        Returns:
            (n,) float32 in [-1, 1]: the mean of the three greatest of the k, of all where there are
            fewer; nan without neighbours.
        """
        position = neighbours.position
        there = position >= 0
        own = products_with(vectors, self.centre)[:, None]
        theirs = self.reference_product[np.maximum(position, 0)] if self._any else own * 0.0
        norm = float(self.centre.astype(np.float64) @ self.centre.astype(np.float64))
        cosine = np.where(there, neighbours.score, 0.0).astype(np.float64)
        lengths = np.sqrt(
            np.maximum(1 - 2 * own + norm, LEAST) * np.maximum(1 - 2 * theirs + norm, LEAST)
        )
        centred = np.where(there, (cosine - own - theirs + norm) / lengths, -np.inf)
        return mean_of_greatest(centred)

    @property
    def _any(self) -> bool:
        return bool(len(self.reference_product))


def mean_of_greatest(cosines: Floats) -> npt.NDArray[np.float32]:
    """Return the mean of the three greatest cosines (n, k) of each row; `-inf` is none."""
    if not cosines.shape[1]:
        return np.full(len(cosines), np.nan, np.float32)
    greatest = -np.sort(-cosines, axis=1)[:, :NEAREST_COUNTED]
    there = np.isfinite(greatest)
    count = there.sum(axis=1)
    total = np.where(there, greatest, 0.0).sum(axis=1)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return np.clip(mean, -1.0, 1.0).astype(np.float32)


def products_with(rows: Vectors, centre: Vectors) -> Floats:
    """Return the product of each of `rows` (n, d) with the centre, (n,): the same alone or not."""
    if not len(rows) or not centre.any():
        return np.zeros(len(rows))
    return nearest(rows, centre[None], 1).score[:, 0].astype(np.float64)
