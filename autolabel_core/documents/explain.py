"""Traces a label: from the auto-label to its reference, and to the person who labelled that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypedDict

from autolabel_core.declarations.conditions import parse
from autolabel_core.declarations.zero_shot import SUGGESTED
from autolabel_core.documents.current_content import ExistingDocuments
from autolabel_core.documents.documents import Documents
from autolabel_core.documents.record import DocumentRecord
from autolabel_core.foundation.errors import NotFoundError, UnreadableItemError
from autolabel_core.foundation.ids import frame_key, object_of
from autolabel_core.foundation.json_types import JsonObject, Scalar
from autolabel_core.ledger import Annotation
from autolabel_core.ledger.revocations import (
    REVOCATION_ID,
    REVOCATIONS,
    in_force,
    revoked_events,
)
from autolabel_core.matching.thresholds import UNREACHABLE
from autolabel_core.tables.applied_taxonomy import AppliedTaxonomy
from autolabel_core.tables.layout import IMAGE, VIDEO
from autolabel_core.tables.promoted_copies import key_of_copy
from autolabel_core.tables.reference_set import ReferenceSet
from autolabel_core.tables.taxonomy_labels import TaxonomyLabels
from autolabel_core.tables.workspace import OpenCollection

MAX_STEPS = 10
Outcome = Literal[
    "labelled",
    "below_threshold",
    "unlike_references",
    "only_label",
    "uncertified",
    "withheld_by_audit",
    "ended_by_person",
    "no_reference",
    "suggested_by_name",
    "outdated",
]


class LabelDecision(TypedDict):
    """Why a document has its label, or none.

    `ended_by_person`: a person said that there is nothing to label; `suggested_by_name`: only the
    name of the label speaks for it, nobody has decided; `outdated`: the rule has changed, and the
    next sweep decides anew; `only_label`: no second label has references, so that nothing says how
    probable the only one is; `uncertified`: no threshold is certified to be as precise as declared,
    so that there is none. `threshold` is that of the suggested label, and `similarity_threshold`
    that of known things, None where every similarity will do.
    """

    outcome: Outcome
    threshold: float | None
    similarity_threshold: float | None


class AnnotationRecord(TypedDict):
    """One annotation; `stale` where it was about another content than there is now.

    `revoked` is the id of the revocation that took it back; None where it counts.
    """

    event_id: str
    action: str
    label: str | None
    source: str
    annotator: str
    origin: str
    reason: str | None
    recorded_at: str
    fields: Mapping[str, Scalar]
    provenance: JsonObject
    stale: bool
    revoked: str | None


class Explanation(TypedDict):
    """Where a label comes from.

    `document` and `decision` are None before the first sweep, `decision` also where the document
    takes no label. `because` explains the document that the label came from, None where a person
    gave it.
    """

    collection: str
    key: str
    document: DocumentRecord | None
    decision: LabelDecision | None
    annotations: list[AnnotationRecord]
    because: Explanation | None


def explain(collection: OpenCollection, key: str) -> Explanation:
    """Trace the label of a document.

    Args:
        collection: opened with its stores.
        key: the document's key.

    Returns:
        The document, why it is labelled so, its annotations (oldest first), and for an auto-label
        or a promotion the explanation of the document that it came from.

    Raises:
        NotFoundError: there is no such document.
    """
    traced = _explain(collection, key, MAX_STEPS)
    if traced is None:
        near = ExistingDocuments(collection).near(key)
        raise NotFoundError(f"No object with the key {key!r} in `{collection.name}`. {near}")
    return traced


def _explain(collection: OpenCollection, key: str, steps: int) -> Explanation | None:
    document = collection.declaration.document_id(key)
    history = _annotations_of(collection, document)
    events = in_force(history)
    records = Documents(collection).find(
        [parse({"field": "document_id", "operator": "eq", "value": document})]
    )
    existing = ExistingDocuments(collection)
    hashes = _present_content(existing, key)
    if not records and not history and key not in hashes:
        return None
    # What is carried to a box is about its present content.
    present = (
        events[-1].content_hash if collection.declaration.detection and events else hashes.get(key)
    )
    record = records[0] if records else None
    return {
        "collection": collection.name,
        "key": key,
        "document": record,
        "decision": None if record is None else _decision(collection, record),
        "annotations": _records(history, present),
        "because": _because(collection, record, events, steps) if steps else None,
    }


def _annotations_of(collection: OpenCollection, document: str) -> list[Annotation]:
    """Return what was ever recorded; of boxes what is carried to the present ones."""
    if collection.declaration.detection is None:
        return collection.ledger.annotation_history(collection.name, document)
    transferred = ReferenceSet(collection).annotations.get(document)
    return [transferred] if transferred else []


def _present_content(existing: ExistingDocuments, key: str) -> dict[str, str]:
    """Return the content hash by key; nothing where the object is gone or cannot be read."""
    try:
        return existing.content_hashes([key])
    except UnreadableItemError:
        return {}


def _decision(collection: OpenCollection, record: DocumentRecord) -> LabelDecision | None:
    """Return why a document is labelled as it is; None where it takes no label."""
    without_label = IMAGE if collection.declaration.detection is not None else VIDEO
    if record["reason"] or record.get("kind") == without_label:
        return None
    match, suggested = record["taxonomy_match"], record["suggested_label"]
    confidence, similarity = match["confidence"], match["similarity"]
    taxonomy = AppliedTaxonomy(collection)
    threshold = None if suggested is None else taxonomy.rule.thresholds.of(suggested)
    lowest = taxonomy.engine.similarity_threshold
    outcome: Outcome = "outdated"
    if record["label_source"] == SUGGESTED:
        outcome = "suggested_by_name"
    elif record["label"] is not None:
        outcome = "labelled"
    elif record["label_source"] is not None:
        outcome = "ended_by_person"
    elif suggested is None or threshold is None:
        outcome = "no_reference"
    elif confidence is None:
        outcome = "only_label"
    elif confidence < threshold:
        outcome = "uncertified" if threshold == UNREACHABLE else "below_threshold"
    elif lowest is not None and similarity is not None and similarity < lowest:
        outcome = "unlike_references"
    elif _is_withheld(collection, record["document_id"], suggested):
        outcome = "withheld_by_audit"
    reachable = None if threshold == UNREACHABLE else threshold
    return {"outcome": outcome, "threshold": reachable, "similarity_threshold": lowest}


def _is_withheld(collection: OpenCollection, document: str, suggested: str) -> bool:
    """Whether an audit found this label wrong for the content that was labelled last."""
    rejected = TaxonomyLabels(collection).rejected
    contents = [content for d, content, label in rejected if (d, label) == (document, suggested)]
    conditions = [
        parse({"field": "document_id", "operator": "eq", "value": document}),
        parse({"field": "content_hash", "operator": "in", "value": contents}),
    ]
    return bool(contents) and bool(Documents(collection).ids(conditions))


def _records(history: list[Annotation], present: str | None) -> list[AnnotationRecord]:
    revoked = revoked_events(history)
    return [
        _record(event, present, revoked.get(event.event_id))
        for event in history
        if event.action not in REVOCATIONS
    ]


def _record(
    event: Annotation, present: str | None, revocation: Annotation | None
) -> AnnotationRecord:
    return {
        "event_id": event.event_id,
        "action": event.action,
        "label": event.label,
        "source": event.source,
        "annotator": event.annotator,
        "origin": event.origin,
        "reason": event.reason,
        "recorded_at": event.recorded_at,
        "fields": dict(event.fields),
        "provenance": dict(event.provenance),
        "stale": event.content_hash != present,
        "revoked": str(revocation.provenance[REVOCATION_ID]) if revocation else None,
    }


def _because(
    collection: OpenCollection,
    record: DocumentRecord | None,
    events: list[Annotation],
    steps: int,
) -> Explanation | None:
    if record is None:
        return None
    source = record["taxonomy_match"]["source_document_id"]
    if record["label_source"] == "auto" and source:
        target = collection.workspace.collection(str(collection.declaration.reference_collection))
        return _explain_id(OpenCollection(collection.workspace, target), source, steps)
    promoted = [e for e in events if e.source == "promoted" and e.provenance]
    if record["label_source"] == "promoted" and promoted:
        # What a cluster became has no reference: its provenance names the cluster.
        origin = promoted[-1].provenance
        target = collection.workspace.collection(str(origin["collection"]))
        reference = origin.get("source_document_id")
        name = target.reference_collection
        if reference and name:
            return _explain_id(collection.workspace.open(name), str(reference), steps)
    references = collection.declaration.reference_collection
    by_people = record["label_source"] not in (None, SUGGESTED)
    if by_people and not events and references and references != collection.name:
        target = collection.workspace.collection(references)
        copy = key_of_copy(collection.name, record["key"], target)
        return _explain(collection.workspace.open(references), copy, steps - 1)
    return None


def _explain_id(collection: OpenCollection, document: str, steps: int) -> Explanation | None:
    image = object_of(document)
    arrival = collection.ledger.objects(collection.name).get(image)
    if arrival is None:
        return None
    part = document.removeprefix(image)
    if part.startswith("_frame_"):
        key = frame_key(arrival.key, int(part.removeprefix("_frame_")))
    else:
        key = arrival.key + part.replace("_det_", "#det_")
    return _explain(collection, key, steps - 1)
