"""Which auto-labels a promotion would make references: confident ones, far from other labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection as AnyCollection
from collections.abc import Mapping, Sequence
from math import inf

from autolabel_core.declarations.conditions import parse
from autolabel_core.documents.documents import Documents
from autolabel_core.documents.record import DocumentRecord
from autolabel_core.foundation.json_types import JsonObject
from autolabel_core.labelling.promotion import Promotion, check_taxonomy, outstanding, proposed
from autolabel_core.ledger import Annotation
from autolabel_core.ledger.annotations import SOURCE_EVENT
from autolabel_core.tables.reference_set import ReferenceSet
from autolabel_core.tables.workspace import OpenCollection

MIN_CONFIDENCE = 0.85


def candidates(
    collection: OpenCollection,
    min_confidence: float = MIN_CONFIDENCE,
    exclude: AnyCollection[str] = (),
    min_margin: float | None = None,
    per_label: int | None = None,
) -> list[Promotion]:
    """Return what a promotion would take, the most confident first.

    Args:
        collection: whose auto-labels are promoted.
        min_confidence: lowest cosine taken, from -1 (all) to 1 (identical only).
        exclude: keys that the reviewer left out.
        min_margin: lowest distance to the best other label that is taken, from 0 to 2; None: any.
        per_label: at most so many of each label, at least 1; None: all.

    Returns:
        Auto-labelled documents at or above that confidence that are no references yet.
    """
    check_taxonomy(collection.declaration)
    conditions = [
        parse({"field": "label_source", "operator": "eq", "value": "auto"}),
        parse({"field": "confidence", "operator": "gte", "value": min_confidence}),
    ]
    view = Documents(collection)
    with view.connect() as connection:
        hashes = connection.execute("SELECT document_id, content_hash FROM documents").fetchall()
    contents = dict(hashes)
    records = [
        record
        for record in view.find(conditions, sort="-confidence")
        if record["key"] not in exclude and (min_margin is None or _margin(record) >= min_margin)
    ]
    evidence = _evidence(collection, records)
    chosen = [
        proposed(collection, r, contents[r["document_id"]], r["label"] or "", _match(r, evidence))
        for r in records
    ]
    return _capped(outstanding(collection, chosen), per_label)


def _margin(record: DocumentRecord) -> float:
    """How far the best other label is at least; no other label is no margin to rely on."""
    margin, at_least = record["margin"], record["margin_lower_bound"]
    known = margin if margin is not None else at_least
    return -inf if known is None else known


def _capped(chosen: list[Promotion], per_label: int | None) -> list[Promotion]:
    taken: Counter[str] = Counter()
    kept = []
    for promotion in chosen:
        taken[promotion.label] += 1
        if per_label is None or taken[promotion.label] <= per_label:
            kept.append(promotion)
    return kept


def _evidence(
    collection: OpenCollection, records: Sequence[DocumentRecord]
) -> dict[str, Annotation]:
    """Return the labels of the references that the documents took theirs from."""
    target = collection.workspace.open(str(collection.declaration.reference_collection))
    sources = {record["taxonomy_match"]["source_document_id"] for record in records}
    items = ReferenceSet(target).embeddings.items
    return items.annotations({source for source in sources if source})


def _match(record: DocumentRecord, evidence: Mapping[str, Annotation]) -> JsonObject:
    match = record["taxonomy_match"]
    label = evidence.get(match["source_document_id"] or "")
    # Where the reference was labelled anew since, the label that this one came from is another.
    stands = label is not None and label.label == record["label"]
    return {
        "confidence": match["confidence"],
        "source_document_id": match["source_document_id"],
        **({SOURCE_EVENT: label.event_id} if label is not None and stands else {}),
    }
