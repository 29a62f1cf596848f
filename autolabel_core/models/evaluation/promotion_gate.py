"""The promotion gate: may a new version replace the one in service, on the same gold images?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from autolabel_core.declarations.training import Gate
from autolabel_core.foundation.json_types import Cell
from autolabel_core.ledger.models import ClassFigures, GateFigures
from autolabel_core.models.evaluation.average_precision import Evaluation

INTERVAL = (2.5, 97.5)


@dataclass(frozen=True)
class GateVerdict:
    """What the gate decided, and why.

    Attributes:
        decision: `promoted` or `held`.
        reason: in a sentence.
        figures: the measurements, as JSON holds them.
    """

    decision: Literal["promoted", "held"]
    reason: str
    figures: GateFigures

    def left_to_people(self, because: str | None) -> GateVerdict:
        """Return the verdict with its figures, held where a person is to decide.

        Args:
            because: why a person is; None leaves the verdict as it is.

        Returns:
            The verdict; its reason says what the gate alone would have decided.
        """
        if because is None:
            return self
        return replace(
            self,
            decision="held",
            reason=f"{because}; the gate alone: {self.decision}, {self.reason}. "
            "`autolabel models promote` puts it into service",
        )


def compare_versions(
    candidate: Evaluation, active: Evaluation | None, rule: Gate, rng: np.random.Generator
) -> GateVerdict:
    """Compare two versions on the same gold images.

    A version is promoted when its mAP50 is not lower, its mAP50-95 is not lower by more than the
    margin, and no class is worse at an overlap of 0.5 by more than the margin. The first version is
    promoted from the floor up.

    Args:
        candidate: how the new version fared.
        active: how the version in service fared; None where there is none.
        rule: the declared limits.
        rng: draws the images of the interval.

    Returns:
        The verdict.
    """
    figures = _figures(candidate, active)
    if candidate.images < rule.min_images:
        return GateVerdict(
            "held",
            f"{candidate.images} gold images, at least {rule.min_images} are needed to judge; "
            "review more images",
            figures,
        )
    if active is None:
        enough = candidate.map50 >= rule.floor
        relation = "reaches" if enough else "is below"
        reason = (
            f"the first version {relation} the floor: mAP50 {candidate.map50:.3f}, {rule.floor}"
        )
        return GateVerdict("promoted" if enough else "held", reason, figures)
    low, high = difference_interval(candidate, active, rule.resamples, rng)
    figures["map50_difference_low"], figures["map50_difference_high"] = low, high
    worse = _worse(candidate, active, rule.margin)
    change = f"mAP50 {active.map50:.3f} to {candidate.map50:.3f}, 95 % of {low:+.3f} to {high:+.3f}"
    if worse:
        return GateVerdict("held", f"{'; '.join(worse)} ({change})", figures)
    return GateVerdict("promoted", f"not worse overall and on no class ({change})", figures)


def difference_interval(
    candidate: Evaluation, active: Evaluation, resamples: int, rng: np.random.Generator
) -> tuple[float, float]:
    """Return how far the difference in mAP50 may be chance: a paired bootstrap over images.

    Args:
        candidate: how the new version fared.
        active: how the other fared, on the same images.
        resamples: how often as many images are drawn, with replacement.
        rng: draws them.

    Returns:
        The 2.5 % and 97.5 % points of candidate minus active, from -1 to 1.
    """
    n = candidate.images
    differences = []
    for _ in range(resamples):
        counts = np.bincount(rng.integers(n, size=n), minlength=n)
        differences.append(candidate.resampled_map50(counts) - active.resampled_map50(counts))
    known = [value for value in differences if not np.isnan(value)]
    low, high = np.percentile(known, INTERVAL) if known else (0.0, 0.0)
    return float(low), float(high)


def class_table(figures: GateFigures) -> list[dict[str, Cell]]:
    """Return the figures by class as rows of a table: boxes, both versions, difference."""
    return [
        {
            "class": name,
            "gold boxes": row["boxes"],
            "AP50 in service": row["active"],
            "AP50 candidate": row["candidate"],
            "difference": None if row["active"] is None else row["candidate"] - row["active"],
        }
        for name, row in figures.get("classes", {}).items()
    ]


def _worse(candidate: Evaluation, active: Evaluation, margin: float) -> list[str]:
    """Say in what the candidate is worse than is allowed."""
    reasons = []
    if candidate.map50 < active.map50:
        reasons.append(f"mAP50 is lower by {active.map50 - candidate.map50:.3f}")
    if candidate.map50_95 < active.map50_95 - margin:
        lower = active.map50_95 - candidate.map50_95
        reasons.append(f"mAP50-95 is lower by {lower:.3f}, more than {margin}")
    for name, before in active.ap50.items():
        lower = before - candidate.ap50[name]
        if lower > margin:
            reasons.append(f"`{name}` is lower by {lower:.3f}, more than {margin}")
    return reasons


def _figures(candidate: Evaluation, active: Evaluation | None) -> GateFigures:
    before = None if active is None else active.ap50
    classes: dict[str, ClassFigures] = {
        name: {
            "boxes": int(candidate.matches[name].true_boxes.sum()),
            "candidate": value,
            "active": None if before is None else before[name],
        }
        for name, value in candidate.ap50.items()
    }
    return {
        "gold_images": candidate.images,
        "map50": candidate.map50,
        "map50_95": candidate.map50_95,
        "map50_active": None if active is None else active.map50,
        "map50_95_active": None if active is None else active.map50_95,
        "classes": classes,
    }
