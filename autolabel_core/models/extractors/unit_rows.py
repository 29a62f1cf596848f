"""Brings rows to unit length."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]


def unit_rows(rows: Vectors) -> Vectors:
    """Return rows `(n, d)` divided by their lengths; a row of zeros stays as it is."""
    lengths = np.sqrt(np.einsum("nd,nd->n", rows, rows, dtype=np.float64))
    scaled: Vectors = (rows / np.maximum(lengths, 1e-12)[:, None]).astype(np.float32)
    return scaled
