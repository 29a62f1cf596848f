"""Splits reviewed images into train, validation and gold; near-duplicates share a split."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from autolabel_core.foundation.media.perceptual_hash import WORDS, Bits, are_near
from autolabel_core.tables.boxes.ground_truth import ImageTruth

TRAIN, VAL, GOLD = "train", "val", "test"
SPLITS = (TRAIN, VAL, GOLD)
GOLD_SHARE, VAL_SHARE = 0.2, 0.1
"""Shares of the images. They are no setting: with another share, images that a model was trained on
would become gold."""

NEAR_GOLD = "near-duplicate of a gold image"
BETWEEN = "near-duplicate of images in train and in val"
NOT_REVIEWED = "not reviewed as a whole"
UNREADABLE = "cannot be read"


@dataclass(frozen=True)
class Splits:
    """Images by split (`train`, `val`, `test`; `test` is the gold set), and those left out.

    Attributes:
        images: reviewed images by split, in the order of their first review.
        left_out: key and reason of every other annotated image, by key.
    """

    images: Mapping[str, Sequence[ImageTruth]]
    left_out: tuple[tuple[str, str], ...]


def split_images(
    truths: Sequence[ImageTruth], hashes: Mapping[str, Bits], gold: Mapping[str, Bits]
) -> Splits:
    """Assign images by a hash of their content, so that more images never move one.

    An image that has a near-duplicate among those reviewed before it goes where that one is, and is
    left out where that is the gold set, or where there are two of different splits.

    Args:
        truths: annotated images in the order of their first review.
        hashes: perceptual hash by content.
        gold: contents that are gold already, whether they are there now or not, with their hash.

    Returns:
        The splits.
    """
    placed = _Placed()
    for known in gold.values():
        placed.add(known, GOLD)
    images: dict[str, list[ImageTruth]] = {split: [] for split in SPLITS}
    left_out: list[tuple[str, str]] = []
    for truth in truths:
        bits = hashes.get(truth.content_hash)
        if not truth.reviewed:
            left_out.append((truth.key, NOT_REVIEWED))
        elif bits is None:
            left_out.append((truth.key, UNREADABLE))
        elif truth.content_hash in gold:
            images[GOLD].append(truth)
        else:
            split, reason = _place(truth.content_hash, placed.near(bits))
            if split is None:
                left_out.append((truth.key, reason))
            else:
                images[split].append(truth)
                placed.add(bits, split)
    return Splits(images, tuple(sorted(left_out)))


def split_by_hash(content_hash: str) -> str:
    """Return the split that a content has by itself."""
    digest = hashlib.sha256(f"split\0{content_hash}".encode()).digest()
    share = int.from_bytes(digest[:8], "big") / 2**64
    if share < GOLD_SHARE:
        return GOLD
    return VAL if share < GOLD_SHARE + VAL_SHARE else TRAIN


class _Placed:
    """The images that have a place, in growing arrays."""

    def __init__(self) -> None:
        self._bits = np.empty((16, WORDS), dtype=np.uint64)
        self._splits: list[str] = []

    def add(self, bits: Bits, split: str) -> None:
        if len(self._splits) == len(self._bits):
            self._bits = np.concatenate([self._bits, np.empty_like(self._bits)])
        self._bits[len(self._splits)] = bits
        self._splits.append(split)

    def near(self, bits: Bits) -> set[str]:
        positions = np.flatnonzero(are_near(bits, self._bits[: len(self._splits)]))
        return {self._splits[i] for i in positions}


def _place(content_hash: str, near: set[str]) -> tuple[str | None, str]:
    if not near:
        return split_by_hash(content_hash), ""
    if GOLD in near:
        return None, NEAR_GOLD
    return (near.pop(), "") if len(near) == 1 else (None, BETWEEN)
