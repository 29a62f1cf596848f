"""A cache of embedded augmentations, which cost more than the training on them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from autolabel_core.foundation.atomic_files import write_atomically
from autolabel_core.foundation.media.region_proposals import (
    DECODED_SIDE_PX,
    crops,
    propose_regions,
)
from autolabel_core.foundation.media.region_proposals import VERSION as REGIONS_VERSION
from autolabel_core.foundation.parallel import read_in_order
from autolabel_core.foundation.progress import Progress, no_progress
from autolabel_core.matching.decision_engine import Vectors
from autolabel_core.models.evaluation.augmentation import (
    SIDE_PX,
    VERSION,
    AugmentationSplit,
    augmentations,
    view_side_px,
)
from autolabel_core.models.extractors import Extractor, embed_checked, feature_slug
from autolabel_core.models.projection_head import ProjectedExtractor

HELD_OUT_VIEWS = 8
CHUNK = 8


class Pictured(Protocol):
    """Something with a picture: a file of a folder, or an object of a bucket."""

    @property
    def checksum(self) -> str:
        """SHA-256 of the picture's content, in hexadecimal."""

    def picture(self, min_side_px: int | None) -> Image.Image:
        """Decode the picture as RGB."""


class ViewCache:
    """Vectors of views by picture, purpose and feature space; the folder may be deleted.

    What goes through a head is projected from what its encoder's cache holds.

    Args:
        folder: where they are kept; the folder of a feature space lies in it.
        extractor: embeds them.
    """

    def __init__(self, folder: Path, extractor: Extractor) -> None:
        self._root, self._extractor = folder, extractor
        slug = feature_slug(extractor.manifest.feature_uri)
        self._folder = folder / f"{slug}~views{VERSION}"

    def vectors(
        self,
        pictures: Sequence[Pictured],
        purpose: AugmentationSplit,
        views: int,
        progress: Progress = no_progress,
    ) -> Vectors:
        """Return the first so many views of each picture, embedded.

        Args:
            pictures: n of them.
            purpose: what the views are for.
            views: how many of each, at least 1.
            progress: told how many pictures are done.

        Returns:
            Vectors `(n, views, d)`, rows of unit length.
        """
        if isinstance(self._extractor, ProjectedExtractor):
            base = ViewCache(self._root, self._extractor.base)
            found = base.vectors(pictures, purpose, views, progress)
            flat = self._extractor.head.project(found.reshape(len(pictures) * views, -1))
            return flat.reshape(len(pictures), views, -1)
        kept = {p.checksum: self._kept(p, purpose) for p in pictures}
        missing = [p for p in pictures if len(kept[p.checksum]) < views]
        missing = list({p.checksum: p for p in missing}.values())
        for start in range(0, len(missing), CHUNK):
            chunk = missing[start : start + CHUNK]
            drawn = read_in_order(
                lambda p: self._drawn(p, purpose, range(len(kept[p.checksum]), views)), chunk
            )
            for picture, images in zip(chunk, drawn, strict=True):
                vectors = [*kept[picture.checksum], *embed_checked(self._extractor, images)]
                kept[picture.checksum] = np.stack(vectors)
                self._keep(picture, purpose, kept[picture.checksum])
            progress(min(start + CHUNK, len(missing)), len(missing))
        return np.stack([kept[p.checksum][:views] for p in pictures])

    def regions(
        self,
        pictures: Sequence[Pictured],
        purpose: AugmentationSplit,
        number: int,
        most: int,
        progress: Progress = no_progress,
    ) -> list[Vectors]:
        """Take one view of each picture for a picture that is shown, and embed its regions.

        Args:
            pictures: n of them.
            purpose: what the views are for.
            number: which view of each, from 0.
            most: highest number of regions proposed on each, at least 1.
            progress: told how many pictures are done.

        Returns:
            n arrays `(r, d)` of 1 to `most` rows of unit length, as a server looks them up.
        """
        if isinstance(self._extractor, ProjectedExtractor):
            base = ViewCache(self._root, self._extractor.base)
            head = self._extractor.head
            return [head.project(v) for v in base.regions(pictures, purpose, number, most)]
        files = [self._regions_file(p, purpose, number, most) for p in pictures]
        regions = {file: _read(file) for file in files}
        missing = [i for i, file in enumerate(files) if not len(regions[file])]
        for start in range(0, len(missing), CHUNK):
            chunk = missing[start : start + CHUNK]
            cut = list(
                read_in_order(lambda i: self._cut(pictures[i], purpose, number, most), chunk)
            )
            vectors = embed_checked(self._extractor, [crop for part in cut for crop in part])
            ends = np.cumsum([len(part) for part in cut])
            for i, part in zip(chunk, np.split(vectors, ends[:-1]), strict=True):
                regions[files[i]] = part
                _write(files[i], part)
            progress(min(start + CHUNK, len(missing)), len(missing))
        return [regions[file] for file in files]

    def _cut(
        self, picture: Pictured, purpose: AugmentationSplit, number: int, most: int
    ) -> list[Image.Image]:
        image = picture.picture(max(DECODED_SIDE_PX, self._extractor.min_side_px or 0))
        (view,) = augmentations(image, picture.checksum, purpose, [number], SIDE_PX)
        return crops(view, propose_regions(view, most))

    def _regions_file(
        self, picture: Pictured, purpose: AugmentationSplit, number: int, most: int
    ) -> Path:
        folder = self._folder / f"regions{REGIONS_VERSION}-{most}" / purpose.name.lower()
        return folder / str(number) / f"{picture.checksum}.npy"

    def _drawn(
        self, picture: Pictured, purpose: AugmentationSplit, numbers: range
    ) -> list[Image.Image]:
        image = picture.picture(self._extractor.min_side_px)
        side_px = view_side_px(self._extractor)
        return augmentations(image, picture.checksum, purpose, numbers, side_px)

    def _file(self, picture: Pictured, purpose: AugmentationSplit) -> Path:
        return self._folder / purpose.name.lower() / f"{picture.checksum}.npy"

    def _kept(self, picture: Pictured, purpose: AugmentationSplit) -> Vectors:
        return _read(self._file(picture, purpose))

    def _keep(self, picture: Pictured, purpose: AugmentationSplit, vectors: Vectors) -> None:
        _write(self._file(picture, purpose), vectors)


def _read(file: Path) -> Vectors:
    try:
        found: Vectors = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return np.zeros((0, 0), np.float32)
    return found


def _write(file: Path, vectors: Vectors) -> None:
    def write(part: Path) -> None:
        with part.open("wb") as out:
            np.save(out, vectors)

    write_atomically(file, write)


def reference_vectors(pictures: Sequence[Pictured], cache: ViewCache, views: int) -> Vectors:
    """Return what stands for each picture, `(n, r, d)`: itself, or views whose mean counts."""
    purpose = AugmentationSplit.REFERENCE if views else AugmentationSplit.ITSELF
    return cache.vectors(pictures, purpose, max(views, 1))
