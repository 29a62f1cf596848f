"""Transfers the labels and boxes of a document to another one that a person says it moved to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from autolabel_core.documents.current_content import ExistingDocuments
from autolabel_core.foundation.errors import NotFoundError
from autolabel_core.foundation.ids import document_id
from autolabel_core.foundation.json_types import JsonObject
from autolabel_core.ledger.annotations import MOVED_FROM
from autolabel_core.tables.moved_boxes import BoxHistories
from autolabel_core.tables.moved_labels import LabelHistories
from autolabel_core.tables.moves import Place
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
    labels = LabelHistories(collection.ledger.annotations(name))
    boxes = BoxHistories(collection.ledger.box_annotations(name))
    label_history = labels.about(content, document_id(name, old_key))
    box_history = boxes.about(content, document_id(name, old_key))
    if labels.summary(label_history) is None and boxes.summary(box_history) is None:
        raise NotFoundError(
            f"Nobody labelled the content of {key!r} under the key {old_key!r}, or the label was "
            f"withdrawn. `autolabel explain {name} {old_key}` shows its annotations; give a label "
            f"with `autolabel label {name} {key} LABEL`."
        )
    place = Place(document_id(name, key), key)
    signed = [
        replace(event, provenance={**event.provenance, DECIDED_BY: decided_by})
        for event in labels.carried(label_history, place)
    ]
    signed_boxes = [
        replace(event, payload=_signed(event.payload, decided_by))
        for event in boxes.carried(box_history, place)
    ]
    with collection.ledger.together():
        recorded = collection.ledger.append_annotations(signed)
        return recorded + collection.ledger.append_box_annotations(signed_boxes)


def _signed(payload: JsonObject, decided_by: str) -> JsonObject:
    """Add who decided to where a box comes from; everything else in a payload is a field."""
    origin = payload[MOVED_FROM]
    assert isinstance(origin, Mapping)
    return {**payload, MOVED_FROM: {**origin, DECIDED_BY: decided_by}}
