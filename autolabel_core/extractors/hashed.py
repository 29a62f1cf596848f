"""The embedded text vectors: hashed words and n-grams; no weights, nothing fitted."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from autolabel_core.extractors.manifest import Manifest

DIM = 1024
_WORD = re.compile(r"\w+")


class HashedExtractor:
    """Embeds texts one by one, so a vector never depends on its batch."""

    min_side_px: int | None = None

    def __init__(self, version: str) -> None:
        self.manifest = Manifest(
            feature_extractor_name="text_extractor",
            version=version,
            feature_name="hashed",
            input="text",
            embedding_dim=DIM,
            description="hashed words and n-grams, no weights",
        )

    def embed(self, batch: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return vectors `(n, d)` of texts, rows of unit length."""
        rows = np.zeros((len(batch), DIM), np.float32)
        for row, text in zip(rows, batch, strict=True):
            row[0] = 1e-3
            for word in _WORD.findall(text.casefold()):
                row[zlib.crc32(word.encode("utf-8", "surrogatepass")) % DIM] += 1
            row /= np.linalg.norm(row)
        return rows
