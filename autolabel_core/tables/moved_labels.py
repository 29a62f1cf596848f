"""Labels of renamed or moved files, as events about the key where the same content lies now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from autolabel_core.foundation.ids import fingerprint
from autolabel_core.ledger import Annotation
from autolabel_core.ledger.annotations import (
    MOVED,
    MOVED_FROM,
    standing_annotations,
    strongest,
)
from autolabel_core.tables.moves import Histories, History, Place


class LabelHistories(Histories[Annotation]):
    """Labels by content and document; what an object carries itself goes with the object."""

    def carried(self, history: History[Annotation], place: Place) -> list[Annotation]:
        """Return labels and withdrawals; nothing where the object itself says what held."""
        own_standing = _standing(self.about(history.content, place.document_id))
        own_is_imported = any(annotation.is_imported for annotation in own_standing)
        standing = _standing(history)
        if own_is_imported and standing and strongest(standing).is_imported:
            return []
        events: list[Annotation] = []
        before, after = _by_annotator(_given(own_standing)), _by_annotator(_given(standing))
        for last in _last_of_each(_given(history.events)):
            old, new = before.get(last.annotator, []), after.get(last.annotator, [])
            if [_content_of(a) for a in old] == [_content_of(a) for a in new]:
                continue
            if {a.source for a in old} - {a.source for a in new}:
                withdrawal = replace(last, label=None, action="withdraw", fields={})
                events.append(_at(place, withdrawal))
            events += [_at(place, annotation) for annotation in new]
        return events

    def given(self, history: History[Annotation]) -> list[Annotation]:
        """Return what people gave and was not withdrawn."""
        return _given(_standing(history))

    def summary(self, history: History[Annotation]) -> tuple[object, str] | None:
        """Return the label that holds."""
        given = self.given(history)
        label = strongest(given).label if given else None
        return None if label is None else (label, label)


def _standing(history: History[Annotation]) -> list[Annotation]:
    """Return what was not withdrawn, imported ones included."""
    contents = {event.document_id: event.content_hash for event in history.events}
    return next(iter(standing_annotations(history.events, contents).values()), [])


def _given(annotations: Iterable[Annotation]) -> list[Annotation]:
    return [annotation for annotation in annotations if not annotation.is_imported]


def _by_annotator(annotations: Iterable[Annotation]) -> dict[str, list[Annotation]]:
    by_annotator: dict[str, list[Annotation]] = {}
    for annotation in annotations:
        by_annotator.setdefault(annotation.annotator, []).append(annotation)
    return by_annotator


def _last_of_each(events: Iterable[Annotation]) -> list[Annotation]:
    """Return the last event of each person, in the order of those events."""
    last: dict[str, Annotation] = {}
    for event in events:
        last.pop(event.annotator, None)
        last[event.annotator] = event
    return list(last.values())


def _content_of(annotation: Annotation) -> tuple[object, ...]:
    return (annotation.source, annotation.label, dict(annotation.fields))


def _at(place: Place, event: Annotation) -> Annotation:
    origin = {
        name: getattr(event, name) for name in ("document_id", "key", "event_id", "recorded_at")
    }
    about = (event.collection, place.document_id, event.content_hash)
    return replace(
        event,
        document_id=place.document_id,
        key=place.key,
        origin=MOVED,
        provenance={**event.provenance, MOVED_FROM: origin},
        recorded_at="",
        event_id=fingerprint(MOVED, *about, event.event_id, event.action),
    )
