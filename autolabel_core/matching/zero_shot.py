"""Chooses labels by their names: the name whose vector is nearest to a document's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autolabel_core.foundation.label_names import SEPARATOR

Vectors = npt.NDArray[np.float32]
SCORE_DECIMALS = 6


@dataclass(frozen=True)
class NearestNames:
    """The nearest name of each document, n of them.

    Attributes:
        position: (n,) int64 of the name; the first in the vocabulary wins a tie.
        score: (n,) float32 cosine, from -1 to 1.
    """

    position: npt.NDArray[np.int64]
    score: npt.NDArray[np.float32]


def name_vectors(
    names: Sequence[str], prompts: Sequence[str], embed_texts: Callable[[Sequence[str]], Vectors]
) -> Vectors:
    """Return the vectors of names: the mean over the prompts that they are put into.

    Args:
        names: k labels; of a hierarchical one the last part is its name.
        prompts: with one `{}` each.
        embed_texts: gives rows of unit length.

    Returns:
        `(k, d)`, rows of unit length.

    Source:
        Radford and others, Learning transferable visual models from natural language supervision,
        2021, section 3.1.4 (prompt ensembling).
    """
    spoken = [name.rpartition(SEPARATOR)[2] for name in names]
    texts = [prompt.replace("{}", name) for name in spoken for prompt in prompts]
    vectors = embed_texts(texts).astype(np.float64)
    means = vectors.reshape(len(names), len(prompts), -1).mean(axis=1)
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    unit: Vectors = (means / np.maximum(lengths, 1e-12)).astype(np.float32)
    return unit


def nearest_names(vectors: Vectors, names: Vectors) -> NearestNames:
    """Return the nearest name of each document.

    Args:
        vectors: (n, d) of unit length.
        names: (k, d) of unit length, k at least 1.

    Returns:
        The names; each row is the same whatever it is computed with.
    """
    products = np.einsum("nd,kd->nk", vectors.astype(np.float64), names.astype(np.float64))
    cosines = products.round(SCORE_DECIMALS)
    position = cosines.argmax(axis=1)
    score = cosines[np.arange(len(vectors)), position]
    return NearestNames(position.astype(np.int64), score.astype(np.float32))
