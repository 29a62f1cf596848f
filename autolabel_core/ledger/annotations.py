"""What people said about documents, and which of it holds now."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Annotation:
    """One event: a label given to, or withdrawn from, a document whose content was judged.

    `content_hash` is the content that was judged; another content makes the annotation stale.
    `annotator` said it through the door `origin` (cli, csv, metadata, audit, promotion), and may
    have said the `reason`. The `action` `withdraw` ends all labels given before. The `source` is
    `human`, or `promoted`: a machine's label that a person confirmed in review, whose `provenance`
    is kept. `fields` are further ones given with the label, such as `employee_id`. An event whose
    `event_id` the ledger knows is not appended again; an empty `recorded_at` becomes now.
    """

    collection: str
    document_id: str
    key: str
    label: str | None
    content_hash: str
    annotator: str
    origin: str
    action: Literal["label", "withdraw"] = "label"
    source: Literal["human", "promoted"] = "human"
    fields: Mapping[str, str] = field(default_factory=dict)
    reason: str | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    recorded_at: str = ""
    event_id: str = field(default_factory=lambda: uuid.uuid4().hex)


def effective_annotations(
    events: Iterable[Annotation], content_hashes: Mapping[str, str]
) -> dict[str, Annotation]:
    """Return the annotation that holds for each document now.

    Only events about the document's present content count. A withdrawal ends what came before
    it; among the rest human beats promoted, then the latest wins.

    Args:
        events: annotations of one collection, in the order of the ledger.
        content_hashes: present content hash of each document that exists.

    Returns:
        The holding annotation by document id; documents without one are absent.
    """
    holding: dict[str, Annotation] = {}
    for event in events:
        if content_hashes.get(event.document_id) != event.content_hash:
            continue
        if event.action == "withdraw":
            holding.pop(event.document_id, None)
            continue
        before = holding.get(event.document_id)
        if before is None or before.source == "promoted" or event.source == "human":
            holding[event.document_id] = event
    return holding


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
    last = {event.document_id: event for event in events}
    return {
        document: event
        for document, event in last.items()
        if event.action == "label"
        and document not in holding
        and content_hashes.get(document) != event.content_hash
    }
