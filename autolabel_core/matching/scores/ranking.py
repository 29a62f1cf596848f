"""The most probable label of each document, and the next one; the same bytes for any batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autolabel_core.matching.nearest import Nearest, nearest

LABELS_COMPARED = 16
"""So many of the likeliest labels share the probability; what the others add is below rounding."""
ROWS_PER_BLOCK = 16_384
"""Rows copied at once, to append a one to each: bounds the memory. Much fewer rows of few labels
would be taken for a handful, which is looked up without compiled loops."""

Floats = npt.NDArray[np.float64]
Vectors = npt.NDArray[np.float32]
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class RankedLabels:
    """The most probable label of n documents.

    Attributes:
        code: (n,) int32 position of the label among all labels; -1 where nothing could be compared.
        probability: (n,) float32 from 0 to 1; nan where nothing could be compared.
        runner_up: (n,) float32 probability of the next label, from 0 to 1; nan likewise.
    """

    code: npt.NDArray[np.int32]
    probability: npt.NDArray[np.float32]
    runner_up: npt.NDArray[np.float32]

    def at(self, rows: npt.NDArray[np.intp]) -> RankedLabels:
        """Return some of the documents, by row."""
        return RankedLabels(self.code[rows], self.probability[rows], self.runner_up[rows])

    def replaced(self, where: npt.NDArray[np.bool_], by: RankedLabels) -> RankedLabels:
        """Return the documents with those at `where` (n,) taken from `by` (n,)."""
        return RankedLabels(
            np.where(where, by.code, self.code),
            np.where(where, by.probability, self.probability),
            np.where(where, by.runner_up, self.runner_up),
        )


def unranked(n: int) -> RankedLabels:
    """Return n documents that nothing could be compared with."""
    probability, runner_up = np.full((2, n), np.nan, np.float32)
    return RankedLabels(np.full(n, -1, np.int32), probability, runner_up)


def rank_products(vectors: Vectors, weights: Vectors, temperature: float) -> RankedLabels:
    """Rank labels by the product of each document with a row of weights for each label.

    Args:
        vectors: (n, d) rows of unit length; may be memory-mapped.
        weights: (labels, d + 1); the last column is added to the product.
        temperature: products are divided by it, then they are log-odds; above 0.

    Returns:
        The likeliest labels; ties go to the earlier label.
    """
    if not len(weights):
        return unranked(len(vectors))
    with_one = np.ones((min(len(vectors), ROWS_PER_BLOCK), weights.shape[1]), np.float32)
    parts = []
    for start in range(0, len(vectors), ROWS_PER_BLOCK):
        rows = vectors[start : start + ROWS_PER_BLOCK]
        with_one[: len(rows), :-1] = rows
        parts.append(_products(with_one[: len(rows)], weights, temperature))
    if not parts:
        return unranked(0)
    return RankedLabels(
        np.concatenate([part.code for part in parts]),
        np.concatenate([part.probability for part in parts]),
        np.concatenate([part.runner_up for part in parts]),
    )


@dataclass(frozen=True)
class LikeliestLabels:
    """The labels with the greatest products of n documents.

    Attributes:
        code: (n, k) labels, greatest product first; k at most LABELS_COMPARED.
        product: (n, k) float64, falling.
    """

    code: npt.NDArray[np.integer]
    product: Floats

    @classmethod
    def of(cls, products: Floats) -> LikeliestLabels:
        """Choose among the products (n, labels) of all labels; ties go to the earlier one."""
        code = np.argsort(-products, axis=1, kind="stable")[:, :LABELS_COMPARED]
        return cls(code, np.take_along_axis(products, code, axis=1))

    def at(self, rows: npt.NDArray[np.intp]) -> LikeliestLabels:
        """Return some of the documents, by row."""
        return LikeliestLabels(self.code[rows], self.product[rows])

    def ranked(self, temperature: float) -> RankedLabels:
        """Return the likeliest label of each, with its probability under a temperature."""
        share = self._share(temperature)
        return _ranked(self.code[:, 0], share, share[:, 1:2].sum(axis=1), share[:, 0])

    def probability_of(self, codes: Codes, temperature: float) -> Floats:
        """Return the probability of one label for each document, (n,); 0 where it is not listed."""
        share = self._share(temperature)
        own = np.where(self.code == codes[:, None], share, 0.0).sum(axis=1)
        return np.asarray(own / share.sum(axis=1))

    def probabilities(self, temperature: float) -> Floats:
        """Return the probability of each listed label under a temperature, (n, k)."""
        share = self._share(temperature)
        return np.asarray(share / share.sum(axis=1, keepdims=True))

    def _share(self, temperature: float) -> Floats:
        return np.asarray(np.exp((self.product - self.product[:, :1]) / temperature))


def _products(with_one: Vectors, weights: Vectors, temperature: float) -> RankedLabels:
    best = nearest(with_one, weights, min(LABELS_COMPARED, len(weights)))
    return LikeliestLabels(best.position, best.score.astype(np.float64)).ranked(temperature)


@dataclass(frozen=True)
class Votes:
    """What the neighbours of n documents weigh, by label.

    Attributes:
        code: (n, k) label of each neighbour, -1 where there is none.
        share: (n, k) weight of all neighbours with that label, at its nearest; 0 at the others.
    """

    code: Codes
    share: Floats

    def ranked(self) -> RankedLabels:
        """Return the likeliest labels; ties go to the label of the nearer reference."""
        winner = self.share.argmax(axis=1)
        rows = np.arange(len(self.share))
        others = self.share.copy()
        others[rows, winner] = 0.0
        lead = self.share[rows, winner]
        return _ranked(self.code[rows, winner], self.share, others.max(axis=1), lead)

    def probabilities(self) -> Floats:
        """Return the probability of each neighbour's label at its nearest, (n, k); 0 elsewhere."""
        whole = self.share.sum(axis=1, keepdims=True)
        return np.asarray(self.share / np.maximum(whole, np.finfo(float).tiny))

    def probability_of(self, codes: Codes) -> Floats:
        """Return the probability of one label for each document, shape (n,)."""
        own = np.where(self.code == codes[:, None], self.share, 0.0).sum(axis=1)
        return np.asarray(own / np.maximum(self.share.sum(axis=1), np.finfo(float).tiny))


