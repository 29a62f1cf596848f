"""Annotations of boxes on renamed or moved images, as events about the key where they lie now.

An annotation keeps its id, so that it is one annotation wherever its image lies. A detection that
it judges is named by the image and a number; the same detector numbers the same content alike.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Literal

from autolabel_core.foundation.ids import fingerprint, object_of
from autolabel_core.ledger import BoxAnnotation
from autolabel_core.ledger.annotations import MOVED, MOVED_FROM
from autolabel_core.tables.moves import Histories, History, Place

OF_THE_PLACE = frozenset(
    {"image_id", "image_key", "detection_id", "origin", "payload", "recorded_at", "event_id"}
)
"""What an event says of where and how it was recorded, beside the payload."""


class BoxHistories(Histories[BoxAnnotation]):
    """Annotations of boxes by content and image."""

    def carried(self, history: History[BoxAnnotation], place: Place) -> list[BoxAnnotation]:
        """Return each annotation that the new place lacks or has otherwise."""
        known = _latest(self.about(history.content, place.document_id))
        events: list[BoxAnnotation] = []
        for annotation_id, event in _latest(history).items():
            own = known.get(annotation_id)
            if own is None and event.action == "withdraw":
                continue
            if own is None or _content_of(own) != _content_of(event):
                events.append(_at(place, event, 0 if own is None else self._returns(own)))
        return events

    def _returns(self, own: BoxAnnotation) -> int:
        """How many events the place has of that annotation: one that comes back is another one."""
        events = self.about(own.content_hash, own.image_id).events
        return sum(event.annotation_id == own.annotation_id for event in events)

    def summary(self, history: History[BoxAnnotation]) -> tuple[object, str] | None:
        """Return everything that stands, and how many of each label."""
        standing = [e for e in _latest(history).values() if e.action == "annotate"]
        counts = Counter(event.label for event in standing)
        words = ", ".join(f"{n} {label}" for label, n in sorted(counts.items()))
        content = sorted(repr(sorted(_content_of(e, "annotation_id").items())) for e in standing)
        return (content, words) if standing else None


def _latest(history: History[BoxAnnotation]) -> dict[str, BoxAnnotation]:
    latest: dict[str, BoxAnnotation] = {}
    for event in history.events:
        latest.pop(event.annotation_id, None)
        latest[event.annotation_id] = event
    return latest


def _content_of(
    event: BoxAnnotation, without: Literal["annotation_id", ""] = ""
) -> dict[str, object]:
    said = {k: v for k, v in vars(event).items() if k not in OF_THE_PLACE and k != without}
    number = (event.detection_id or "").removeprefix(event.image_id)
    return {**said, "number": number, "payload": event.own_payload}


def _at(place: Place, event: BoxAnnotation, returns: int) -> BoxAnnotation:
    origin = {
        "document_id": event.image_id,
        "key": event.image_key,
        "event_id": event.event_id,
        "recorded_at": event.given_at,
    }
    detection = event.detection_id
    if detection is not None and object_of(detection) == event.image_id:
        detection = place.document_id + detection.removeprefix(event.image_id)
    about = (event.collection, place.document_id, event.content_hash, returns)
    return replace(
        event,
        image_id=place.document_id,
        image_key=place.key,
        detection_id=detection,
        origin=MOVED,
        payload={**event.payload, MOVED_FROM: origin},
        recorded_at="",
        event_id=fingerprint(MOVED, *about, event.event_id, event.action),
    )
