"""Lists what people said of whole documents: every word, and whether it counts now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from autolabel_core.documents.documents import Documents
from autolabel_core.ledger import Annotation
from autolabel_core.ledger.annotations import standing_annotations, strongest
from autolabel_core.ledger.revocations import REVOCATIONS, in_force, revoked_events
from autolabel_core.tables.workspace import OpenCollection

State = Literal["holds", "stands", "replaced", "stale", "revoked"]


class ListedAnnotation(NamedTuple):
    """An annotation and what became of it.

    `holds`: it gives the document its label; `stands`: its annotator's last word, and another one
    holds; `replaced`: a later word of the same annotator, or a withdrawal, has ended it; `stale`:
    the content that it is about is there no more; `revoked`: it was taken back.
    """

    annotation: Annotation
    state: State


def listed_annotations(
    collection: OpenCollection,
    since: str = "",
    label: str | None = None,
    key: str | None = None,
    annotator: str | None = None,
) -> list[ListedAnnotation]:
    """Return labels and withdrawals in the order of the ledger.

    Args:
        collection: opened with its stores; its documents are whole objects.
        since: only those recorded at this moment or later, ISO 8601 in UTC.
        label: only this label.
        key: only of the document with this key.
        annotator: only by this person.

    Returns:
        Each with its state, by the contents that the last sweep saw.
    """
    history = collection.ledger.annotation_history(collection.name)
    with Documents(collection, clusters=False).connect() as connection:
        rows = connection.execute("SELECT document_id, content_hash FROM documents").fetchall()
    states = _states(history, dict(rows))
    return [
        ListedAnnotation(event, states[event.event_id])
        for event in history
        if event.action not in REVOCATIONS
        and event.recorded_at >= since
        and label in (None, event.label)
        and key in (None, event.key)
        and annotator in (None, event.annotator)
    ]


def _states(history: list[Annotation], contents: Mapping[str, str]) -> dict[str, State]:
    states: dict[str, State] = {event.event_id: "replaced" for event in history}
    counting = in_force(history)
    for event in counting:
        if contents.get(event.document_id) != event.content_hash:
            states[event.event_id] = "stale"
    for standing in standing_annotations(counting, contents).values():
        states |= {event.event_id: "stands" for event in standing}
        states[strongest(standing).event_id] = "holds"
    return states | dict.fromkeys(revoked_events(history), "revoked")
