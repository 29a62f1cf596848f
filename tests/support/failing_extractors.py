"""Extractors that fail: as they are loaded, on everything, on one text, or by `sys.exit`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autolabel_core.models.extractors import Manifest

POISON = "poison"
NAMES = ("unloadable", "failing", "choosy", "exiting")
ENTRY_POINTS = "[autolabel.extractors]\n" + "".join(
    f"{name} = support.failing_extractors:{name}\n" for name in NAMES
)


@dataclass(frozen=True)
class FailingExtractor:
    name: str
    version: str
    min_side_px: int | None = None

    @property
    def manifest(self) -> Manifest:
        return Manifest(self.name, self.version, "none", "text", 2)

    def embed(self, batch: Sequence[str]) -> np.ndarray:
        if self.name == "failing":
            raise OSError("no such device")
        if self.name == "exiting":
            sys.exit(3)
        if any(POISON in text for text in batch):
            raise KeyError(POISON)
        return np.array([[1.0, 0.0]] * len(batch), np.float32)


def unloadable(version: str, model: str | None = None) -> FailingExtractor:
    raise OSError("libfoo.so is missing")


def failing(version: str, model: str | None = None) -> FailingExtractor:
    return FailingExtractor("failing", version)


def choosy(version: str, model: str | None = None) -> FailingExtractor:
    return FailingExtractor("choosy", version)


def exiting(version: str, model: str | None = None) -> FailingExtractor:
    return FailingExtractor("exiting", version)
