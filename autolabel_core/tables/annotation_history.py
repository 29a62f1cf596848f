"""What people said of each content of each document, and what of it another document may take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from autolabel_core.foundation.ids import fingerprint
from autolabel_core.ledger import Annotation
from autolabel_core.ledger.annotations import (
    MOVED,
    MOVED_FROM,
    standing_annotations,
    strongest,
)


@dataclass(frozen=True)
class Place:
    """A document that has a content now."""

    document_id: str
    key: str


@dataclass
class AnnotationHistory:
    """The annotations of one content of one document.

    Attributes:
        events: the annotations, imported ones included, in the order of the ledger.
        last: place of the last one that a person gave; -1 where there is none.
    """

    events: list[Annotation] = field(default_factory=list)
    last: int = -1

    @property
    def standing(self) -> list[Annotation]:
        """What was not withdrawn, imported ones included."""
        contents = {event.document_id: event.content_hash for event in self.events}
        return next(iter(standing_annotations(self.events, contents).values()), [])

    @property
    def given(self) -> list[Annotation]:
        """What people gave and was not withdrawn."""
        return [annotation for annotation in self.standing if not annotation.is_imported]


class HistoriesByContent:
    """Annotations by content and document.

    Args:
        events: annotations of one collection, in the order of the ledger.
    """

    def __init__(self, events: Iterable[Annotation]) -> None:
        self._histories: dict[str, dict[str, AnnotationHistory]] = {}
        self._left: dict[tuple[str, str], int] = {}
        for place, event in enumerate(events):
            documents = self._histories.setdefault(event.content_hash, {})
            history = documents.setdefault(event.document_id, AnnotationHistory())
            history.events.append(event)
            history.last = history.last if event.is_imported else place
            if event.origin == MOVED and event.moved_from:
                self._left[(event.content_hash, event.moved_from["document_id"])] = place

    def about(self, content: str, document: str) -> AnnotationHistory:
        """Return the annotations of a content of a document."""
        return self._histories.get(content, {}).get(document, AnnotationHistory())

    def gone(self, contents: Mapping[str, str | None]) -> dict[str, list[AnnotationHistory]]:
        """Return what people said of contents that their documents have no more.

        Args:
            contents: present content hash of each annotated document that exists; None where it
                cannot be read.

        Returns:
            By content the history of each document, without those that were carried over.
        """
        by_content: dict[str, list[AnnotationHistory]] = {}
        for content, documents in self._histories.items():
            for document, history in documents.items():
                is_gone = contents.get(document, "") not in (content, None)
                if is_gone and history.last >= 0 and not self.has_left(content, document):
                    by_content.setdefault(content, []).append(history)
        return by_content

    def has_left(self, content: str, document: str) -> bool:
        """Whether all that people said of it was carried to another document."""
        history = self.about(content, document)
        return self._left.get((content, document), -1) > history.last

    def takes(self, history: AnnotationHistory, place: Place) -> bool:
        """Whether a document takes the labels of another: nobody labelled it, or long ago."""
        content = history.events[0].content_hash
        own_history = self.about(content, place.document_id)
        is_free = own_history.last < 0 or self.has_left(content, place.document_id)
        return is_free and own_history.last < history.last and bool(self.carried(history, place))

    def carried(self, history: AnnotationHistory, place: Place) -> list[Annotation]:
        """Return the events that say of a document what was said of another with that content.

        Args:
            history: about the document whose content is gone.
            place: where it lies now.

        Returns:
            Labels, and withdrawals of what the new place says otherwise; nothing where it says the
            same, or where the object itself says what held.
        """
        own_history = self.about(history.events[0].content_hash, place.document_id)
        own_is_imported = any(annotation.is_imported for annotation in own_history.standing)
        if own_is_imported and history.standing and strongest(history.standing).is_imported:
            return []
        events: list[Annotation] = []
        before, after = _by_annotator(own_history.given), _by_annotator(history.given)
        spoke = [event for event in history.events if not event.is_imported]
        for last in _last_of_each(spoke):
            old, new = before.get(last.annotator, []), after.get(last.annotator, [])
            if [_content_of(a) for a in old] == [_content_of(a) for a in new]:
                continue
            if {a.source for a in old} - {a.source for a in new}:
                withdrawal = replace(last, label=None, action="withdraw", fields={})
                events.append(_at(place, withdrawal))
            events += [_at(place, annotation) for annotation in new]
        return events


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
