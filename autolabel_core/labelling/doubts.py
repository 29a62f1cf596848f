"""Doubtful labels: those that other references, other people or near-duplicates contradict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

import numpy as np

from autolabel_core.labelling.label_evidence import LabelDoubt, LabelledReferences, Reason
from autolabel_core.ledger import DoubtDecision
from autolabel_core.tables.workspace import OpenCollection


class DoubtReport(TypedDict):
    """The doubtful labels of a collection, the most doubtful first.

    Of `references` labels `judged` could be judged by the others; `contradicted` are open, and of
    those `doubted` are more probably wrong than right. `settled` were decided about, with no new
    evidence since; `changed_since` got another label after the last sweep.
    """

    collection: str
    references: int
    judged: int
    contradicted: int
    doubted: int
    settled: int
    changed_since: int
    doubts: list[LabelDoubt]


def doubts(
    collection: OpenCollection, limit: int | None = None, because: Reason | None = None
) -> DoubtReport:
    """Rank the labels that other references, other people or near-duplicates contradict.

    Args:
        collection: opened with its stores.
        limit: at most so many are listed; None is all.
        because: only labels that this contradicts; None is all.

    Returns:
        The doubts as the last sweep and the ledger have them. Where documents are boxes it is an
        `AutolabelError`.
    """
    labelled = LabelledReferences.of(collection)
    if labelled is None:
        return _nothing(collection.name)
    decided = decisions_of(collection)
    reasons = {row: labelled.reasons(row) for row in labelled.ranked.order.tolist()}
    contradicted = [
        row for row, why in reasons.items() if (because in why if because is not None else why)
    ]
    changed = [row for row in contradicted if labelled.has_changed(row)]
    settled = [row for row in contradicted if is_settled(labelled, row, decided)]
    closed = {*changed, *settled}
    left = [row for row in contradicted if row not in closed]
    return {
        "collection": collection.name,
        "references": len(labelled.references.rows),
        "judged": int((~np.isnan(labelled.ranked.held_out)).sum()),
        "contradicted": len(left),
        "doubted": int((labelled.ranked.doubt[left] > 0.5).sum()),
        "settled": len(set(settled) - set(changed)),
        "changed_since": len(changed),
        "doubts": labelled.records(left[:limit]),
    }


def decisions_of(collection: OpenCollection) -> dict[tuple[str, str], list[DoubtDecision]]:
    """Return what was decided about each document and content, in order."""
    found: dict[tuple[str, str], list[DoubtDecision]] = {}
    for decision in collection.ledger.doubt_decisions(collection.name):
        found.setdefault((decision.document_id, decision.content_hash), []).append(decision)
    return found


def is_settled(
    labelled: LabelledReferences,
    row: int,
    decided: Mapping[tuple[str, str], Sequence[DoubtDecision]],
) -> bool:
    """Whether a person decided for the label that a reference has, knowing all that contradicts it.

    New evidence is a label proposed that nobody had seen at a decision, a later annotation
    with another label, or a near-duplicate with another label than it had then.

    Args:
        labelled: the references.
        row: of the reference.
        decided: by document id and content.

    Returns:
        Whether it is settled.
    """
    stored = labelled.references.rows[row]
    decisions = decided.get((stored["document_id"], stored["content_hash"]), ())
    if not decisions or decisions[-1].stands != stored["label"]:
        return False
    seen = [decision.payload for decision in decisions]
    events = {event for one in seen for event in one["annotations"]}
    proposed = labelled.ranked.proposed[row]
    return (
        all(one.event_id in events for one in labelled.contradicting_annotations(row))
        and (proposed is None or any(proposed in one["labels"] for one in seen))
        and all(
            any(duplicate in one["near_duplicates"] for one in seen)
            for duplicate in labelled.contradicting_duplicates(row)
        )
    )


def _nothing(name: str) -> DoubtReport:
    return {
        "collection": name,
        "references": 0,
        "judged": 0,
        "contradicted": 0,
        "doubted": 0,
        "settled": 0,
        "changed_since": 0,
        "doubts": [],
    }
