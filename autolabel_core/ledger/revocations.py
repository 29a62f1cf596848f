"""Revocations: events that take other annotations back, as if nobody had ever given them.

A withdrawal is a word of its own: it ends a label and is part of the history. A revocation says
that a word should never have counted; what it had displaced counts again. A reinstatement undoes a
revocation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from autolabel_core.ledger.annotations import Annotation

REVOKE: Final = "revoke"
REINSTATE: Final = "reinstate"
REVOCATIONS: Final = (REVOKE, REINSTATE)
REVOKED_EVENT: Final = "revoked_event_id"
"""Where the provenance of a revocation names the event that it takes back, or gives back."""
REVOCATION_ID: Final = "revocation_id"
"""Where it names the revocation that it is part of."""


def revoked_events(events: Iterable[Annotation]) -> dict[str, Annotation]:
    """Return which events are taken back, and not given back since.

    Args:
        events: annotations of one collection, in the order of the ledger.

    Returns:
        The revocation by the `event_id` of what it takes back.
    """
    revoked: dict[str, Annotation] = {}
    for event in events:
        if event.action == REVOKE:
            revoked[str(event.provenance[REVOKED_EVENT])] = event
        elif event.action == REINSTATE:
            revoked.pop(str(event.provenance[REVOKED_EVENT]), None)
    return revoked


def with_revocations(history: Sequence[Annotation]) -> Iterator[tuple[Annotation, Annotation]]:
    """Yield each event that is taken back, in order, with the revocation that took it."""
    revoked = revoked_events(history)
    for event in history:
        if event.event_id in revoked:
            yield event, revoked[event.event_id]


def in_force(events: Sequence[Annotation]) -> list[Annotation]:
    """Return the labels and withdrawals that count, without what was revoked.

    Args:
        events: annotations of one collection, in the order of the ledger.

    Returns:
        Those that are neither revoked nor revocations, in the same order.
    """
    if all(event.action not in REVOCATIONS for event in events):
        return list(events)
    revoked = revoked_events(events)
    return [e for e in events if e.action not in REVOCATIONS and e.event_id not in revoked]
