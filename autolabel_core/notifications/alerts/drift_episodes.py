"""Tests batches (or windows of time) in sequence for drift, and dates when it began.

Each is compared with the last ones before it that did not drift, the reference window. So a batch
that drifts is found however many came with it, and the return to normal is no drift. Consecutive
ones that drift are one episode, which is reported once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np

from autolabel_core.notifications.alerts.drift import FLOATS, drift

REFERENCE_PARTS = 10
MOST_JUDGED = 100
"""So many of the latest batches are judged; those before are only compared with."""


@dataclass(frozen=True)
class JudgedPart:
    """A batch or window that had enough documents.

    Attributes:
        name: of the batch, or the beginning of the window.
        p: p-value of its confidences being drawn as those of the reference window were.
        drifted: whether that is beyond the limit.
        median_before: of the reference window.
        median_now: of the batch.
    """

    name: str
    p: float
    drifted: bool
    median_before: float
    median_now: float


def judge_parts(
    parts: Mapping[str, FLOATS],
    is_drift: Callable[[float], bool],
    comparisons: int,
    by_looks: bool,
) -> list[JudgedPart]:
    """Judge each batch by the reference window before it.

    Args:
        parts: confidences in the order of arrival, by the name of the batch; the first is the
            reference of the second.
        is_drift: says of a p-value whether it is beyond the limit.
        comparisons: how many groups are tested.
        by_looks: whether batches are tested while they still grow.

    Returns:
        Those that had enough documents, in order.
    """
    recent = list(parts.items())[-(MOST_JUDGED + REFERENCE_PARTS) :]
    reference: list[FLOATS] = []
    judged: list[JudgedPart] = []
    for name, confidences in recent:
        earlier = np.concatenate(reference) if reference else np.zeros(0)
        p = drift(earlier, confidences, comparisons, by_looks)
        drifted = p is not None and is_drift(p)
        if p is not None:
            medians = float(np.median(earlier)), float(np.median(confidences))
            judged.append(JudgedPart(name, p, drifted, *medians))
        if not drifted:
            reference = [*reference, confidences][-REFERENCE_PARTS:]
    return judged


def episodes(judged: list[JudgedPart]) -> list[list[JudgedPart]]:
    """Return the runs of batches that drift one after the other."""
    runs: list[list[JudgedPart]] = []
    goes_on = False
    for part in judged:
        if part.drifted and goes_on:
            runs[-1].append(part)
        elif part.drifted:
            runs.append([part])
        goes_on = part.drifted
    return runs


def unreported(judged: list[JudgedPart], reported: Collection[str]) -> list[list[JudgedPart]]:
    """Return the episodes of which no batch was reported."""
    return [run for run in episodes(judged) if not any(part.name in reported for part in run)]
