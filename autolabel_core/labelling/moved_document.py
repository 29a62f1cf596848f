"""Transfers the labels of a document to another one that a person says it moved to."""

from __future__ import annotations

from dataclasses import replace

from autolabel_core.documents.current_content import ExistingDocuments
from autolabel_core.foundation.errors import NotFoundError
from autolabel_core.foundation.ids import document_id
from autolabel_core.tables.annotation_history import HistoriesByContent, Place
from autolabel_core.tables.workspace import OpenCollection

DECIDED_BY = "decided_by"


def carry_over(collection: OpenCollection, key: str, old_key: str, decided_by: str) -> int:
    """Record of one document what people said of another while it had the same content.

    Args:
        collection: opened with its stores.
        key: where the content lies now.
        old_key: where it lay when it was labelled.
        decided_by: who says that it moved.

    Returns:
        How many events were recorded; none where the document says the same already.

    Raises:
        NotFoundError: there is no such object, or nobody labelled its content under that key.
    """
    name = collection.name
    existing = ExistingDocuments(collection)
    content = existing.content_hashes([key]).get(key)
    if content is None:
        raise NotFoundError(f"No object with the key {key!r} in `{name}`. {existing.near(key)}")
    histories = HistoriesByContent(collection.ledger.annotations(name))
    history = histories.about(content, document_id(name, old_key))
    if not history.given:
        raise NotFoundError(
            f"Nobody labelled the content of {key!r} under the key {old_key!r}, or the label was "
            f"withdrawn. `autolabel explain {name} {old_key}` shows its annotations; give a label "
            f"with `autolabel label {name} {key} LABEL`."
        )
    events = histories.carried(history, Place(document_id(name, key), key))
    signed = [
        replace(event, provenance={**event.provenance, DECIDED_BY: decided_by}) for event in events
    ]
    return collection.ledger.append_annotations(signed)
