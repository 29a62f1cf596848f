"""Where a server's references come from: an index file, or a declared collection."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from PIL import Image

from autolabel_core.foundation.errors import AutolabelError, UnreadableItemError
from autolabel_core.identify.index_encoder import encoder_of
from autolabel_core.identify.thresholds_file import (
    MEASURED,
    AcceptanceThresholds,
    thresholds_file,
    thresholds_of,
)
from autolabel_core.matching.reference_index import IndexOrigin, ReferenceIndex
from autolabel_core.models.extractors import Extractor
from autolabel_core.tables.reference_set import ReferenceSet
from autolabel_core.tables.workspace import Workspace

BLANK = Image.new("RGB", (64, 64))


@dataclass(frozen=True)
class Loaded:
    """References, their encoder with its weights, and thresholds that suit them.

    Attributes:
        index: the references.
        extractor: of the index's feature space.
        thresholds: as measured, or the usual ones.
        picture: gives the file of a reference by its name; None for whatever is no reference.
    """

    index: ReferenceIndex
    extractor: Extractor
    thresholds: AcceptanceThresholds
    picture: Callable[[str], bytes | None]


class ReferenceSource(Protocol):
    """Gives references, and tells when there are others."""

    def stamp(self) -> Hashable:
        """Return what tells one state of the references from another."""
        ...

    def load(self, extractor: Extractor | None) -> Loaded:
        """Read the references; an extractor of the same feature space is kept."""
        ...


@dataclass(frozen=True)
class IndexFile:
    """What `identify index` wrote.

    Attributes:
        file: the index.
        refs: folder of its pictures; None is the one that it was made from.
        projection: its head, if that has moved.
        model: another name for its model.
    """

    file: Path
    refs: Path | None = None
    projection: Path | None = None
    model: str | None = None

    def stamp(self) -> Hashable:
        """Return when the index and its thresholds were written."""
        return stamp_of(self.file), stamp_of(thresholds_file(self.file))

    def load(self, extractor: Extractor | None) -> Loaded:
        """Read the file; the encoder is that which the index names."""
        index = ReferenceIndex.load(self.file)
        if extractor is None or extractor.manifest.feature_uri != index.feature_uri:
            extractor = _warm(encoder_of(index, self.model, self.projection))
        folder = self.refs or Path(index.origin.refs)

        def picture(name: str) -> bytes | None:
            known = name in index.filenames and Path(name).name == name
            path = folder / name
            return path.read_bytes() if known and path.is_file() else None

        return Loaded(index, extractor, thresholds_of(self.file, index), picture)


class CollectionReferences:
    """The reference set of a declared collection, as the last sweep left it.

    Args:
        name: of the collection.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._table = self._opened()

    def stamp(self) -> Hashable:
        """Return what the reference set was made from."""
        return self._table.warehouse.fingerprint(self._table.path())

    def load(self, extractor: Extractor | None) -> Loaded:
        """Read the reference set, and the declaration anew."""
        table = self._opened()
        found = table.load()
        if not found.rows:
            raise AutolabelError(
                f"`{self._name}` has no references yet. Label some of its documents, or declare "
                f"`references: filenames`, and run `autolabel sweep {self._name}`."
            )
        hashes = {row["key"]: row["content_hash"] for row in found.rows}
        index = ReferenceIndex(
            found.vectors,
            tuple(row["label"] for row in found.rows),
            tuple(row["key"] for row in found.rows),
            tuple(row["content_hash"] for row in found.rows),
            IndexOrigin(found.feature_uri, reference_views=found.reference_views),
            tuple({k: v for k, v in row["fields"].items() if v} for row in found.rows),
        )
        if extractor is None or extractor.manifest.feature_uri != index.feature_uri:
            extractor = self._encoder(table, index)
        items = table.embeddings.items

        def picture(name: str) -> bytes | None:
            try:
                return items.content(name, hashes[name]) if name in hashes else None
            except UnreadableItemError:
                return None

        return Loaded(index, extractor, _measured(table), picture)

    def _opened(self) -> ReferenceSet:
        workspace = Workspace.from_environment()
        return ReferenceSet(workspace, workspace.collection(self._name))

    def _encoder(self, table: ReferenceSet, index: ReferenceIndex) -> Extractor:
        manifest = table.embeddings.extractor.manifest
        if manifest.input != "image":
            raise AutolabelError(
                f"`{self._name}` holds items of the kind `{manifest.input}`; pictures can be shown "
                "to collections of images only."
            )
        index.require(manifest.feature_uri)
        return _warm(table.embeddings.extractor)


def stamp_of(file: Path) -> Hashable:
    """Return what tells one state of a file from another; None for one that is not there."""
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def _measured(table: ReferenceSet) -> AcceptanceThresholds:
    """Return what the set's verification proposed; without one the taxonomy's threshold."""
    unknown = ((table.judgement().get("told_apart") or {}).get("unknown")) or {}
    if found := unknown.get("acceptance"):
        return AcceptanceThresholds(found["min_score"], found["min_margin"], MEASURED)
    taxonomy = table.collection.taxonomy
    least = 0.0 if taxonomy is None else taxonomy.confidence_threshold
    return AcceptanceThresholds(least, 0.0, "taxonomy")


def _warm(extractor: Extractor) -> Extractor:
    extractor.embed([BLANK])
    return extractor
