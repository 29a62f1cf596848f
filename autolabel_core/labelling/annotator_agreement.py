"""Compares those who labelled a collection: how often each is right, and how far they agree."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import TypedDict

from autolabel_core.labelling.label_evidence import LabelledReferences
from autolabel_core.labelling.settle_doubt import ORIGIN
from autolabel_core.ledger import Annotation
from autolabel_core.matching.doubts.agreement import cohen_kappa, krippendorff_alpha
from autolabel_core.tables.workspace import OpenCollection


class AnnotatorRecord(TypedDict):
    """One who labelled, `metadata` and `filename` for labels that objects carry.

    `accuracy` is the share of their `labels` that are probably right, from 0 to 1; `shared` counts
    documents that somebody else labelled too.
    """

    annotator: str
    labels: int
    shared: int
    accuracy: float


class PairRecord(TypedDict):
    """Two people who labelled the same documents; `kappa` is Cohen's, None without a value."""

    first: str
    second: str
    documents: int
    agreeing: int
    kappa: float | None


class AgreementReport(TypedDict):
    """Who labelled what, and how far they agree.

    `documents` have labels of two people or more, `conflicts` of them different ones; `alpha` is
    Krippendorff's over all of them, None where it has no value.
    """

    collection: str
    documents: int
    conflicts: int
    alpha: float | None
    annotators: list[AnnotatorRecord]
    pairs: list[PairRecord]


def agreement(collection: OpenCollection) -> AgreementReport:
    """Compare those who labelled.

    Labels that objects carry, promotions, and labels given in view of the evidence about a doubt
    are no independent opinions: they count for accuracy alone.

    Args:
        collection: opened with its stores.

    Returns:
        The figures over the documents that the last sweep took up. Where documents are boxes it is
        an `AutolabelError`.
    """
    labelled = LabelledReferences.of(collection)
    items = [] if labelled is None else _independent(labelled)
    shared = [item for item in items if len(item) > 1]
    return {
        "collection": collection.name,
        "documents": len(shared),
        "conflicts": sum(len(set(item.values())) > 1 for item in shared),
        "alpha": krippendorff_alpha(items),
        "annotators": [] if labelled is None else _annotators(labelled, shared),
        "pairs": _pairs(shared),
    }


def _independent(labelled: LabelledReferences) -> list[dict[str, str]]:
    """Return by document the label of each person, as far as it is an opinion of their own."""
    return [
        {a.annotator: a.label for a in annotations if a.label is not None and _is_independent(a)}
        for annotations in labelled.standing.values()
    ]


def _is_independent(annotation: Annotation) -> bool:
    return (
        annotation.source == "human" and not annotation.is_imported and annotation.origin != ORIGIN
    )


def _annotators(
    labelled: LabelledReferences, shared: list[dict[str, str]]
) -> list[AnnotatorRecord]:
    given = Counter(
        annotation.annotator
        for annotations in labelled.standing.values()
        for annotation in annotations
        if annotation.label is not None
    )
    with_others = Counter(annotator for item in shared for annotator in item)
    accuracy = labelled.ranked.accuracy
    return [
        {
            "annotator": annotator,
            "labels": count,
            "shared": with_others[annotator],
            "accuracy": accuracy[annotator],
        }
        for annotator, count in sorted(given.items(), key=lambda item: (-item[1], item[0]))
    ]


def _pairs(shared: list[dict[str, str]]) -> list[PairRecord]:
    both: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for item in shared:
        for first, second in combinations(sorted(item), 2):
            both.setdefault((first, second), []).append((item[first], item[second]))
    return [
        {
            "first": first,
            "second": second,
            "documents": len(labels),
            "agreeing": sum(a == b for a, b in labels),
            "kappa": cohen_kappa([a for a, _ in labels], [b for _, b in labels]),
        }
        for (first, second), labels in sorted(both.items())
    ]
