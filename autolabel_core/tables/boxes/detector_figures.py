"""Quality figures of a detector, computed from what reviewers said of its boxes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypedDict

from autolabel_core.ledger import BoxAnnotation
from autolabel_core.tables.boxes.box_labels import (
    BOX_LABELS,
    CONFIRMED,
    CORRECTED,
    FALSE_POSITIVE,
    MISSED,
    MISTAKES,
)
from autolabel_core.tables.boxes.ground_truth import class_seen

HEALTHY_CONFIRMED = 0.80
MAX_CORRECTED = 0.15
MAX_FALSE_POSITIVES = 0.10
MAX_MISSED = 0.05
MIN_JUDGED = 30
"""Under so many judged boxes a rate says little."""

By = Literal["all", "version", "retriever", "class", "week", "annotator"]
NONE = "none"


class FiguresRecord(TypedDict):
    """Everything that `DetectorFigures` says, as JSON holds it."""

    part: str
    counts: dict[str, int]
    given: int
    reviewed: int
    judged: int
    detections: int
    objects: int
    rates: dict[str, float | None]
    shares: dict[str, float | None]
    verdict: str
    actions: list[str]
    said: str


@dataclass(frozen=True)
class DetectorFigures:
    """What people said of one detector's boxes.

    Attributes:
        part: which version, retriever, class, week or person; `all` for all.
        counts: boxes by label; `missed` counts only where a detector had looked.
        given: boxes drawn where no detector had looked; they judge none.
        reviewed: images that were reviewed as a whole.
    """

    part: str
    counts: Mapping[str, int]
    given: int
    reviewed: int

    @property
    def judged(self) -> int:
        """How many boxes tell something of the detector."""
        return sum(self.counts.values())

    @property
    def detections(self) -> int:
        """How many detections were judged: what the first three rates are shares of."""
        return self.judged - self.counts[MISSED]

    @property
    def objects(self) -> int:
        """How many objects there are: what the rate of missed ones is a share of."""
        return self.counts[CONFIRMED] + self.counts[CORRECTED] + self.counts[MISSED]

    @property
    def rates(self) -> dict[str, float | None]:
        """Shares of the judged detections, and for `missed` of the objects; None of none.

        Detections are confirmed, corrected and false_positive; objects are confirmed, corrected and
        missed.
        """
        detections, objects = self.detections, self.objects
        return {
            label: _share(self.counts[label], objects if label == MISSED else detections)
            for label in BOX_LABELS
        }

    @property
    def said(self) -> str:
        """The rates in one line, for people."""
        rates = {label: rate for label, rate in self.rates.items() if rate is not None}
        missed = rates.pop(MISSED, None)
        named = ", ".join(f"{label.replace('_', ' ')} {rate:.1%}" for label, rate in rates.items())
        parts = [f"{self.detections} detections judged: {named}"] if rates else []
        parts += [] if missed is None else [f"missed {missed:.1%} of {self.objects} objects"]
        return "; ".join(parts) or "no box judged yet"

    @property
    def shares(self) -> dict[str, float | None]:
        """Each label's share of all judged boxes; they sum to 1."""
        return {label: _share(self.counts[label], self.judged) for label in BOX_LABELS}

    @property
    def actions(self) -> list[str]:
        """What to do, one line for each rate that asks for it.

        Source: the table of the seed tutorial (confirmed > 80 % healthy; corrected > 15 %,
        false_positive > 10 %, missed > 5 % need action).
        """
        rates = {label: rate or 0.0 for label, rate in self.rates.items()}
        advice = []
        if rates[CORRECTED] > MAX_CORRECTED:
            advice.append("classes are confused: train again with the corrected examples")
        if rates[FALSE_POSITIVE] > MAX_FALSE_POSITIVES:
            advice.append("raise detection.confidence_threshold, or train with hard negatives")
        if rates[MISSED] > MAX_MISSED:
            advice.append("objects are missed: train again with the missed ones")
        return advice

    @property
    def verdict(self) -> str:
        """`nothing judged`, `too few`, `action`, `healthy` or, between the two, `watch`."""
        if not self.judged:
            return "nothing judged"
        if self.judged < MIN_JUDGED:
            return "too few"
        if self.actions:
            return "action"
        return "healthy" if (self.rates[CONFIRMED] or 0.0) > HEALTHY_CONFIRMED else "watch"

    def record(self) -> FiguresRecord:
        """Return everything as JSON can say it."""
        return {
            "part": self.part,
            "counts": dict(self.counts),
            "given": self.given,
            "reviewed": self.reviewed,
            "judged": self.judged,
            "detections": self.detections,
            "objects": self.objects,
            "rates": self.rates,
            "shares": self.shares,
            "verdict": self.verdict,
            "actions": self.actions,
            "said": self.said,
        }


