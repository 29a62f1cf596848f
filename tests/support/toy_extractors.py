"""Two tiny extractors whose vectors can be computed by hand; `conftest.py` installs them."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autolabel_core.models.extractors import Manifest


@dataclass(frozen=True)
class AngleExtractor:
    """A text that is a number of degrees becomes (cos, sin); a cosine is cos(difference)."""

    version: str

    @property
    def manifest(self) -> Manifest:
        return Manifest("angle_extractor", self.version, "angle", "text", 2)

    min_side_px: int | None = None

    def embed(self, batch: Sequence[Any]) -> np.ndarray:
        radians = [math.radians(float(text)) for text in batch]
        return np.array([[math.cos(r), math.sin(r)] for r in radians], np.float32)


@dataclass(frozen=True)
class ColourExtractor:
    """An image becomes its mean (red, green, blue), of unit length; black becomes grey."""

    version: str

    @property
    def manifest(self) -> Manifest:
        return Manifest("colour_extractor", self.version, "mean_rgb", "image", 3)

    min_side_px: int | None = None

    def embed(self, batch: Sequence[Any]) -> np.ndarray:
        means = [np.asarray(image, np.float64).reshape(-1, 3).mean(axis=0) for image in batch]
        means = [mean if mean.any() else np.ones(3) for mean in means]
        return np.array([mean / np.linalg.norm(mean) for mean in means], np.float32)


class WaitingExtractor(AngleExtractor):
    """An angle extractor that waits as long as the file exists that `TOY_WAIT` names."""

    @property
    def manifest(self) -> Manifest:
        return Manifest("waiting_extractor", self.version, "angle", "text", 2)

    def embed(self, batch: Sequence[Any]) -> np.ndarray:
        while Path(os.environ["TOY_WAIT"]).exists():
            time.sleep(0.1)
        return super().embed(batch)


def waiting_extractor(version: str, model: str | None = None) -> WaitingExtractor:
    return WaitingExtractor(version)


def angle_extractor(version: str, model: str | None = None) -> AngleExtractor:
    return AngleExtractor(version)


def colour_extractor(version: str, model: str | None = None) -> ColourExtractor:
    return ColourExtractor(version)


@dataclass(frozen=True)
class ColourNameExtractor(ColourExtractor):
    """Pictures and words in one space: a text is the mean of the colours that it names."""

    @property
    def manifest(self) -> Manifest:
        return Manifest(
            "colour_name_extractor", self.version, "named_rgb", "image", 3, embeds_texts=True
        )

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        named = {"red": (1, 0, 0), "green": (0, 1, 0), "blue": (0, 0, 1), "yellow": (1, 1, 0)}
        rows = [[named[w] for w in text.split() if w in named] or [(1, 1, 1)] for text in texts]
        means = [np.mean(row, axis=0) for row in rows]
        return np.array([mean / np.linalg.norm(mean) for mean in means], np.float32)


def colour_name_extractor(version: str, model: str | None = None) -> ColourNameExtractor:
    return ColourNameExtractor(version)
