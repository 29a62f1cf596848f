"""Cuts texts that are longer than a network sees, so that nothing is left out without a word."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeVar

import numpy as np
import numpy.typing as npt

MAX_CHUNKS = 64
"""Of one text; those of a longer one are spread evenly over it, the first and the last included."""

Token = TypeVar("Token")
Vectors = npt.NDArray[np.float32]


def chunks_of(tokens: Sequence[Token], length: int) -> list[Sequence[Token]]:
    """Return a text's tokens in pieces of nearly equal length.

    Args:
        tokens: of the whole text, without marks of begin and end.
        length: the most tokens in a piece, at least 1.

    Returns:
        One piece at least, at most 64; a short text is one piece.
    """
    count = max(-(-len(tokens) // length), 1)
    if count <= MAX_CHUNKS:
        ends = [len(tokens) * i // count for i in range(count + 1)]
        return [tokens[a:b] for a, b in pairwise(ends)]
    starts = np.linspace(0, len(tokens) - length, MAX_CHUNKS).round().astype(int).tolist()
    return [tokens[start : start + length] for start in starts]


def means_of_chunks(vectors: Vectors, counts: Sequence[int]) -> Vectors:
    """Return one vector of unit length for each text.

    Args:
        vectors: `(c, d)` of all chunks, rows of unit length, text after text.
        counts: how many chunks each of the n texts has.

    Returns:
        Means `(n, d)`, rows of unit length.
    """
    starts = np.cumsum([0, *counts[:-1]])
    sums = np.add.reduceat(vectors.astype(np.float64), starts, axis=0)
    lengths = np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
    means: Vectors = (sums / lengths).astype(np.float32)
    return means
