"""The outbox: events for endpoints, recorded in the transaction that records the fact itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypedDict

from sqlalchemy import Connection

from autolabel_core.foundation.ids import fingerprint
from autolabel_core.foundation.json_types import JsonObject
from autolabel_core.ledger.rows import NewRow, Rows, append, last_id, unknown
from autolabel_core.ledger.schema import EVENTS

OBJECT_FIELDS = ("collection", "document_id", "key", "batch", "version")
ANNOTATION_FIELDS = (
    "collection",
    "document_id",
    "key",
    "action",
    "label",
    "fields",
    "content_hash",
    "source",
    "annotator",
    "origin",
    "reason",
)
BOX_FIELDS = (
    "collection",
    "annotation_id",
    "action",
    "image_id",
    "image_key",
    "content_hash",
    "detection_id",
    "label",
    "predicted_class",
    "true_class",
    "xyxy_px",
    "predicted_xyxy_px",
    "image_width_px",
    "image_height_px",
    "confidence",
    "reasoning",
    "annotator",
    "origin",
    "retriever_id",
    "execution_id",
)
FIELDS_OF = {"annotation": ANNOTATION_FIELDS, "box_annotation": BOX_FIELDS}


class EventRow(TypedDict):
    """The columns of an event."""

    event_id: str
    event_type: str
    collection: str
    subject: str
    payload: JsonObject
    recorded_at: str


@dataclass(frozen=True)
class Event:
    """Something that others may want to know.

    Events of one `subject` (a document id, a batch, an alert's name) are told in their order.
    The `event_id` follows from the fact, so that the same fact is never two events. `id` is the
    place in the ledger's order, 0 before the event is recorded; an empty `recorded_at` becomes now.
    """

    event_id: str
    event_type: str
    collection: str
    subject: str
    payload: JsonObject = field(default_factory=dict)
    recorded_at: str = ""
    id: int = 0


class EventRows(Rows):
    """Events in the ledger."""

    def append_events(self, events: Sequence[Event]) -> int:
        """Append derived facts (`batch.completed`, …) whose `event_id` is not known yet.

        Args:
            events: what happened, in order.

        Returns:
            How many were appended.
        """
        with self._database.writing() as connection:
            return append_events(connection, events, self._now())

    def events_after(self, id_: int, limit: int = 1000) -> list[Event]:
        """Return the events with a greater id, in order, at most `limit`; none is ever skipped."""
        return self._listed(Event, EVENTS, {}, after=id_, limit=limit)

    def event(self, event_id: str) -> Event | None:
        """Return the event of that `event_id`, if there is one."""
        return next(iter(self._listed(Event, EVENTS, {"event_id": event_id})), None)

    def last_event(self, collection: str, event_type: str) -> Event | None:
        """Return the last event of a type in a collection, if there is one."""
        wanted = {"collection": collection, "event_type": event_type}
        found = self._listed(Event, EVENTS, wanted)
        return found[-1] if found else None

    def last_event_id(self) -> int:
        """Return the greatest id of all events, 0 before the first."""
        with self._database.reading() as connection:
            return last_id(connection, EVENTS)


def append_events(connection: Connection, events: Sequence[Event], at: str) -> int:
    """Append events within a transaction; those that are known are left out.

    Args:
        connection: a transaction that writes.
        events: what happened, in order.
        at: the present moment.

    Returns:
        How many were appended.
    """
    given = [_row(replace(event, recorded_at=event.recorded_at or at)) for event in events]
    rows = unknown(connection, EVENTS.c.event_id, given)
    append(connection, EVENTS, rows)
    return len(rows)


def append_new_events(connection: Connection, events: Sequence[EventRow]) -> None:
    """Append the rows of events whose facts are new in this transaction."""
    append(connection, EVENTS, events)


def event_id(*fact: object) -> str:
    """Return the id of the event of a fact: equal facts have equal ids."""
    return f"evt_{fingerprint(*fact)}"


def collection_event(collection: str, at: str) -> EventRow:
    """Return the row of `collection.created`."""
    return {
        "event_id": event_id("collection.created", collection, at),
        "event_type": "collection.created",
        "collection": collection,
        "subject": collection,
        "payload": {"collection": collection},
        "recorded_at": at,
    }


def arrival_event(arrival_id: int, arrival: NewRow) -> EventRow:
    """Return the row of `object.created`, `object.updated` or `object.deleted`."""
    fact = (arrival["document_id"], arrival["version"], arrival["recorded_at"])
    return {
        "event_id": event_id("arrival", arrival_id, *fact),
        "event_type": f"object.{arrival['event']}",
        "collection": arrival["collection"],
        "subject": arrival["document_id"],
        "payload": {name: arrival[name] for name in OBJECT_FIELDS},
        "recorded_at": arrival["recorded_at"],
    }


def annotation_event(annotation: NewRow, annotated: set[tuple[str, str]]) -> EventRow:
    """Return the row of `annotation.created` or, for one that has been annotated, `.updated`.

    Args:
        annotation: the row of the annotation.
        annotated: collections and documents with an annotation; this one's is added.

    Returns:
        The row of the event.
    """
    return _event_of_annotation("annotation", annotation, annotated, "document_id", "document_id")


def box_annotation_event(annotation: NewRow, known: set[tuple[str, str]]) -> EventRow:
    """Return the row of `annotation.created` or, for one that is known already, `.updated`.

    Args:
        annotation: the row of the box annotation.
        known: collections and annotation ids that were recorded; this one's is added.

    Returns:
        The row of the event; its subject is the image.
    """
    return _event_of_annotation("box_annotation", annotation, known, "annotation_id", "image_id")


def _event_of_annotation(
    noun: str, row: NewRow, known: set[tuple[str, str]], identity: str, subject: str
) -> EventRow:
    """Return the event of what a person said; the first of an identity is `created`."""
    about = (row["collection"], row[identity])
    kind = "updated" if about in known else "created"
    known.add(about)
    return {
        "event_id": event_id(noun, row["event_id"], row["recorded_at"]),
        "event_type": f"annotation.{kind}",
        "collection": row["collection"],
        "subject": row[subject],
        "payload": {name: row[name] for name in FIELDS_OF[noun]},
        "recorded_at": row["recorded_at"],
    }


def _row(event: Event) -> EventRow:
    return {
        "event_id": event.event_id,
        "event_type": event.event_type,
        "collection": event.collection,
        "subject": event.subject,
        "payload": event.payload,
        "recorded_at": event.recorded_at,
    }
