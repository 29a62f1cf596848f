"""Descendants: the annotations that were given because of others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autolabel_core.ledger import Annotation, effective_annotations
from autolabel_core.ledger.annotations import SOURCE_EVENT
from autolabel_core.ledger.revocations import REVOCATIONS, in_force


def descendants_of(history: Sequence[Annotation], event_ids: set[str]) -> list[Annotation]:
    """Return the annotations that rest on others: promotions by them, and copies that moved.

    Args:
        history: everything recorded of a collection, in order.
        event_ids: of the others.

    Returns:
        Those that count, in order; the others themselves are not among them.
    """
    counting = {event.event_id for event in in_force(history)}
    return [event for event in resting_on(history, event_ids) if event.event_id in counting]


def resting_on(history: Sequence[Annotation], event_ids: set[str]) -> list[Annotation]:
    """Return the annotations that rest on others, revoked or not, directly or through others.

    Args:
        history: everything recorded of a collection, in order.
        event_ids: of the others.

    Returns:
        The annotations, in order; the others themselves are not among them.
    """
    taken, found = set(event_ids), list[Annotation]()
    for event, parents in _with_parents(history):
        if not taken.isdisjoint(parents) and event.event_id not in taken:
            taken.add(event.event_id)
            found.append(event)
    return found


def _with_parents(history: Sequence[Annotation]) -> Iterator[tuple[Annotation, set[str]]]:
    """Yield each annotation, and the ids of those that it rests on."""
    before: dict[str, list[Annotation]] = {}
    for event in history:
        parents: set[str] = set()
        if event.moved_from is not None:
            parents.add(event.moved_from["event_id"])
        elif event.source == "promoted" and event.action not in REVOCATIONS:
            parents |= _evidence_of(event, before)
        if event.action not in REVOCATIONS:
            yield event, parents
        before.setdefault(event.document_id, []).append(event)


def _evidence_of(event: Annotation, before: dict[str, list[Annotation]]) -> set[str]:
    """Return the label that a promotion was confirmed by; older ones name its document alone."""
    named = event.provenance.get(SOURCE_EVENT)
    if named is not None:
        return {str(named)}
    document = str(event.provenance.get("source_document_id"))
    earlier = before.get(document, [])
    held = effective_annotations(
        in_force(earlier), {d.document_id: d.content_hash for d in earlier}
    )
    return {held[document].event_id} if document in held else set()
