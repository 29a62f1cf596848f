"""Promotion: confident auto-labels, once a person has reviewed them, become references."""

from __future__ import annotations

import json
from collections.abc import Collection as AnyCollection
from dataclasses import dataclass
from typing import Any

from autolabel_core.conditions import parse
from autolabel_core.declarations import Collection
from autolabel_core.documents import Documents
from autolabel_core.errors import AutolabelError
from autolabel_core.identity import content_hash, document_id
from autolabel_core.ledger import Annotation
from autolabel_core.warehouse import write_atomically
from autolabel_core.workspace import Workspace

MIN_CONFIDENCE = 0.85


@dataclass(frozen=True)
class Promotion:
    """One document to be promoted.

    Attributes:
        record: the document.
        key: the key that it will have in the reference collection.
        copied: whether its object is copied into the reference bucket.
    """

    record: dict[str, Any]
    key: str
    copied: bool


def candidates(
    workspace: Workspace,
    collection: Collection,
    min_confidence: float = MIN_CONFIDENCE,
    exclude: AnyCollection[str] = (),
) -> list[Promotion]:
    """Return what a promotion would take, the most confident first.

    Args:
        workspace: the stores.
        collection: whose auto-labels are promoted.
        min_confidence: lowest cosine taken, from -1 (all) to 1 (identical only).
        exclude: keys that the reviewer left out.

    Returns:
        Auto-labelled documents at or above that confidence.

    Raises:
        AutolabelError: the collection has no taxonomy.
    """
    reference = collection.reference_collection
    if reference is None:
        raise AutolabelError(
            f"`{collection.collection_name}` has no `taxonomy`: nothing to promote."
        )
    conditions = [
        parse({"field": "label_source", "operator": "eq", "value": "auto"}),
        parse({"field": "confidence", "operator": "gte", "value": min_confidence}),
    ]
    name = collection.collection_name
    found = Documents(workspace, collection).find(conditions, sort="-confidence")
    copied = reference != name
    return [
        Promotion(r, f"promoted/{name}/{r['key']}" if copied else r["key"], copied)
        for r in found
        if r["key"] not in exclude
    ]


def promote(
    workspace: Workspace,
    collection: Collection,
    chosen: list[Promotion],
    reviewer: str,
) -> int:
    """Copy the objects where the references live elsewhere, and record the labels as promoted.

    The copy is written before the label is recorded, and both are left alone where they stand
    already: a promotion that was cut off is completed by doing it again.

    Args:
        workspace: the stores.
        collection: whose auto-labels are promoted.
        chosen: what the reviewer accepted.
        reviewer: who reviewed.

    Returns:
        How many labels were recorded; repeated promotions count none.
    """
    target = workspace.collection(str(collection.reference_collection))
    events = [_promote_one(workspace, collection, target, p, reviewer) for p in chosen]
    held = {
        (e.document_id, e.content_hash, e.label)
        for e in workspace.ledger.annotations(target.collection_name)
        if e.source == "promoted"
    }
    new = [e for e in events if (e.document_id, e.content_hash, e.label) not in held]
    return workspace.ledger.append_annotations(new)


def _promote_one(
    workspace: Workspace,
    collection: Collection,
    target: Collection,
    promotion: Promotion,
    reviewer: str,
) -> Annotation:
    record = promotion.record
    kind = workspace.extractor(collection).manifest.input
    mapped = collection.feature_extractor.input_mappings.get(kind)
    stored = workspace.source(collection).open(record["key"])
    data = stored.input_blob(kind, mapped).read()
    if promotion.copied:
        _copy(workspace, target, promotion.key, data, dict(stored.metadata), target.label_field)
    fields = {f: record[f] for f in target.fields if record.get(f) is not None}
    return Annotation(
        collection=target.collection_name,
        document_id=document_id(target.collection_name, promotion.key),
        key=promotion.key,
        label=record["label"],
        content_hash=content_hash(data),
        annotator=reviewer,
        origin="promotion",
        source="promoted",
        fields=fields,
        provenance={
            "collection": collection.collection_name,
            "document_id": record["document_id"],
            "confidence": record["taxonomy_match"]["confidence"],
            "source_document_id": record["taxonomy_match"]["source_document_id"],
        },
    )


def _copy(
    workspace: Workspace,
    target: Collection,
    key: str,
    data: bytes,
    metadata: dict[str, Any],
    label_field: str,
) -> None:
    path = workspace.source(target).path_for(key)
    if path.exists():
        if content_hash(path.read_bytes()) == content_hash(data):
            return
        raise AutolabelError(
            f"{path} exists with another content; promotions never overwrite. Move it away first."
        )
    kept = {k: v for k, v in metadata.items() if k != label_field}
    if kept:
        text = json.dumps(kept, sort_keys=True, ensure_ascii=False).encode()
        sidecar = path.with_name(path.name + ".json")
        write_atomically(sidecar, lambda part: _write(part, text))
    write_atomically(path, lambda part: _write(part, data))


def _write(part: Any, data: bytes) -> None:
    part.write_bytes(data)
