"""Records events about derived tables: a batch is completed, a taxonomy is materialized.

Each is known by what it was made from, so that it is told once, however often it is looked at; a
process that was killed before it could tell is made good for at the next look.
"""

from __future__ import annotations

from collections.abc import Iterable

from autolabel_core.foundation.json_types import Cell, JsonObject
from autolabel_core.ledger import Event, event_id
from autolabel_core.tables.taxonomy_labels import TaxonomyLabels
from autolabel_core.tables.workspace import OpenCollection

COMPLETED, MATERIALIZED = "batch.completed", "taxonomy.materialized"


def record_batch_events(
    collection: OpenCollection,
    batches: Iterable[str] | None = None,
    labels: TaxonomyLabels | None = None,
) -> int:
    """Append the events of the batches whose labels are up to date, and were not told of yet.

    `batch.completed` follows from objects and vectors: new uploads, or a new version of the
    extractor, are processed to the end. `taxonomy.materialized` follows from everything that labels
    are made from.

    Args:
        collection: opened with its stores.
        batches: which; None means all.
        labels: the table, where it is open already: what it has read is not read again.

    Returns:
        How many were appended.
    """
    labels = labels or TaxonomyLabels(collection)
    events: list[Event] = []
    # The table may go on with other batches, and keeps what is read here.
    with labels.warehouse.noting(labels.recorded.looks):
        for batch in labels.batches if batches is None else batches:
            events += _events(labels, batch)
    return collection.ledger.append_events(events) if events else 0


def _events(labels: TaxonomyLabels, batch: str) -> list[Event]:
    """Return the events of a batch that nobody was told of yet."""
    ledger, name = labels.collection.ledger, labels.collection_name
    facts = _facts(labels, batch).items()
    unknown = [(kind, id_) for kind, id_ in facts if ledger.event(id_) is None]
    if not unknown or not labels.is_current(batch):
        return []
    payload = _payload(labels, batch)
    return [Event(id_, kind, name, batch, payload) for kind, id_ in unknown]


def _facts(labels: TaxonomyLabels, batch: str) -> dict[str, str]:
    """Return the ids of the events that the files of a batch stand for; none without labels."""
    made = labels.warehouse.fingerprint
    embeddings = labels.own.embeddings
    own = made(labels.path(batch))
    raw, vectors = made(embeddings.items.path(batch)), made(embeddings.path(batch))
    if own is None or raw is None or vectors is None:
        return {}
    name = labels.collection_name
    return {
        COMPLETED: event_id(COMPLETED, name, batch, raw, vectors),
        MATERIALIZED: event_id(MATERIALIZED, name, batch, own),
    }


def _payload(labels: TaxonomyLabels, batch: str) -> JsonObject:
    report = labels.report(batch).items()
    counts = {name: value for name, value in report if isinstance(value, Cell)}
    return {
        "collection": labels.collection_name,
        "batch": batch,
        "feature_uri": labels.taxonomy.feature_uri,
        "fingerprint": labels.warehouse.fingerprint(labels.path(batch)),
        **counts,
    }
