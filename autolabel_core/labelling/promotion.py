"""Promotion: reviewed auto-labels, or a reviewed cluster, become references."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from autolabel_core.declarations import Collection
from autolabel_core.declarations.conditions.values import scalar_of
from autolabel_core.documents.record import DocumentRecord
from autolabel_core.foundation.errors import AutolabelError, UnreadableItemError
from autolabel_core.foundation.ids import content_hash, document_id
from autolabel_core.foundation.json_types import JsonObject
from autolabel_core.labelling.confirm_boxes import judge_as
from autolabel_core.ledger import Annotation, effective_annotations
from autolabel_core.storage.buckets.stored_objects import StoredObject
from autolabel_core.tables.layout import FRAME
from autolabel_core.tables.promoted_copies import key_of_copy
from autolabel_core.tables.raw_objects import RawObjects
from autolabel_core.tables.reference_set import ReferenceSet
from autolabel_core.tables.workspace import OpenCollection


@dataclass(frozen=True)
class Promotion:
    """One document to be promoted.

    Attributes:
        record: the document.
        content_hash: the content that carries the label.
        key: the key that it will have in the reference collection.
        copied: whether its object is copied into the reference bucket.
        label: the label that it will have.
        provenance: where that label is from.
    """

    record: DocumentRecord
    content_hash: str
    key: str
    copied: bool
    label: str
    provenance: JsonObject


def check_taxonomy(collection: Collection) -> None:
    """Refuse a collection without references.

    Args:
        collection: the declaration.

    Raises:
        AutolabelError: it has no taxonomy, or boxes or frames whose references live elsewhere.
    """
    if collection.taxonomy is None:
        raise AutolabelError(
            f"`{collection.collection_name}` has no `taxonomy`: nothing to promote."
        )
    apart = collection.reference_collection != collection.collection_name
    if collection.has_parts and apart:
        part = "what lies in boxes" if collection.detection is not None else "a frame of a video"
        raise AutolabelError(
            f"`{collection.collection_name}` has its references in "
            f"`{collection.reference_collection}`; {part} becomes a reference only "
            "with `reference: self`."
        )


def proposed(
    collection: OpenCollection,
    record: DocumentRecord,
    content_hash: str,
    label: str,
    because: JsonObject,
) -> Promotion:
    """Return the promotion of one document.

    Args:
        collection: whose document it is.
        record: the document.
        content_hash: the content that carries the label.
        label: the label.
        because: why it has that label; becomes part of the provenance.

    Returns:
        The promotion, with the place that the document will have among the references.
    """
    name = collection.name
    provenance = {"collection": name, "document_id": record["document_id"], **because}
    place = _place(collection, record["key"])
    return Promotion(record, content_hash, *place, label, provenance)


def promote(
    collection: OpenCollection,
    chosen: list[Promotion],
    reviewer: str,
) -> int:
    """Copy the objects where the references live elsewhere, and record the labels as promoted.

    The copy is written before the label is recorded, and both are left alone where they stand
    already: a promotion that was cut off is completed by doing it again.

    Args:
        collection: whose documents are promoted.
        chosen: what the reviewer accepted.
        reviewer: who reviewed.

    Returns:
        How many labels were recorded; repeated promotions count none.
    """
    return prepared(collection, chosen, reviewer)()


def prepared(
    collection: OpenCollection,
    chosen: list[Promotion],
    reviewer: str,
) -> Callable[[], int]:
    """Copy the objects where the references live elsewhere, and leave the labels to be recorded.

    Args:
        collection: whose documents are promoted.
        chosen: what the reviewer accepted.
        reviewer: who reviewed.

    Returns:
        What records the labels and counts them.
    """
    left = outstanding(collection, chosen)
    if collection.declaration.detection is not None:
        labels = [(promotion.record["document_id"], promotion.label) for promotion in left]
        return partial(judge_as, collection, labels, reviewer)
    events = [_promote_one(collection, promotion, reviewer) for promotion in left]
    return partial(collection.ledger.append_annotations, events)


def _place(collection: OpenCollection, key: str) -> tuple[str, bool]:
    """Return the key among the references, and whether the object has to be copied there."""
    if collection.declaration.reference_collection == collection.name:
        return key, False
    return key_of_copy(collection.name, key, _target(collection)), True


def _target(collection: OpenCollection) -> Collection:
    return collection.workspace.collection(str(collection.declaration.reference_collection))


def outstanding(collection: OpenCollection, chosen: list[Promotion]) -> list[Promotion]:
    """Leave out what carries that label already among the references, or one that a person gave.

    Args:
        collection: whose documents.
        chosen: what would be promoted.

    Returns:
        What is left of it, in the same order.
    """
    current = _current_annotations(collection, chosen)
    return [
        promotion
        for promotion, annotation in zip(chosen, current, strict=True)
        if annotation is None
        or (annotation.source == "promoted" and annotation.label != promotion.label)
    ]


def already_promoted(collection: OpenCollection, chosen: list[Promotion]) -> int:
    """Return how many documents carry the label of their promotion already, by an earlier one.

    Args:
        collection: whose documents.
        chosen: what would be promoted.

    Returns:
        Their number; of boxes, whose promotion is a judgement like any other, those of people too.
    """
    is_boxes = collection.declaration.detection is not None
    current = _current_annotations(collection, chosen)
    return sum(
        annotation is not None
        and annotation.label == promotion.label
        and (is_boxes or annotation.source == "promoted")
        for promotion, annotation in zip(chosen, current, strict=True)
    )


def _current_annotations(
    collection: OpenCollection, chosen: list[Promotion]
) -> list[Annotation | None]:
    """Return what was said of each document where it lies, or will lie, among the references."""
    if collection.declaration.detection is not None:
        of_boxes = ReferenceSet(collection).annotations
        return [of_boxes.get(promotion.record["document_id"]) for promotion in chosen]
    name = _target(collection).collection_name
    ids = [document_id(name, promotion.key) for promotion in chosen]
    contents = dict(zip(ids, (p.content_hash for p in chosen), strict=True))
    current = effective_annotations(collection.ledger.annotations(name), contents)
    return [current.get(document) for document in ids]


def _promote_one(collection: OpenCollection, promotion: Promotion, reviewer: str) -> Annotation:
    target, record = _target(collection), promotion.record
    stored, data = _reviewed_object(collection, promotion)
    if promotion.copied:
        metadata = {k: v for k, v in stored.metadata.items() if k != target.label_field}
        collection.workspace.source(target).add(promotion.key, data, metadata)
    values: Mapping[str, object] = record
    fields = {f: v for f in target.fields if (v := scalar_of(values.get(f))) is not None}
    return Annotation(
        collection=target.collection_name,
        document_id=document_id(target.collection_name, promotion.key),
        key=promotion.key,
        label=promotion.label,
        content_hash=promotion.content_hash,
        annotator=reviewer,
        origin="promotion",
        source="promoted",
        fields=fields,
        provenance=promotion.provenance,
    )


def _reviewed_object(
    collection: OpenCollection, promotion: Promotion
) -> tuple[StoredObject, bytes]:
    kind = collection.extractor.manifest.input
    mapped = collection.declaration.feature_extractor.input_mappings.get(kind)
    key = promotion.record["key"]
    if promotion.record.get("kind") == FRAME:
        return _reviewed_frame(collection, promotion)
    try:
        stored = collection.source().open(key)
        data = stored.input_blob(kind, mapped).read()
    except UnreadableItemError as error:
        raise AutolabelError(f"{key!r} {error}. Sweep, then promote again.") from error
    if content_hash(data) != promotion.content_hash:
        raise AutolabelError(
            f"{key!r} has another content than the one that was labelled. "
            "Sweep, then promote again."
        )
    return stored, data


def _reviewed_frame(collection: OpenCollection, promotion: Promotion) -> tuple[StoredObject, bytes]:
    """Return a frame as it was reviewed; it is never copied, so that it has no metadata here."""
    key = promotion.record["key"]
    try:
        return StoredObject(key, ()), RawObjects(collection).content(key, promotion.content_hash)
    except UnreadableItemError as error:
        raise AutolabelError(f"{key!r} {error}. Sweep, then promote again.") from error
