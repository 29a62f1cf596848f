"""Identifies what a picture shows: proposes regions, and looks each up among the references."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from autolabel_core.foundation.media.boxes import Floats, areas
from autolabel_core.foundation.media.region_proposals import (
    CENTRE,
    crops,
    large_enough,
    propose_regions,
)
from autolabel_core.identify.thresholds_file import AcceptanceThresholds
from autolabel_core.matching.decision_engine import Match
from autolabel_core.models.detectors.collection_detector import DeclaredDetector

SAME_THING = 0.2


@dataclass(frozen=True)
class Regions:
    """Places on a picture, and whether they are only candidates that compete for what is there."""

    xyxy_px: Floats
    compete: bool

    def crops(self, image: Image.Image) -> list[Image.Image]:
        """Cut them out."""
        return crops(image, self.xyxy_px)


@dataclass(frozen=True)
class Identified:
    """One thing on a picture.

    Attributes:
        xyxy_rel: left, top, right, bottom, 0 to 1 of the picture's width and height.
        match: what it is.
        confident: whether score and margin reach the thresholds.
    """

    xyxy_rel: tuple[float, float, float, float]
    match: Match
    confident: bool

    @property
    def area_fraction(self) -> float:
        """Share of the picture, 0 to 1."""
        left, top, right, bottom = self.xyxy_rel
        return (right - left) * (bottom - top)


def find_regions(image: Image.Image, detector: DeclaredDetector | None, most: int) -> Regions:
    """Say where to look: where the detector finds something, else at proposals, at last the centre.

    Args:
        image: RGB, upright.
        detector: finds things; None: there is none.
        most: highest number of regions, at least 1.

    Returns:
        At least one region.
    """
    if detector is None:
        return Regions(propose_regions(image, most), compete=True)
    boxes = large_enough(detector.detect([image])[0].xyxy_px)[:most]
    if len(boxes):
        return Regions(boxes, compete=False)
    return Regions(np.array([CENTRE]) * np.array([image.width, image.height] * 2), compete=True)


def identify(
    regions: Regions,
    matches: Sequence[Match],
    thresholds: AcceptanceThresholds,
    size_px: tuple[int, int],
) -> list[Identified]:
    """Say what is where; what the rule gives no label is nothing that is known.

    Args:
        regions: n places.
        matches: (n,) what each was taken for.
        thresholds: what an answer that is beyond doubt reaches.
        size_px: width and height of the picture.

    Returns:
        The best first; of candidates that compete for one place only the best.
    """
    order = sorted(
        (i for i, match in enumerate(matches) if match.matched),
        key=lambda i: (not thresholds.confident(matches[i]), -matches[i].score, i),
    )
    kept = _settled(regions.xyxy_px, order) if regions.compete else order
    relative = np.clip(regions.xyxy_px / np.array([*size_px, *size_px], np.float64), 0.0, 1.0)
    return [_identified(relative[i], matches[i], thresholds) for i in kept]


def _identified(xyxy_rel: Floats, match: Match, thresholds: AcceptanceThresholds) -> Identified:
    left, top, right, bottom = xyxy_rel.tolist()
    return Identified((left, top, right, bottom), match, thresholds.confident(match))


def _settled(xyxy_px: Floats, order: Sequence[int]) -> list[int]:
    """Keep of regions that cover each other only the first."""
    kept: list[int] = []
    for i in order:
        if all(_covered(xyxy_px[i], xyxy_px[j]) <= SAME_THING for j in kept):
            kept.append(i)
    return kept


def _covered(box: Floats, other: Floats) -> float:
    """Return the share of the smaller box that lies in the other."""
    corner = np.minimum(box[2:], other[2:]) - np.maximum(box[:2], other[:2])
    common = float(np.prod(np.clip(corner, 0.0, None)))
    return common / max(float(areas(np.stack([box, other])).min()), 1e-9)
