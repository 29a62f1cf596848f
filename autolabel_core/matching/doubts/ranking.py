"""Ranks labels by how much speaks against them: references, people, near-duplicates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from autolabel_core.matching.doubts.annotators import CodedLabels, estimate_accuracy, weigh
from autolabel_core.matching.doubts.held_out import HeldOutLabels
from autolabel_core.matching.scores.folds import NEAR_DUPLICATE

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]


class AnnotatorLabel(NamedTuple):
    """The label that somebody gave to the thing that a reference shows."""

    reference: int
    annotator: str
    label: str


@dataclass(frozen=True)
class RankedDoubts:
    """How doubtful the labels of r references are.

    Attributes:
        doubt: (r,) probability that the label is wrong, from 0 to 1.
        held_out: (r,) probability of the label by the other references alone, from 0 to 1; nan
            where they cannot judge it.
        proposed: (r,) the most probable other label; None where there is no other.
        proposed_probability: (r,) its probability, from 0 to 1.
        accuracy: share of each annotator's labels that are right, as estimated.
        order: (r,) references, the most doubtful first; ties by what the others say, then by row.
    """

    doubt: Floats
    held_out: Floats
    proposed: list[str | None]
    proposed_probability: Floats
    accuracy: Mapping[str, float]
    order: npt.NDArray[np.intp]


def near_duplicates(held_out: HeldOutLabels) -> list[tuple[int, int]]:
    """Return pairs of references of which each is a near-duplicate of the other, smaller row first.

    Args:
        held_out: the references with their nearest others.

    Returns:
        Each pair once, rising.
    """
    rows, columns = np.nonzero(held_out.others.score >= NEAR_DUPLICATE)
    others = held_out.others.position[rows, columns]
    pairs = zip(rows.tolist(), others.tolist(), strict=True)
    return sorted({(min(a, b), max(a, b)) for a, b in pairs})


def rank_doubts(held_out: HeldOutLabels, given: Sequence[AnnotatorLabel]) -> RankedDoubts:
    """Weigh the other references, and all labels of the same thing or of a near-duplicate.

    Args:
        held_out: what the others say of each reference.
        given: labels of references; at least one of each, among them its own label.

    Returns:
        The doubts.
    """
    names = [*held_out.labels, *sorted({one.label for one in given} - set(held_out.labels))]
    people = sorted({one.annotator for one in given})
    accuracy = estimate_accuracy(_coded(held_out, given, names, people))
    by_reference: dict[int, list[AnnotatorLabel]] = {}
    for one in given:
        by_reference.setdefault(one.reference, []).append(one)
    lent = [
        one._replace(reference=to)
        for pair in near_duplicates(held_out)
        for of, to in (pair, pair[::-1])
        for one in by_reference.get(of, ())
    ]
    with_lent = _coded(held_out, [*given, *lent], names, people)
    return _ranked(held_out, with_lent, accuracy, names, people)


def _coded(
    held_out: HeldOutLabels,
    given: Sequence[AnnotatorLabel],
    names: Sequence[str],
    people: Sequence[str],
) -> CodedLabels:
    code, number = ({name: i for i, name in enumerate(known)} for known in (names, people))
    item = np.array([one.reference for one in given], np.int64)
    codes = np.array([code[one.label] for one in given], np.int64)
    annotator = np.array([number[one.annotator] for one in given], np.int64)
    prior = held_out.probability_of(item, codes)
    return CodedLabels(item, annotator, codes, prior, len(names), len(held_out.own), len(people))


def _ranked(
    held_out: HeldOutLabels,
    given: CodedLabels,
    accuracy: Floats,
    names: Sequence[str],
    people: Sequence[str],
) -> RankedDoubts:
    weighed = weigh(given, accuracy)
    rows = np.arange(len(held_out.own))
    is_own = given.code == held_out.own[given.item]
    doubt = np.zeros(len(rows))
    doubt[given.item[is_own]] = 1.0 - weighed.probability[is_own]
    code, probability = _best_unnamed(held_out, given, weighed.scale)
    # The best label that somebody gave; of equal ones the first in the alphabet.
    other = np.flatnonzero(~is_own)
    order = other[np.lexsort((-given.code[other], weighed.probability[other]))]
    order = order[weighed.probability[order] >= probability[given.item[order]]]
    code[given.item[order]] = given.code[order]
    probability[given.item[order]] = weighed.probability[order]
    by_others = held_out.probability_of(rows, held_out.own)
    return RankedDoubts(
        doubt,
        by_others,
        [None if c < 0 else names[c] for c in code.tolist()],
        probability,
        dict(zip(people, accuracy.tolist(), strict=True)),
        np.lexsort((rows, np.nan_to_num(by_others, nan=1.0), -doubt)),
    )


def _best_unnamed(
    held_out: HeldOutLabels, given: CodedLabels, scale: Floats
) -> tuple[Codes, Floats]:
    """Return the likeliest label of each reference that nobody gave it: code, -1 for none."""
    rows = np.arange(len(held_out.own))[:, None]
    named = np.unique(given.item * given.labels + given.code)
    is_named = np.isin(rows * given.labels + held_out.code, named)
    share = np.where(is_named, 0.0, np.nan_to_num(held_out.probability))
    best = share.argmax(axis=1)
    probability = share[rows[:, 0], best] * scale
    code = np.where(probability > 0, held_out.code[rows[:, 0], best], -1)
    return code, probability
