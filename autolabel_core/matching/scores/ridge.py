"""Ridge regression from vectors to labels: a linear classifier with one solution.

Each label counts alike, however many references it has. A fold is left out by taking its sums from
those of all references and solving again, centred on what stays: a shortcut that centres with the
fold inside would have seen the answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

PENALTIES = (10**-3.5, 1e-3, 10**-2.5, 1e-2, 10**-1.5, 1e-1, 10**-0.5)
"""Tried for the ridge: shares of the whole weight of the references, for rows of unit length."""
DEFAULT_PENALTY = 1e-2
EMPTY = 1e-12
"""Directions whose variance is a smaller share of the largest hold rounding errors alone."""


@dataclass(frozen=True)
class Sums:
    """What ridge needs to know of weighted references with d features and l labels.

    Attributes:
        weight: their whole weight.
        x: (d,) sum of the features.
        y: (l,) sum of the label indicators.
        xx: (d, d) sum of products of features.
        xy: (d, l) sum of products of features and indicators.
    """

    weight: float
    x: Floats
    y: Floats
    xx: Floats
    xy: Floats

    def __add__(self, other: Sums) -> Sums:
        return self._combined(other, 1.0)

    def __sub__(self, other: Sums) -> Sums:
        return self._combined(other, -1.0)

    def _combined(self, other: Sums, sign: float) -> Sums:
        return Sums(
            self.weight + sign * other.weight,
            self.x + sign * other.x,
            self.y + sign * other.y,
            self.xx + sign * other.xx,
            self.xy + sign * other.xy,
        )


@dataclass(frozen=True)
class References:
    """References in the space that they span, so that few of them in many dimensions cost little.

    Attributes:
        features: (r, d) coordinates.
        basis: (d, dimensions) orthonormal rows that lead back; None where they are the vectors.
        indicators: (r, labels) 1 at the label of each.
        weights: (r,) of each reference; those of one label sum to 1.
        folds: (r,) fold of each; a negative one is never left out.
    """

    features: Floats
    basis: Floats | None
    indicators: Floats
    weights: Floats
    folds: Codes

    @cached_property
    def sums_by_fold(self) -> dict[int, Sums]:
        """The sums over the references of each fold."""
        return {fold: self._sums(self.folds == fold) for fold in np.unique(self.folds).tolist()}

    @cached_property
    def sums(self) -> Sums:
        """The sums over all references."""
        first, *others = self.sums_by_fold.values()
        return sum(others, start=first)

    def _sums(self, rows: npt.NDArray[np.bool_]) -> Sums:
        x, y, w = self.features[rows], self.indicators[rows], self.weights[rows, None]
        return Sums(
            float(w.sum()), (w * x).sum(axis=0), (w * y).sum(axis=0), x.T @ (w * x), x.T @ (w * y)
        )


def spanned(
    vectors: npt.NDArray[np.float32], codes: Codes, weights: Floats, folds: Codes, labels: int
) -> References:
    """Prepare references for fitting.

    Args:
        vectors: (r, d) rows of unit length; r at least 1.
        codes: (r,) label of each.
        weights: (r,) what each counts.
        folds: (r,) fold of each; a negative one is never left out.
        labels: how many labels there are.

    Returns:
        The references.
    """
    indicators = np.zeros((len(codes), labels))
    indicators[np.arange(len(codes)), codes] = 1.0
    rows = vectors.astype(np.float64)
    if len(rows) >= rows.shape[1]:
        return References(rows, None, indicators, weights, folds)
    variance, directions = np.linalg.eigh(rows @ rows.T)
    kept = variance > EMPTY * max(float(variance[-1]), EMPTY)
    scale = np.sqrt(variance[kept])
    basis = (directions[:, kept] / scale).T @ rows
    return References(directions[:, kept] * scale, basis, indicators, weights, folds)


def solutions(sums: Sums, penalties: Sequence[float]) -> list[tuple[Floats, Floats]]:
    """Solve for each penalty.

    Args:
        sums: of the references to learn from.
        penalties: shares of their whole weight, above 0.

    Returns:
        For each penalty the coefficients (d, l) and the constants (l,).
    """
    mean, prior = sums.x / sums.weight, sums.y / sums.weight
    covariance = sums.xx / sums.weight - np.outer(mean, mean)
    shared = sums.xy / sums.weight - np.outer(mean, prior)
    if len(penalties) == 1:
        # One system is solved ten times faster than its directions are found.
        system = covariance + penalties[0] * np.eye(len(mean))
        found = [np.asarray(np.linalg.solve(system, shared), np.float64)]
    else:
        variance, directions = np.linalg.eigh(covariance)
        spread, rotated = np.maximum(variance, 0.0), directions.T @ shared
        found = [directions @ (rotated / (spread + p)[:, None]) for p in penalties]
    return [(coefficients, prior - mean @ coefficients) for coefficients in found]


def held_out_products(references: References, penalties: Sequence[float]) -> list[Floats]:
    """Predict each reference by the others, its fold left out.

    Args:
        references: prepared by `spanned`.
        penalties: to try.

    Returns:
        For each penalty (r, labels) products, nan where a reference is never left out.
    """
    predicted = [np.full(references.indicators.shape, np.nan) for _ in penalties]
    for fold, sums in references.sums_by_fold.items():
        if fold < 0:
            continue
        out = references.folds == fold
        for into, (coefficients, constant) in zip(
            predicted, solutions(references.sums - sums, penalties), strict=True
        ):
            into[out] = references.features[out] @ coefficients + constant
    return predicted


def probe_weights(references: References, penalty: float) -> npt.NDArray[np.float32]:
    """Fit all references.

    Args:
        references: prepared by `spanned`.
        penalty: share of their whole weight, above 0.

    Returns:
        (labels, dimensions + 1) a row for each label, its constant last.
    """
    ((coefficients, constant),) = solutions(references.sums, [penalty])
    if references.basis is not None:
        coefficients = references.basis.T @ coefficients
    return np.concatenate([coefficients, constant[None]]).T.astype(np.float32)
