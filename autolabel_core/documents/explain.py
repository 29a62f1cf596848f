"""Where a label comes from: from the auto-label to the reference, to the person behind it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from autolabel_core.declarations.conditions import parse
from autolabel_core.documents.current_content import ExistingDocuments
from autolabel_core.documents.documents import Documents
from autolabel_core.foundation.errors import NotFoundError, UnreadableItemError
from autolabel_core.foundation.ids import object_of
from autolabel_core.ledger import Annotation
from autolabel_core.tables.reference_set import ReferenceSet
from autolabel_core.tables.workspace import OpenCollection

MAX_STEPS = 10


def explain(collection: OpenCollection, key: str) -> dict[str, Any]:
    """Trace the label of a document.

    Args:
        collection: opened with its stores.
        key: the document's key.

    Returns:
        `document` (the record, or None before the first sweep), `annotations` (all of them, oldest
        first, each with `stale` where it was about another content) and `because`: for an
        auto-label or a promotion the explanation of the document that it came from, else None.

    Raises:
        NotFoundError: there is no such document.
    """
    traced = _explain(collection, key, MAX_STEPS)
    if traced is None:
        near = ExistingDocuments(collection).near(key)
        raise NotFoundError(f"No object with the key {key!r} in `{collection.name}`. {near}")
    return traced


def _explain(collection: OpenCollection, key: str, steps: int) -> dict[str, Any] | None:
    document = collection.declaration.document_id(key)
    events = _said_of(collection, document)
    found = Documents(collection).find(
        [parse({"field": "document_id", "operator": "eq", "value": document})]
    )
    existing = ExistingDocuments(collection)
    hashes = _present_content(existing, key)
    if not found and not events and key not in hashes:
        return None
    # What is carried to a box is about its present content.
    present = (
        events[-1].content_hash if collection.declaration.detection and events else hashes.get(key)
    )
    record = found[0] if found else None
    return {
        "collection": collection.name,
        "key": key,
        "document": record,
        "annotations": [_event(event, present) for event in events],
        "because": _because(collection, record, events, steps) if steps else None,
    }


def _said_of(collection: OpenCollection, document: str) -> list[Annotation]:
    """Return what people said: all of it, of boxes what is carried to the present ones."""
    if collection.declaration.detection is None:
        return collection.ledger.annotations(collection.name, document)
    held = ReferenceSet(collection).annotations.get(document)
    return [held] if held else []


def _present_content(existing: ExistingDocuments, key: str) -> dict[str, str]:
    """Return the content hash by key; nothing where the object is gone or cannot be read."""
    try:
        return existing.content_hashes([key])
    except UnreadableItemError:
        return {}


def _event(event: Annotation, present: str | None) -> dict[str, Any]:
    names = ("action", "label", "source", "annotator", "origin", "reason", "recorded_at")
    said = {name: asdict(event)[name] for name in names}
    return {
        **said,
        "fields": dict(event.fields),
        "provenance": dict(event.provenance),
        "stale": event.content_hash != present,
    }


def _because(
    collection: OpenCollection,
    record: dict[str, Any] | None,
    events: list[Annotation],
    steps: int,
) -> dict[str, Any] | None:
    if record is None:
        return None
    if record["label_source"] == "auto":
        target = collection.workspace.collection(str(collection.declaration.reference_collection))
        return _explain_id(
            OpenCollection(collection.workspace, target),
            record["taxonomy_match"]["source_document_id"],
            steps,
        )
    promoted = [e for e in events if e.source == "promoted" and e.provenance]
    if record["label_source"] == "promoted" and promoted:
        origin = promoted[-1].provenance
        target = collection.workspace.collection(origin["collection"])
        source = origin["source_document_id"]
        name = target.reference_collection
        if source and name:
            return _explain_id(collection.workspace.open(name), source, steps)
    return None


def _explain_id(collection: OpenCollection, document: str, steps: int) -> dict[str, Any] | None:
    image = object_of(document)
    arrival = collection.ledger.objects(collection.name).get(image)
    if arrival is None:
        return None
    key = arrival.key + document.removeprefix(image).replace("_det_", "#det_")
    return _explain(collection, key, steps - 1)
