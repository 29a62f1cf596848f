"""What another threshold would label and unlabel, counted beforehand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autolabel_core.matching.thresholds import Thresholds

PERSON_SOURCES = frozenset({"human", "promoted"})


@dataclass(frozen=True)
class ChangedLabels:
    """How many documents a change of threshold would label, unlabel, and leave as they are."""

    newly_labelled: int
    newly_unlabelled: int
    unchanged: int


@dataclass(frozen=True)
class ThresholdChange(ChangedLabels):
    """The change over all documents, and by predicted label."""

    per_label: Mapping[str, ChangedLabels]


def what_would_change(
    confidence: Sequence[float | None],
    label_source: Sequence[str | None],
    predicted_label: Sequence[str | None],
    old: float | Thresholds,
    new: float | Thresholds,
) -> ThresholdChange:
    """What another threshold would label or unlabel, counted without touching anything.

    Labels that a person gave (human, promoted) never change; nor does a document without a
    candidate.

    Args:
        confidence: (n,) score of the nearest reference, None where there is none.
        label_source: (n,) where the present label came from.
        predicted_label: (n,) label of the nearest reference, None where there is none.
        old: the thresholds in use.
        new: the thresholds to try.

    Returns:
        The counts over all documents, and for each predicted label in alphabetical order.
    """
    before, after = _as_thresholds(old), _as_thresholds(new)
    counts: dict[str | None, Counter[int]] = {}
    for score, source, label in zip(confidence, label_source, predicted_label, strict=True):
        step = 0
        if score is not None and label is not None and source not in PERSON_SOURCES:
            step = int(score >= after.of(label)) - int(score >= before.of(label))
        counts.setdefault(label, Counter())[step] += 1
    overall = sum(counts.values(), Counter[int]())
    named = sorted(label for label in counts if label is not None)
    per_label = {label: ChangedLabels(*_steps(counts[label])) for label in named}
    return ThresholdChange(*_steps(overall), per_label=per_label)


def _as_thresholds(given: float | Thresholds) -> Thresholds:
    return given if isinstance(given, Thresholds) else Thresholds(float(given))


def _steps(counts: Counter[int]) -> tuple[int, int, int]:
    return counts[1], counts[-1], counts[0]
