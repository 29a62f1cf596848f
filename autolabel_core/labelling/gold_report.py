"""The gold set and its judgements over time, as `autolabel gold` and `status` print them."""

from __future__ import annotations

from typing import TypedDict

from autolabel_core.foundation.statistics import wilson_interval
from autolabel_core.labelling.gold_set import gold_set
from autolabel_core.ledger import GoldJudgement
from autolabel_core.tables.workspace import OpenCollection


class GoldRecord(TypedDict):
    """How one rule did.

    `precision` is the share of its labels that are right, with its 95 % interval, None where it
    labels none; `coverage` the share of the documents that it labels, `accuracy` that of which its
    likeliest label is right, sure enough or not; all from 0 to 1.
    """

    recorded_at: str
    rule_version: str
    judged: int
    near_duplicates: int
    precision: float | None
    low: float
    high: float
    coverage: float
    accuracy: float
    score: str
    threshold: float | None
    feature_uri: str


class GoldReport(TypedDict):
    """The gold set of a collection, and how rules did on it, the latest last.

    Of `documents` people have `labelled` some; `judging` are those up to the first that nobody has
    labelled, in the order of the draw, and `next` the keys to label next. `gone` were removed or
    overwritten since they were drawn.
    """

    collection: str
    documents: int
    labelled: int
    judging: int
    gone: int
    next: list[str]
    judgements: list[GoldRecord]


def gold_report(collection: OpenCollection, limit: int | None = None) -> GoldReport:
    """Return the gold set and its judgements.

    Args:
        collection: opened with its stores.
        limit: at most so many keys to label next; None is all.

    Returns:
        The report; with zeros where no set was drawn.
    """
    found = gold_set(collection)
    return {
        "collection": collection.name,
        "documents": len(found.documents),
        "labelled": len(found.documents) - len(found.waiting),
        "judging": len(found.judging),
        "gone": found.gone,
        "next": [one["key"] for one in found.waiting[:limit]],
        "judgements": [
            gold_record(judgement)
            for judgement in collection.ledger.gold_judgements(collection.name)
        ],
    }


def latest_judgements(collection: OpenCollection, most: int) -> list[GoldRecord]:
    """Return the latest judgements by the gold set.

    Args:
        collection: opened with its stores.
        most: at most so many, at least 1.

    Returns:
        The judgements, the latest last.
    """
    judgements = collection.ledger.gold_judgements(collection.name)
    return [gold_record(judgement) for judgement in judgements[-most:]]


def gold_record(judgement: GoldJudgement) -> GoldRecord:
    """Return the shares of a judgement."""
    figures = judgement.payload
    judged, matched, right = figures["judged"], figures["matched"], figures["right"]
    low, high = wilson_interval(right, matched)
    return {
        "recorded_at": judgement.recorded_at,
        "rule_version": judgement.rule_version,
        "judged": judged,
        "near_duplicates": figures["near_duplicates"],
        "precision": right / matched if matched else None,
        "low": low,
        "high": high,
        "coverage": matched / judged if judged else 0.0,
        "accuracy": figures["suggested_right"] / judged if judged else 0.0,
        "score": figures["score"],
        "threshold": figures["threshold"],
        "feature_uri": figures["feature_uri"],
    }
