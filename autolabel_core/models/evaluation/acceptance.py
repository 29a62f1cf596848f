"""Thresholds from which an answer is given, and how many unknown things they name all the same."""

from __future__ import annotations

import math
from dataclasses import dataclass

from autolabel_core.foundation.statistics import wilson_interval
from autolabel_core.models.evaluation.verification_record import (
    AcceptanceRecord,
    UnknownRateRecord,
)


@dataclass(frozen=True)
class UnknownRate:
    """How many unknown things are named all the same.

    Attributes:
        named: of those asked.
        asked: unknown things that were shown.
        labels: so many labels they are of; only these are independent of each other.
    """

    named: int
    asked: int
    labels: int

    @property
    def share(self) -> float:
        """Those named among all, 0 to 1."""
        return self.named / self.asked

    @property
    def high(self) -> float:
        """Upper end of the share's 95 % interval, the labels counted as trials."""
        return wilson_interval(math.ceil(self.share * self.labels), self.labels)[1]

    def __str__(self) -> str:
        return f"about {self.share:.1%} are named (95 %: at most {self.high:.1%})"

    def record(self) -> UnknownRateRecord:
        """Return the rate as JSON holds it."""
        return {
            "share": self.share,
            "high": self.high,
            "named": self.named,
            "asked": self.asked,
            "labels": self.labels,
        }


@dataclass(frozen=True)
class Acceptance:
    """An answer is given where score and margin reach these; below, the name is in doubt.

    Attributes:
        min_score: lowest cosine.
        min_margin: lowest distance to the best other label.
        precision: share of right answers among those given, half of the queries being unknown.
        answered: share of queries of known labels that are answered rightly.
        reached: whether that is the wanted precision, also of labels that did not choose.
        unknown: how many unknown things are named, of labels that did not choose the thresholds.
        max_regions: regions looked up on each picture; 0: the whole picture alone.
    """

    min_score: float
    min_margin: float
    precision: float
    answered: float
    reached: bool
    unknown: UnknownRate
    max_regions: int

    def record(self) -> AcceptanceRecord:
        """Return the thresholds and figures as JSON holds them."""
        return {
            "min_score": self.min_score,
            "min_margin": self.min_margin,
            "precision": self.precision,
            "answered": self.answered,
            "reached": self.reached,
            "unknown_named": self.unknown.record(),
            "max_regions": self.max_regions,
        }
