"""Builds the index of a folder of pictures; only new and changed pictures are embedded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from autolabel_core.declarations.file_name_labels import several_files
from autolabel_core.foundation.errors import AutolabelError, UnreadableItemError
from autolabel_core.foundation.parallel import read_in_order
from autolabel_core.foundation.progress import Progress, no_progress
from autolabel_core.identify.reference_folder import Reference, ReferenceFolder
from autolabel_core.matching.decision_engine import Vectors
from autolabel_core.matching.reference_index import IndexOrigin, ReferenceIndex
from autolabel_core.models.evaluation.augmentation import (
    AugmentationSplit,
    embed_views,
    mean_of_views,
)
from autolabel_core.models.extractors import Extractor, embed_checked

CHUNK = 64


@dataclass(frozen=True)
class Built:
    """An index, and what was found while it was made.

    Attributes:
        index: the index.
        embedded: how many pictures were embedded; the others' vectors were taken over.
        unreadable: why pictures are not in it, by name.
        several: labels that more than one file ends in, with the files.
        same_picture: groups of files of one content whose labels differ.
        skipped: why other files and sub-folders are not in it, by name.
    """

    index: ReferenceIndex
    embedded: int
    unreadable: Mapping[str, str]
    several: Mapping[str, list[str]]
    same_picture: tuple[tuple[str, ...], ...]
    skipped: Mapping[str, str]


def build_index(
    folder: ReferenceFolder,
    extractor: Extractor,
    origin: IndexOrigin,
    previous: ReferenceIndex | None = None,
    progress: Progress = no_progress,
) -> Built:
    """Embed a folder's references.

    Args:
        folder: the references.
        extractor: of the feature space that `origin` names.
        origin: what the index is made with.
        previous: an earlier index of the folder; where it was made in the same way, vectors of
            unchanged pictures are taken over.
        progress: told how far the work is.

    Returns:
        The index and what was found.

    Raises:
        UnreadableItemError: no picture can be decoded.
    """
    known = _known(previous, origin)
    wanted = {r.checksum: r for r in folder.references if r.checksum not in known}
    unreadable = dict(folder.unreadable)
    missing = list(wanted.values())
    for start in range(0, len(missing), CHUNK):
        known |= _embedded(missing[start : start + CHUNK], extractor, origin, unreadable)
        progress(min(start + CHUNK, len(missing)), len(missing))
    kept = [r for r in folder.references if r.checksum in known]
    if not kept:
        raise UnreadableItemError(f"No picture of {origin.refs} can be decoded: {unreadable}")
    index = ReferenceIndex(
        np.stack([known[r.checksum] for r in kept]),
        tuple(r.card.name for r in kept),
        tuple(r.card.filename for r in kept),
        tuple(r.checksum for r in kept),
        origin,
        tuple(r.card.fields for r in kept),
    )
    embedded = sum(checksum in known for checksum in wanted)
    several = several_files(r.card for r in kept)
    return Built(index, embedded, unreadable, several, _same_pictures(kept), folder.skipped)


def index_folder(
    folder: ReferenceFolder,
    extractor: Extractor,
    origin: IndexOrigin,
    out: Path,
    progress: Progress = no_progress,
) -> Built:
    """Bring the index in a file up to date with a folder; a file that cannot be read is replaced.

    Args:
        folder: the references.
        extractor: of the feature space that `origin` names.
        origin: what the index is made with.
        out: the `.npz` file.
        progress: told how far the work is.

    Returns:
        The index, as it was written, and what was found.
    """
    try:
        previous = ReferenceIndex.load(out)
    except AutolabelError:
        previous = None
    built = build_index(folder, extractor, origin, previous, progress)
    if previous is None or previous.checksum != built.index.checksum:
        built.index.save(out)
    return built


def _known(previous: ReferenceIndex | None, origin: IndexOrigin) -> dict[str, Vectors]:
    if previous is None:
        return {}
    made_alike = (
        previous.feature_uri == origin.feature_uri
        and previous.origin.reference_views == origin.reference_views
    )
    return dict(zip(previous.checksums, previous.embeddings, strict=True)) if made_alike else {}


def _embedded(
    chunk: list[Reference], extractor: Extractor, origin: IndexOrigin, unreadable: dict[str, str]
) -> dict[str, Vectors]:
    pictures = list(read_in_order(lambda r: _decoded(r, extractor, unreadable), chunk))
    readable = [(r.checksum, p) for r, p in zip(chunk, pictures, strict=True) if p is not None]
    if not readable:
        return {}
    checksums, images = zip(*readable, strict=True)
    if origin.reference_views:
        views = embed_views(
            images, checksums, extractor, AugmentationSplit.REFERENCE, origin.reference_views
        )
        return dict(zip(checksums, mean_of_views(views), strict=True))
    return dict(zip(checksums, embed_checked(extractor, images), strict=True))


def _decoded(
    reference: Reference, extractor: Extractor, unreadable: dict[str, str]
) -> Image.Image | None:
    try:
        return reference.decoded(extractor.min_side_px)
    except (UnreadableItemError, OSError) as error:
        unreadable[reference.card.filename] = str(error)
        return None


def _same_pictures(references: list[Reference]) -> tuple[tuple[str, ...], ...]:
    by_content: dict[str, list[Reference]] = {}
    for reference in references:
        by_content.setdefault(reference.checksum, []).append(reference)
    return tuple(
        tuple(r.card.filename for r in group)
        for group in by_content.values()
        if len({r.card.name for r in group}) > 1
    )
