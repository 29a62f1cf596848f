"""Thresholds by the way that pictures go when they are served: regions, each looked up, the best.

A thing that is to be unknown is shown twice, as a camera might see it and as its own picture, and
counts as named where either is: nobody knows which of the two strangers will send.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autolabel_core.foundation.progress import Progress, no_progress
from autolabel_core.matching.decision_engine import Vectors
from autolabel_core.matching.reference_index import ReferenceIndex
from autolabel_core.models.evaluation.augmentation import AugmentationSplit
from autolabel_core.models.evaluation.augmentation_cache import (
    HELD_OUT_VIEWS,
    Pictured,
    ViewCache,
)
from autolabel_core.models.evaluation.unknown_rejection import Rejection, reject_unknown

MOST_QUERIES = 200
"""Known queries, and as many unknown ones, spread evenly over the references."""
DEFAULT_REGIONS = 8

Shown = list[Vectors]


@dataclass(frozen=True)
class Calibration:
    """Thresholds for the two ways in which pictures are shown.

    Attributes:
        regions: for the best of the regions proposed, as the live page is answered.
        whole: for whole pictures, as `classify` is answered.
    """

    regions: Rejection | None
    whole: Rejection | None


def calibrate(
    index: ReferenceIndex,
    pictures: Sequence[Pictured],
    cache: ViewCache,
    precision: float,
    max_regions: int = DEFAULT_REGIONS,
    progress: Progress = no_progress,
) -> Calibration:
    """Ask for held-out views of known labels, and for things whose label is left out.

    Args:
        index: as it is served: each reference the picture, or the mean of its views.
        pictures: of its references, in their order.
        cache: of embedded views of the index's encoder.
        precision: wanted share of right answers, half of what is shown being unknown.
        max_regions: regions proposed on each picture, at least 1.
        progress: told how many pictures have their regions.

    Returns:
        Both; None where the index has fewer than four labels.
    """
    rows = range(0, len(index), max(1, -(-len(index) // MOST_QUERIES)))
    asked = [pictures[row] for row in rows]
    views = min(HELD_OUT_VIEWS, max(1, MOST_QUERIES // len(asked)))
    truth = np.tile(index.codes[list(rows)], views)
    held_out, itself = AugmentationSplit.HELD_OUT, AugmentationSplit.ITSELF

    def judged(known: Shown, plain: Shown, most: int) -> Rejection | None:
        strange = zip(known, plain * views, strict=True)
        unknown = [np.concatenate(both) for both in strange]
        rng = np.random.default_rng(0)
        return reject_unknown(index, known, unknown, truth, precision, rng, most)

    seen = cache.vectors(asked, held_out, views)
    whole = [seen[i, view : view + 1] for view in range(views) for i in range(len(asked))]
    plain = list(cache.vectors(asked, itself, 1))
    parts: Shown = []
    for view in range(views):
        parts += cache.regions(asked, held_out, view, max_regions, progress)
    plain_parts = cache.regions(asked, itself, 0, max_regions, progress)
    return Calibration(judged(parts, plain_parts, max_regions), judged(whole, plain, 0))
