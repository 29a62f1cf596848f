"""Transfers labels of renamed or moved files to the key where the same content lies now.

A label is about a content. Where that content is gone from the document that was labelled and lies
under another key, what people said goes with it, as events of the ledger. Where two documents could
take a label, or one could take two that differ, a person is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TypedDict

import pyarrow as pa

from autolabel_core.ledger import Annotation
from autolabel_core.ledger.annotations import strongest
from autolabel_core.tables.annotation_history import AnnotationHistory, HistoriesByContent, Place


class UnclearMove(TypedDict):
    """Labels by old key whose content lies under these keys now: a person has to say which."""

    labels: dict[str, str | None]
    keys: list[str]
    text: str


class PeoplesWords(TypedDict):
    """How many documents people disagree about, and moves that they have to decide."""

    disagreements: int
    unclear_moves: list[UnclearMove]


@dataclass(frozen=True)
class Claim:
    """Labels that cannot be carried over without asking.

    Attributes:
        labels: the label that held, by the key that is gone.
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
class Moves:
    """What moved: events to be recorded, and what a person has to decide."""

    carried: list[Annotation] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)


def moves_of(events: Sequence[Annotation], objects: Sequence[pa.Table]) -> Moves:
    """Return what moved, from the ledger and what lies in the buckets; see `find_moves`.

    Args:
        events: annotations of one collection, in the order of the ledger.
        objects: tables with document_id, key and content_hash of all that exists.

    Returns:
        What is to be carried over, and what has to be asked.
    """
    import pyarrow.compute as pc

    annotated = pa.array(sorted({event.document_id for event in events}), pa.string())
    contents: dict[str, str | None] = {}
    for table in objects:
        kept = table.filter(pc.is_in(table["document_id"], value_set=annotated)).to_pylist()
        contents |= {row["document_id"]: row["content_hash"] for row in kept}
    gone = pa.array(sorted(HistoriesByContent(events).gone(contents)), pa.string())
    places: dict[str, list[Place]] = {}
    for table in objects if len(gone) else ():
        for row in table.filter(pc.is_in(table["content_hash"], value_set=gone)).to_pylist():
            place = Place(row["document_id"], row["key"])
            places.setdefault(row["content_hash"], []).append(place)
    for candidates in places.values():
        candidates.sort(key=lambda place: place.key)
    return find_moves(events, contents, places)


def find_moves(
    events: Iterable[Annotation],
    contents: Mapping[str, str | None],
    places: Mapping[str, Sequence[Place]],
) -> Moves:
    """Return what is to be carried over, and what has to be asked.

    Args:
        events: annotations of one collection, in the order of the ledger.
        contents: present content hash of each annotated document that exists; None where it cannot
            be read.
        places: documents by the content that they have now, ascending by key.

    Returns:
        Both; nothing where every label is where its content lies.
    """
    histories = HistoriesByContent(events)
    moves = Moves()
    for content, gone in histories.gone(contents).items():
        free = [
            place
            for place in places.get(content, ())
            if any(histories.takes(history, place) for history in gone)
        ]
        sources = [w for w in gone if any(histories.takes(w, place) for place in free)]
        pairs = _pairs(sources, free)
        for history, place in pairs or ():
            moves.carried.extend(histories.carried(history, place))
        if pairs is None:
            shown = {w.events[0].key: label for w in sources if (label := _current_label(w))}
            moves.claims.append(Claim(shown, tuple(place.key for place in free)))
    return moves


def _pairs(
    sources: list[AnnotationHistory], places: list[Place]
) -> list[tuple[AnnotationHistory, Place]] | None:
    """Return which place takes which history; None where a person has to say."""
    if not sources:
        return []
    by_name = {PurePosixPath(history.events[0].key).name: history for history in sources}
    names = [PurePosixPath(place.key).name for place in places]
    if len({_current_label(history) for history in sources}) == 1 and len(sources) >= len(places):
        last = len(places) - 1
        return [(history, places[min(i, last)]) for i, history in enumerate(sources)]
    if len(by_name) == len(sources) and sorted(by_name) == sorted(names):
        return [(by_name[name], place) for name, place in zip(names, places, strict=True)]
    return None


def _current_label(history: AnnotationHistory) -> str | None:
    return strongest(history.given).label if history.given else None