def votes(
    neighbours: Nearest,
    codes: Codes,
    importance: Floats,
    temperature: float,
    best_only: bool = False,
) -> Votes:
    """Let each document's neighbours vote, the nearer the heavier.

    Args:
        neighbours: (n, k) positions and cosines, best first, -1 where there are fewer; k at least
            1.
        codes: (r,) position of each reference's label among all labels; r at least 1.
        importance: (r,) what a reference's vote is multiplied with, above 0.
        temperature: a cosine less by so much weighs 1/e; above 0.
        best_only: only the nearest of each label votes.

    Returns:
        The votes.
    """
    there = neighbours.position >= 0
    code = np.where(there, codes[np.maximum(neighbours.position, 0)], -1)
    cosine = np.where(there, neighbours.score, -np.inf).astype(np.float64)
    lead = np.where(there[:, :1], cosine[:, :1], 0.0)
    weight = np.exp((cosine - lead) / temperature) * importance[np.maximum(neighbours.position, 0)]
    same = (code[:, :, None] == code[:, None, :]) & there[:, None, :]
    is_first = there & ~np.tril(same, -1).any(axis=2)
    voting = np.where(is_first, weight, 0.0) if best_only else weight
    share = np.where(is_first, (same * voting[:, None, :]).sum(axis=2), 0.0)
    return Votes(code, share)


def _ranked(
    code: npt.NDArray[np.integer], share: Floats, second: Floats, first: Floats
) -> RankedLabels:
    """Divide the first and the second share (n,) by the sum of all shares (n, k)."""
    total = share.sum(axis=1)
    ranked = total > 0
    total = np.where(ranked, total, np.nan)
    return RankedLabels(
        np.where(ranked, code, -1).astype(np.int32),
        (first / total).astype(np.float32),
        (second / total).astype(np.float32),
    )
