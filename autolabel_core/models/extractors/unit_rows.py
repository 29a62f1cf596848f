"""Brings rows to unit length."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]


def unit_rows(rows: Vectors) -> Vectors:
    """Return rows `(n, d)` divided by their lengths; a row of zeros stays as it is."""
    # text_chunks, minilm and multimodal add up in another order or precision: their last bits are
    # part of feature spaces that are in use, so each keeps its own sums.
    lengths = np.sqrt(np.einsum("nd,nd->n", rows, rows, dtype=np.float64))
    scaled: Vectors = (rows / np.maximum(lengths, 1e-12)[:, None]).astype(np.float32)
    return scaled
