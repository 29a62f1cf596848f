"""Annotations: the labels that people gave to documents, and which of them are current."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypedDict, cast

from autolabel_core.foundation.json_types import JsonObject, Scalar

METADATA: Final = "metadata"
FILENAME: Final = "filename"
IMPORTED: Final = (METADATA, FILENAME)
"""Origins, and annotators, of labels that the objects themselves carry."""
MOVED: Final = "moved"
"""Origin of words that were carried over because their object was renamed or moved."""
MOVED_FROM: Final = "moved_from"
"""Where the provenance of such a word says which document, key and event it comes from."""

SOURCE_EVENT: Final = "source_event_id"
"""Where the provenance of a promotion names the label of the reference that it rests on."""


class MovedFrom(TypedDict):
    """The annotation that was carried over, and the document it was given to."""

    document_id: str
    key: str
    event_id: str
    recorded_at: str


@dataclass(frozen=True)
class Annotation:
    """One event: a label given to, or withdrawn from, a document whose content was judged.

    `content_hash` is the content that was judged; another content makes the annotation stale.
    `annotator` said it, by way of `origin` (cli, csv, metadata, audit, promotion, moved), and
    may have said the `reason`. The `action` `withdraw` ends the labels that the same `annotator`
    gave before, and imported ones; `revoke` and `reinstate` are about another event, which their
    `provenance` names (see `revocations`). The `source` is `human`, or `promoted`: a machine's
    label that a person confirmed in review, whose `provenance` is kept. `fields` are further ones
    given with the label, such as `employee_id`. An event whose `event_id` the ledger knows is not
    appended again; an empty `recorded_at` becomes now.
    """

    collection: str
    document_id: str
    key: str
    label: str | None
    content_hash: str
    annotator: str
    origin: str
    action: Literal["label", "withdraw", "revoke", "reinstate"] = "label"
    source: Literal["human", "promoted"] = "human"
    fields: Mapping[str, Scalar] = field(default_factory=dict)
    reason: str | None = None
    provenance: JsonObject = field(default_factory=dict)
    recorded_at: str = ""
    event_id: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def moved_from(self) -> MovedFrom | None:
        """Where it was carried over from; None where it was given to this very document."""
        return cast("MovedFrom | None", self.provenance.get(MOVED_FROM))

    @property
    def is_imported(self) -> bool:
        """Whether the object itself carries it, in its metadata or its name."""
        return self.origin in IMPORTED


def effective_annotations(
    events: Iterable[Annotation], content_hashes: Mapping[str, str]
) -> dict[str, Annotation]:
    """Return the annotation that holds for each document now.

    Of those that stand, human beats promoted, then the latest wins.

    Args:
        events: annotations of one collection, in the order of the ledger.
        content_hashes: present content hash of each document that exists.

    Returns:
        The holding annotation by document id; documents without one are absent.
    """
    standing = standing_annotations(events, content_hashes)
    return {document: strongest(annotations) for document, annotations in standing.items()}


def standing_annotations(
    events: Iterable[Annotation], content_hashes: Mapping[str, str]
) -> dict[str, list[Annotation]]:
    """Return everybody's last word about each document, as far as it was not withdrawn.

    Only events about the document's present content count. A withdrawal ends what the same person
    gave before it, and what was imported before it; what others gave stands.

    Args:
        events: annotations of one collection, in the order of the ledger.
        content_hashes: present content hash of each document that exists.

    Returns:
        By document id the last label of each person and source, in the order of the ledger;
        documents without one are absent.
    """
    standing: dict[str, dict[tuple[str, str, bool], Annotation]] = {}
    for event in events:
        if content_hashes.get(event.document_id) != event.content_hash:
            continue
        words = standing.setdefault(event.document_id, {})
        if event.action == "withdraw":
            for voice in [v for v in words if v[0] == event.annotator or v[2]]:
                del words[voice]
        else:
            voice = (event.annotator, event.source, event.is_imported)
            words.pop(voice, None)
            words[voice] = event
    return {document: list(words.values()) for document, words in standing.items() if words}


def strongest(annotations: Sequence[Annotation]) -> Annotation:
    """Return which of one document's standing annotations holds: human beats promoted, then latest.

    Args:
        annotations: at least one, in the order of the ledger.

    Returns:
        One of them.
    """
    humans = [annotation for annotation in annotations if annotation.source == "human"]
    return (humans or annotations)[-1]


def stale_annotations(
    events: Iterable[Annotation], content_hashes: Mapping[str, str]
) -> dict[str, Annotation]:
    """Return the last label of each document that was given to a content which is there no more.

    Args:
        events: annotations of one collection, in the order of the ledger.
        content_hashes: present content hash of each document that exists.

    Returns:
        The stale annotation by document id; a document with a holding annotation is absent.
    """
    events = list(events)
    holding = effective_annotations(events, content_hashes)
    judged = {event.document_id: event.content_hash for event in events}
    gone = {
        document: content
        for document, content in judged.items()
        if document not in holding and content_hashes.get(document) != content
    }
    return effective_annotations(events, gone)
