"""Finds documents whose content lies under another key now, and what people said of them there.

An annotation is about a content. Where that content is gone from the document that was annotated
and lies under another key, what people said goes with it, as events of the ledger. Where two
documents could take it, or one could take two that differ, a person is asked.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Generic, Protocol, TypedDict, TypeVar

import pyarrow as pa

from autolabel_core.ledger.annotations import MOVED, MovedFrom


class MovableEvent(Protocol):
    """An event about the content of a document."""

    @property
    def document_id(self) -> str:
        """The document."""

    @property
    def key(self) -> str:
        """Its key."""

    @property
    def content_hash(self) -> str:
        """The content that was judged."""

    @property
    def origin(self) -> str:
        """How the event came to the ledger."""

    @property
    def is_imported(self) -> bool:
        """Whether the object itself carries it."""

    @property
    def moved_from(self) -> MovedFrom | None:
        """Where it was carried over from."""


EventT = TypeVar("EventT", bound=MovableEvent)


class UnclearMove(TypedDict):
    """Annotations by old key whose content lies under these keys now: a person has to say which."""

    labels: dict[str, str]
    keys: list[str]
    text: str


@dataclass(frozen=True)
class Place:
    """A document that has a content now."""

    document_id: str
    key: str


@dataclass(frozen=True)
class Claim:
    """Annotations that cannot be carried over without asking.

    Attributes:
        labels: what held, in words, by the key that is gone.
        keys: where the content lies now.
    """

    labels: Mapping[str, str]
    keys: tuple[str, ...]

    def as_json(self) -> UnclearMove:
        """Return what `status` shows."""
        return {"labels": dict(self.labels), "keys": list(self.keys), "text": str(self)}

    def __str__(self) -> str:
        """What is not known, as a sentence."""
        gone = ", ".join(f"{label!r} of {key!r}" for key, label in self.labels.items())
        return f"{gone}, for {', '.join(map(repr, self.keys))}"


@dataclass(frozen=True)
class Moves(Generic[EventT]):
    """What moved: events to be recorded, and what a person has to decide."""

    carried: list[EventT] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)


@dataclass
class History(Generic[EventT]):
    """The events about one content of one document.

    Attributes:
        content: hash of the content.
        events: imported ones included, in the order of the ledger; none where nobody spoke of it.
        last: place of the last one that a person gave; -1 where there is none.
    """

    content: str
    events: list[EventT] = field(default_factory=list)
    last: int = -1

    @property
    def key(self) -> str:
        """The key of the document, as of the first event."""
        return self.events[0].key


class Histories(ABC, Generic[EventT]):
    """Events by content and document.

    Args:
        events: of one collection, in the order of the ledger.
    """

    def __init__(self, events: Iterable[EventT]) -> None:
        self._histories: dict[str, dict[str, History[EventT]]] = {}
        self._left: dict[tuple[str, str], int] = {}
        for place, event in enumerate(events):
            documents = self._histories.setdefault(event.content_hash, {})
            history = documents.setdefault(event.document_id, History(event.content_hash))
            history.events.append(event)
            history.last = history.last if event.is_imported else place
            if event.origin == MOVED and event.moved_from:
                self._left[(event.content_hash, event.moved_from["document_id"])] = place

    @abstractmethod
    def carried(self, history: History[EventT], place: Place) -> list[EventT]:
        """Return the events that say of a document what was said of another with that content.

        Args:
            history: about the document whose content is gone.
            place: where it lies now.

        Returns:
            What stands, and withdrawals of what the new place says otherwise; nothing where it
            says the same.
        """

    @abstractmethod
    def summary(self, history: History[EventT]) -> tuple[object, str] | None:
        """Return what people said, to be compared, and in words; None where nothing stands."""

    def about(self, content: str, document: str) -> History[EventT]:
        """Return the events about a content of a document."""
        return self._histories.get(content, {}).get(document, History(content))

    @property
    def documents(self) -> set[str]:
        """Ids of all documents that there are events about."""
        return {document for documents in self._histories.values() for document in documents}

    def gone(self, contents: Mapping[str, str | None]) -> dict[str, list[History[EventT]]]:
        """Return what people said of contents that their documents have no more.

        Args:
            contents: present content hash of each annotated document that exists; None where it
                cannot be read.

        Returns:
            By content the history of each document, without those that were carried over.
        """
        by_content: dict[str, list[History[EventT]]] = {}
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

    def takes(self, history: History[EventT], place: Place) -> bool:
        """Whether a document takes the words about another: nobody annotated it, or long ago."""
        own_history = self.about(history.content, place.document_id)
        is_free = own_history.last < 0 or self.has_left(history.content, place.document_id)
        return is_free and own_history.last < history.last and bool(self.carried(history, place))

    def moves(
        self, contents: Mapping[str, str | None], places: Mapping[str, Sequence[Place]]
    ) -> Moves[EventT]:
        """Return what is to be carried over, and what has to be asked.

        Args:
            contents: present content hash of each annotated document that exists; None where it
                cannot be read.
            places: documents by the content that they have now, ascending by key.

        Returns:
            Both; nothing where every annotation is where its content lies.
        """
        moves = Moves[EventT]()
        for content, gone in self.gone(contents).items():
            free = [
                place
                for place in places.get(content, ())
                if any(self.takes(history, place) for history in gone)
            ]
            sources = [h for h in gone if any(self.takes(h, place) for place in free)]
            pairs = self._pairs(sources, free)
            for history, place in pairs or ():
                moves.carried.extend(self.carried(history, place))
            if pairs is None:
                shown = {h.key: found[1] for h in sources if (found := self.summary(h))}
                moves.claims.append(Claim(shown, tuple(place.key for place in free)))
        return moves

    def _pairs(
        self, sources: list[History[EventT]], places: list[Place]
    ) -> list[tuple[History[EventT], Place]] | None:
        """Return which place takes which history; None where a person has to say."""
        if not sources:
            return []
        by_name = {PurePosixPath(history.key).name: history for history in sources}
        names = [PurePosixPath(place.key).name for place in places]
        summaries = [self.summary(history) for history in sources]
        is_one = all(summary == summaries[0] for summary in summaries)
        if is_one and len(sources) >= len(places):
            last = len(places) - 1
            return [(history, places[min(i, last)]) for i, history in enumerate(sources)]
        if len(by_name) == len(sources) and sorted(by_name) == sorted(names):
            return [(by_name[name], place) for name, place in zip(names, places, strict=True)]
        return None


def moves_of(histories: Histories[EventT], objects: Sequence[pa.Table]) -> Moves[EventT]:
    """Return what moved, from the ledger and what lies in the buckets; see `Histories.moves`.

    Args:
        histories: what people said of one collection.
        objects: tables with document_id, key and content_hash of all that exists.

    Returns:
        What is to be carried over, and what has to be asked.
    """
    import pyarrow.compute as pc

    annotated = pa.array(sorted(histories.documents), pa.string())
    contents: dict[str, str | None] = {}
    for table in objects:
        kept = table.filter(pc.is_in(table["document_id"], value_set=annotated)).to_pylist()
        contents |= {row["document_id"]: row["content_hash"] for row in kept}
    gone = pa.array(sorted(histories.gone(contents)), pa.string())
    places: dict[str, list[Place]] = {}
    for table in objects if len(gone) else ():
        for row in table.filter(pc.is_in(table["content_hash"], value_set=gone)).to_pylist():
            place = Place(row["document_id"], row["key"])
            places.setdefault(row["content_hash"], []).append(place)
    for candidates in places.values():
        candidates.sort(key=lambda place: place.key)
    return histories.moves(contents, places)