def box_figures(
    events: Iterable[BoxAnnotation], since: str = "", by: By = "all"
) -> list[DetectorFigures]:
    """Count what people said in a window of time.

    Each annotation counts as it stands: its latest event, unless that withdraws it, at that event's
    moment. Annotations of images that were replaced since count too: they judged the detector.

    Args:
        events: box annotations of one collection, in the order of the ledger.
        since: begin of the window, ISO 8601 in UTC; empty is from the beginning.
        by: one row for all, or for each version of the detector that was judged, retriever, class
            (the detected one; of a missed object its own), week (ISO, Monday to Sunday) or
            annotator.

    Returns:
        One row for each part, ascending; for `all` always one.
    """
    latest = {event.annotation_id: event for event in events}
    standing = [e for e in latest.values() if e.action == "annotate" and e.given_at >= since]
    parts: dict[str, list[BoxAnnotation]] = {"all": []} if by == "all" else {}
    for event in standing:
        if by in ("class", "version") and event.label not in BOX_LABELS:
            continue
        parts.setdefault(_PARTS[by](event), []).append(event)
    return [_figures(part, parts[part]) for part in sorted(parts)]


def judged_versions(events: Iterable[BoxAnnotation]) -> list[str]:
    """Return the versions of the detector that standing annotations judge, ascending."""
    latest = {event.annotation_id: event for event in events}
    standing = (event for event in latest.values() if event.action == "annotate")
    return sorted({e.judged for e in standing if e.judged and judges_a_detector(e)})


def judges_a_detector(event: BoxAnnotation) -> bool:
    """Whether a word about a box tells something of a detector."""
    if event.label == MISSED:
        return event.judged is not None
    return event.label in BOX_LABELS


def count_mistakes(events: Iterable[BoxAnnotation]) -> int:
    """Count the boxes that somebody ever said a detector had wrong, or had not."""
    wrong = (e for e in events if e.label in MISTAKES and judges_a_detector(e))
    return len({event.annotation_id for event in wrong if event.action == "annotate"})


def _figures(part: str, events: list[BoxAnnotation]) -> DetectorFigures:
    counts = Counter(event.label for event in events if judges_a_detector(event))
    given = sum(e.label == MISSED and not judges_a_detector(e) for e in events)
    reviewed = len({e.image_id for e in events if e.label not in BOX_LABELS})
    return DetectorFigures(part, {label: counts[label] for label in BOX_LABELS}, given, reviewed)


def _week(event: BoxAnnotation) -> str:
    year, week, _ = datetime.fromisoformat(event.given_at).isocalendar()
    return f"{year}-W{week:02d}"


_PARTS: Mapping[str, Callable[[BoxAnnotation], str]] = {
    "all": lambda event: "all",
    "version": lambda event: event.judged or NONE,
    "retriever": lambda event: event.retriever_id or NONE,
    "class": lambda event: event.predicted_class or class_seen(event) or NONE,
    "week": _week,
    "annotator": lambda event: event.annotator,
}


def _share(count: int, of: int) -> float | None:
    return count / of if of else None
