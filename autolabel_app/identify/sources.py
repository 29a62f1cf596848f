"""Where a server's references come from: an index file, or a declared collection."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Protocol, cast

from PIL import Image

from autolabel_core.documents.classifier import Classification, classification, match_record
from autolabel_core.foundation.errors import AutolabelError, UnreadableItemError
from autolabel_core.identify.index_encoder import encoder_of
from autolabel_core.identify.thresholds_file import (
    AcceptanceThresholds,
    IndexThresholds,
    thresholds_file,
    thresholds_of,
)
from autolabel_core.matching.decision import Rule
from autolabel_core.matching.decision_engine import Match
from autolabel_core.matching.reference_index import IndexOrigin, ReferenceIndex
from autolabel_core.matching.scores.fitted import FittedScore
from autolabel_core.models.extractors import Extractor
from autolabel_core.tables.applied_taxonomy import AppliedTaxonomy
from autolabel_core.tables.reference_set import ReferenceSet
from autolabel_core.tables.score_fitting import score_path
from autolabel_core.tables.workspace import OpenCollection, Workspace

BLANK = Image.new("RGB", (64, 64))


@dataclass(frozen=True)
class Loaded:
    """References, their encoder with its weights, and what decides by them.

    Attributes:
        index: the references.
        extractor: of the index's feature space.
        rule: when a match becomes an answer, as a taxonomy says it; None: the thresholds do.
        score: what a taxonomy decides by; None: the nearest reference.
        thresholds: what an answer that is beyond doubt reaches: as measured, or the usual.
        whole: the same where a whole picture is looked up, without regions.
        classification: what a match gives a picture, in the words of `autolabel classify`.
        picture: gives the file of a reference by its name; None for whatever is no reference.
    """

    index: ReferenceIndex
    extractor: Extractor
    rule: Rule | None
    score: FittedScore | None
    thresholds: AcceptanceThresholds
    whole: AcceptanceThresholds
    classification: Callable[[Match], Classification]
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
            known = name in index.filenames and _is_inside(name)
            path = folder / name
            return path.read_bytes() if known and path.is_file() else None

        def classification(match: Match) -> Classification:
            source = index.filenames[match.row] if match.matched else None
            record = {
                "label": match.label if match.matched else None,
                "suggested_label": match.label,
                **(index.fields[match.row] if match.matched else {}),
                "taxonomy_match": match_record(match, source, "nearest"),
            }
            return cast("Classification", record)

        thresholds = thresholds_of(self.file, index)
        regions, whole = thresholds.regions, thresholds.whole
        return Loaded(index, extractor, None, None, regions, whole, classification, picture)


class CollectionReferences:
    """The references by which a declared collection is labelled, as the last sweep left them.

    Args:
        name: of the collection.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        opened = self._opened()
        self._collection, self._table = opened.collection, _reference_set(opened)

    def stamp(self) -> Hashable:
        """Return what the reference set was made from, and when declarations were written."""
        paths, table = self._table.collection.workspace.paths, self._table
        files = sorted(paths.collections.glob("*.y*ml"))
        fitted = table.warehouse.fingerprint(score_path(self._collection))
        return table.warehouse.fingerprint(table.path()), fitted, tuple(map(stamp_of, files))

    def load(self, extractor: Extractor | None) -> Loaded:
        """Read the reference set, and the declarations again."""
        taxonomy = self._opened()
        self._table = table = _reference_set(taxonomy)
        references = taxonomy.all_references
        if not references.rows:
            raise AutolabelError(self._without_references(taxonomy))
        index = ReferenceIndex(
            references.vectors,
            tuple(row["label"] for row in references.rows),
            tuple(row["key"] for row in references.rows),
            tuple(row["content_hash"] for row in references.rows),
            IndexOrigin(references.feature_uri, reference_views=references.reference_views),
            tuple({k: v for k, v in row["fields"].items() if v != ""} for row in references.rows),
        )
        if extractor is None or extractor.manifest.feature_uri != index.feature_uri:
            extractor = self._encoder(taxonomy, index)
        items = table.embeddings.items
        hashes = dict(zip(index.filenames, index.checksums, strict=True))

        def picture(name: str) -> bytes | None:
            try:
                return items.content(name, hashes[name]) if name in hashes else None
            except UnreadableItemError:
                return None

        declared = taxonomy.collection.declaration.taxonomy is not None
        rule = taxonomy.rule if declared else None
        lowest = 0.0 if rule is None else rule.thresholds.lowest
        usual = AcceptanceThresholds(lowest, 0.0, "taxonomy")
        # What was measured are cosines; a probability has the taxonomy's gates alone.
        score = taxonomy.score if declared else None
        thresholds = _measured(table, usual) if score is None else IndexThresholds(usual, usual)
        classified = partial(classification, taxonomy)
        regions, whole = thresholds.regions, thresholds.whole
        return Loaded(index, extractor, rule, score, regions, whole, classified, picture)

    def _opened(self) -> AppliedTaxonomy:
        workspace = Workspace.from_environment()
        return AppliedTaxonomy(workspace.open(self._name))

    def _without_references(self, taxonomy: AppliedTaxonomy) -> str:
        owner = taxonomy.reference_collection.collection_name
        if _reference_set(taxonomy).load().rows:
            return (
                f"The filter of the taxonomy's retriever accepts none of `{owner}`'s references, "
                f"so nothing of `{self._name}` can be identified. Correct its conditions."
            )
        return (
            f"`{owner}` has no references yet. Label some of its documents, or declare "
            f"`references: filenames`, and run `autolabel sweep {owner}`."
        )

    def _encoder(self, taxonomy: AppliedTaxonomy, index: ReferenceIndex) -> Extractor:
        extractor = taxonomy.collection.workspace.extractor(taxonomy.collection.declaration)
        if extractor.manifest.input != "image":
            raise AutolabelError(
                f"`{self._name}` holds items of the kind `{extractor.manifest.input}`; pictures "
                "can be shown to collections of images only."
            )
        index.require(extractor.manifest.feature_uri)
        return _warm(extractor)


def _reference_set(taxonomy: AppliedTaxonomy) -> ReferenceSet:
    return ReferenceSet(
        OpenCollection(taxonomy.collection.workspace, taxonomy.reference_collection)
    )


def _is_inside(name: str) -> bool:
    """Whether a name that an index holds stays in the folder of its pictures."""
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and "\\" not in name


def stamp_of(file: Path) -> Hashable:
    """Return what tells one state of a file from another; None for one that is not there."""
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def _measured(table: ReferenceSet, usual: AcceptanceThresholds) -> IndexThresholds:
    """Return what the set's verification proposed; else the usual."""
    verified = table.judgement().get("distinguishability")
    if not verified or not verified["unknown"]:
        return IndexThresholds(usual, usual)
    regions = AcceptanceThresholds.measured(verified["unknown"]["acceptance"])
    whole = verified.get("unknown_whole")
    return IndexThresholds(
        regions, AcceptanceThresholds.measured(whole["acceptance"]) if whole else regions
    )


def _warm(extractor: Extractor) -> Extractor:
    extractor.embed([BLANK])
    return extractor
