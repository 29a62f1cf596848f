"""The embedded image descriptor: oriented gradients and colour; no weights, nothing fitted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from autolabel_core.extractors.manifest import Manifest

SIDE_PX = 32


class DescriptorExtractor:
    """Embeds images one by one, so a vector never depends on its batch."""

    min_side_px: int | None = 128

    def __init__(self, version: str) -> None:
        self.manifest = Manifest(
            feature_extractor_name="image_extractor",
            version=version,
            feature_name="descriptor",
            input="image",
            embedding_dim=16 * 16 + 1,
            description="oriented gradients and colour, no weights",
        )

    def embed(self, batch: Sequence[Image.Image]) -> npt.NDArray[np.float32]:
        """Return descriptors `(n, d)` of RGB images, rows of unit length."""
        rows = [describe(image) for image in batch]
        return np.array(rows, dtype=np.float32).reshape(len(rows), 257)


def describe(image: Image.Image) -> npt.NDArray[np.float32]:
    """Return the descriptor `(d,)` of one RGB image."""
    grey = np.asarray(image.convert("L").resize((32, 32), Image.Resampling.BICUBIC), np.float32)
    gy, gx = np.gradient(grey)
    angle = np.arctan2(gy, gx)
    bins = (np.floor((angle / (2 * np.pi) + 0.5) * 16)).astype(int) % 16
    cell = (np.arange(32)[:, None] // 8) * 4 + np.arange(32)[None] // 8
    hist = np.bincount((cell * 16 + bins).ravel(), np.hypot(gx, gy).ravel(), 256)
    row = np.append(np.sqrt(hist), 1e-3)
    return (row / np.linalg.norm(row)).astype(np.float32)
