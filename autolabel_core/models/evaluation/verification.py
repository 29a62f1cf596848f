"""Verifies an index by augmentations of its pictures, variants, and labels left out of it.

A reference always matches itself, also with half of the names wrong; that rate is a sanity line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autolabel_core.foundation.progress import Progress, no_progress
from autolabel_core.foundation.statistics import wilson_interval
from autolabel_core.matching.nearest import nearest_among_themselves
from autolabel_core.matching.reference_index import ReferenceIndex
from autolabel_core.models.evaluation.augmentation import AugmentationSplit
from autolabel_core.models.evaluation.augmentation_cache import (
    HELD_OUT_VIEWS,
    Pictured,
    ViewCache,
    reference_vectors,
)
from autolabel_core.models.evaluation.calibration import DEFAULT_REGIONS, calibrate
from autolabel_core.models.evaluation.held_out_set import HeldOutSet
from autolabel_core.models.evaluation.name_checks import NameChecks, check_names
from autolabel_core.models.evaluation.retrieval_metrics import RetrievalResult, evaluate
from autolabel_core.models.evaluation.unknown_rejection import Rejection
from autolabel_core.models.evaluation.verification_record import (
    ConfusablePair,
    RateRecord,
    VerificationRecord,
)
from autolabel_core.models.extractors import Extractor

SANE_SELF_IDENTIFICATION = 0.99
COMPARED_VIEWS = 16
WORST, PAIRS = 10, 10
WIDE, NARROW = 0.3, 0.1


@dataclass(frozen=True)
class Rate:
    """A share of right answers with its 95 % Wilson interval, each 0 to 1; None of no queries."""

    right: int
    queries: int
    low: float
    high: float

    @classmethod
    def of(cls, right: int, queries: int) -> Rate:
        """Count."""
        return cls(right, queries, *wilson_interval(right, queries))

    @property
    def share(self) -> float | None:
        """Right answers among all."""
        return self.right / self.queries if self.queries else None

    def record(self) -> RateRecord:
        """Return the rate as JSON holds it."""
        return {
            "share": self.share,
            "right": self.right,
            "queries": self.queries,
            "low": self.low,
            "high": self.high,
        }


@dataclass(frozen=True)
class Pair:
    """Two labels that are easily taken for each other.

    Attributes:
        label: what was shown.
        other: what it was taken for, or is nearest to.
        mistaken: views of the one that were taken for the other.
        views: views that were shown of it.
        cosine: of their most similar references.
        row: a reference of the one; with `other_row` the most similar.
        other_row: a reference of the other.
    """

    label: str
    other: str
    mistaken: int
    views: int
    cosine: float
    row: int
    other_row: int


@dataclass(frozen=True)
class Verification:
    """What was found of an index.

    Attributes:
        index: the index.
        views: top-1 over views of every reference that the index was not made from.
        variants: top-1 of references that share a label, each left out in turn.
        itself: share of references that match themselves: a sanity line.
        median_margin: over views, to the best different label.
        worst: the labels of the smallest median margins, with those.
        pairs: the most confusable labels.
        by_reference_views: figures with the picture itself and with the mean of views as reference.
        rejection: of unknown things by the best region; None where labels are too few.
        whole: the same of whole pictures.
        names: what the pictures say of the names.
    """

    index: ReferenceIndex
    views: Rate
    variants: Rate
    itself: Rate
    median_margin: float
    worst: tuple[tuple[str, float], ...]
    pairs: tuple[Pair, ...]
    by_reference_views: dict[int, dict[str, float | int]]
    rejection: Rejection | None
    whole: Rejection | None
    names: NameChecks

    @property
    def sane(self) -> bool:
        """Whether references match themselves; else index and encoder do not belong together."""
        return (self.itself.share or 0.0) >= SANE_SELF_IDENTIFICATION

    @property
    def advice(self) -> str:
        """What to do: about names that contradict, else by the band of the median margin."""
        if self.names.contradict:
            return (
                f"{len(self.names.suspects)} of the {self.names.checked} names that can be checked "
                "contradict their pictures: correct the names before anything else."
            )
        if self.median_margin > WIDE:
            return "Strong separation: ship it."
        if self.median_margin >= NARROW:
            return "Medium separation, similar things may be confused: consider training a head."
        return "The references look too similar to this encoder: train a head."

    def as_json(self) -> VerificationRecord:
        """Return the figures as JSON holds them."""
        return {
            "references": len(self.index),
            "labels": len(self.index.labels),
            "feature_uri": self.index.feature_uri,
            "index_checksum": self.index.checksum,
            "reference_views": self.index.origin.reference_views,
            "top1": self.views.record(),
            "leave_one_out": self.variants.record(),
            "self_identification": self.itself.record(),
            "median_margin": self.median_margin,
            "worst": [{"label": label, "median_margin": m} for label, m in self.worst],
            "confusable": [self._told(pair) for pair in self.pairs],
            "by_reference_views": {str(n): f for n, f in self.by_reference_views.items()},
            "unknown": self.rejection.record() if self.rejection else None,
            "unknown_whole": self.whole.record() if self.whole else None,
            "names_checked": self.names.checked,
            "suspects": [suspect.record(self.index) for suspect in self.names.suspects],
            "remarks": list(self.names.remarks),
            "advice": self.advice,
        }

    def _told(self, pair: Pair) -> ConfusablePair:
        return {
            "label": pair.label,
            "other": pair.other,
            "mistaken": pair.mistaken,
            "views": pair.views,
            "cosine": pair.cosine,
            "row": pair.row,
            "other_row": pair.other_row,
            "key": self.index.filenames[pair.row],
            "other_key": self.index.filenames[pair.other_row],
        }


def verify_index(
    index: ReferenceIndex,
    pictures: Sequence[Pictured],
    extractor: Extractor,
    cache: ViewCache,
    precision: float = 0.95,
    compared: Sequence[int] = (0, COMPARED_VIEWS),
    max_regions: int = DEFAULT_REGIONS,
    progress: Progress = no_progress,
) -> Verification:
    """Verify an index.

    Args:
        index: of two labels at least.
        pictures: of its references, in their order.
        extractor: the index's encoder.
        cache: of embedded views of that encoder.
        precision: wanted share of right answers, half of what is shown being unknown.
        compared: further numbers of views whose mean might stand for a picture; 0: the picture.
        max_regions: regions that are looked up on a picture when it is served, at least 1.
        progress: told how many pictures have their views, then their regions.

    Returns:
        What was found.
    """
    index.require(extractor.manifest.feature_uri)
    held_out = cache.vectors(pictures, AugmentationSplit.HELD_OUT, HELD_OUT_VIEWS, progress)
    queries = held_out.reshape(len(index) * HELD_OUT_VIEWS, -1)
    judged = evaluate(index, queries, np.repeat(index.codes, HELD_OUT_VIEWS))
    margins = sorted(judged.median_margins(index.labels).items(), key=lambda item: item[1])
    by_views = {}
    for views in sorted({*compared, index.origin.reference_views}):
        references = reference_vectors(pictures, cache, views)
        by_views[views] = HeldOutSet(index.names, references, held_out).evaluate().figures
    itself = cache.vectors(pictures, AugmentationSplit.ITSELF, 1)[:, 0]
    calibration = calibrate(index, pictures, cache, precision, max_regions, progress)
    return Verification(
        index,
        Rate.of(int(judged.correct.sum()), len(queries)),
        _variants(index),
        Rate.of(int(evaluate(index, itself, index.codes).correct.sum()), len(index)),
        judged.median_margin,
        tuple(margins[:WORST]),
        _pairs(index, judged),
        by_views,
        calibration.regions,
        calibration.whole,
        check_names(index),
    )


def _variants(index: ReferenceIndex) -> Rate:
    """Leave one out: is the nearest other reference one of the same label?"""
    counts = Counter(index.names)
    shared = np.array([counts[name] > 1 for name in index.names])
    nearest = nearest_among_themselves(index.embeddings, 1).position[:, 0]
    right = (index.codes[nearest] == index.codes) & shared
    return Rate.of(int(right.sum()), int(shared.sum()))


def _pairs(index: ReferenceIndex, judged: RetrievalResult) -> tuple[Pair, ...]:
    """Labels taken for each other most often; then those of the most similar references."""
    cosines = index.label_scores(index.embeddings)
    cosines[np.arange(len(index)), index.codes] = -np.inf
    candidates = Counter(
        (int(judged.truth[i]), int(judged.found[i])) for i in np.flatnonzero(~judged.correct)
    )
    for row in np.argsort(-cosines.max(axis=1), kind="stable")[: 2 * PAIRS].tolist():
        candidates.setdefault((int(index.codes[row]), int(cosines[row].argmax())), 0)
    shown = Counter(judged.truth.tolist())
    pairs: dict[frozenset[int], Pair] = {}
    for (label, other), mistaken in candidates.items():
        rows = np.flatnonzero(index.codes == label)
        row = int(rows[cosines[rows, other].argmax()])
        others = np.flatnonzero(index.codes == other)
        other_row = int(others[(index.embeddings[others] @ index.embeddings[row]).argmax()])
        cosine = float(cosines[row, other])
        names = index.labels[label], index.labels[other]
        pair = Pair(*names, mistaken, shown[label], cosine, row, other_row)
        known = pairs.get(frozenset((label, other)))
        if known is None or pair.mistaken > known.mistaken:
            pairs[frozenset((label, other))] = pair
    ranked = sorted(pairs.values(), key=lambda p: (-p.mistaken, -p.cosine, p.label))
    return tuple(ranked[:PAIRS])
