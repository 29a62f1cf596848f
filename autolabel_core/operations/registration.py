"""Registers new, changed and vanished objects of the buckets, and assigns them to batches."""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from autolabel_core.declarations import Collection
from autolabel_core.declarations.rule import rule_of
from autolabel_core.foundation.ids import document_id, fingerprint
from autolabel_core.ledger import Arrival, Event, event_id
from autolabel_core.ledger.arrivals import DELETED, ArrivalPosition, batches_of
from autolabel_core.notifications.webhooks.endpoints import declare_endpoints, endpoints_of
from autolabel_core.operations.losses import LostObjectsError, check_losses
from autolabel_core.storage.buckets.folder_walk import unseen_prefixes
from autolabel_core.storage.buckets.object_source import bucket_folder
from autolabel_core.storage.buckets.stored_objects import Listed
from autolabel_core.tables.lost_ledger import check_ledger, note_ledger
from autolabel_core.tables.remembered import recalled, remember
from autolabel_core.tables.workspace import OpenCollection

HALTED_EVENT = "collection.halted"
REGISTERED = "registered"
FORMAT = 1
"""Of what is remembered of the last comparison; another number forgets it."""


@dataclass(frozen=True)
class Registration:
    """What one comparison of bucket and ledger found.

    Attributes:
        created: objects seen for the first time, or again after a deletion.
        updated: objects whose version changed.
        deleted: objects that are gone.
        batches: all batches of the collection, in order.
        objects: how many objects there are.
        ignored: keys of files that are none, such as `Thumbs.db` or a table of labels.
    """

    created: int
    updated: int
    deleted: int
    batches: list[str]
    objects: int
    ignored: tuple[str, ...] = ()


def register(collection: OpenCollection, accept_losses: bool = False) -> Registration:
    """Record arrivals, changes and deletions; each object is assigned to a batch exactly once.

    Args:
        collection: opened with its stores.
        accept_losses: whether a person said that what looks like a lost mount, or a lost ledger, is
            meant so.

    Returns:
        What was found. Where so many objects are gone that nothing was recorded but the event
        `collection.halted`, that is a `LostObjectsError`.
    """
    name = collection.name
    if not accept_losses:
        check_ledger(collection.workspace, name)
    declare_endpoints(collection.ledger, endpoints_of(collection.workspace.collections.values()))
    with collection.warehouse.writing(name, "registration"):
        source = collection.source()
        listed = dict(source.list())
        batches = _batches_if_as_before(collection, listed)
        events: list[Arrival] = []
        if batches is None:
            events, batches = _compared(collection, listed, accept_losses)
        note_ledger(collection.workspace, name)
        collection.ledger.append_rule(name, rule_of(collection.declaration))
    counts = Counter[str](event.event for event in events)
    return Registration(
        counts["created"],
        counts["updated"],
        counts[DELETED],
        batches,
        len(listed),
        tuple(source.ignored),
    )


def _batches_if_as_before(
    collection: OpenCollection, listed: Mapping[str, str]
) -> list[str] | None:
    """Return the batches where this listing was compared with these very arrivals; else None."""
    position = collection.ledger.arrival_position(collection.name)
    batches: list[str] | None = recalled(
        collection, REGISTERED, _compared_with(collection, listed, position)
    )
    return batches


def _compared(
    collection: OpenCollection, listed: Mapping[str, str], accept_losses: bool
) -> tuple[list[Arrival], list[str]]:
    """Record how a listing differs from the last arrivals; return what, and all batches."""
    name, ledger = collection.name, collection.ledger

    def decide(known: Mapping[str, Arrival]) -> list[Arrival]:
        changes = list(_changes(collection.declaration, listed, known))
        if not accept_losses:
            check_losses(collection.declaration, changes, known)
        return changes

    before = ledger.arrival_position(name)
    try:
        events = ledger.record_arrivals(name, decide)
    except LostObjectsError as error:
        ledger.append_events([_halted(name, str(error))])
        raise
    batches = batches_of(ledger.objects(name))
    position = ledger.arrival_position(name)
    # Rows are only ever added: so many mean that nobody else added any, on this machine or another.
    if position.number == before.number + len(events):
        remember(collection, REGISTERED, _compared_with(collection, listed, position), batches)
    return events, batches


def _compared_with(
    collection: OpenCollection, listed: Mapping[str, str], position: ArrivalPosition
) -> str:
    """Return a fingerprint of a listing, in its order, and of the arrivals that it is held to."""
    texts = [*listed, *listed.values()]
    digest = hashlib.sha256("".join(texts).encode("utf-8", "surrogateescape"))
    digest.update(array("L", map(len, texts)).tobytes())
    return fingerprint(FORMAT, collection.ledger.database.shown, position, digest.hexdigest())


def bucket_places(collection: OpenCollection) -> list[str]:
    """Return where the objects of a collection lie: folders, manifests and addresses."""
    declared, paths = collection.declaration, collection.paths
    return [
        bucket.uri
        if bucket.uri is not None and "://" in bucket.uri
        else str(bucket_folder(bucket, declared, paths))
        for bucket in declared.source.buckets
    ]


def _halted(name: str, reason: str) -> Event:
    """Return what others are told, once a day while it lasts."""
    day = datetime.now(UTC).date().isoformat()
    payload = {"collection": name, "reason": reason}
    return Event(event_id(HALTED_EVENT, name, reason, day), HALTED_EVENT, name, name, payload)


def partitions_name(collection_name: str) -> str:
    """Return the name of a collection's dynamic partitions in Dagster: its batches."""
    return f"{collection_name}_batches"


def _changes(
    collection: Collection, listed: Mapping[str, str], known: Mapping[str, Arrival]
) -> Iterator[Arrival]:
    batch_names = _batch_names(collection.batch_size, known)
    name = collection.collection_name
    for key in sorted(listed):
        document, version = document_id(name, key), listed[key]
        last = known.get(document)
        if last is None:
            yield Arrival(document, key, next(batch_names), "created", version)
        elif last.event == DELETED:
            yield Arrival(document, key, last.batch, "created", version)
        elif last.version != version:
            yield Arrival(document, key, last.batch, "updated", version)
    unseen = unseen_prefixes(Listed(*entry) for entry in listed.items())
    for last in known.values():
        if last.event != DELETED and last.key not in listed and not last.key.startswith(unseen):
            yield Arrival(last.document_id, last.key, last.batch, DELETED, last.version)


def _batch_names(batch_size: int, known: Mapping[str, Arrival]) -> Iterator[str]:
    """Fill the last batch, then open new ones; a batch counts every object it ever held."""
    sizes = Counter(arrival.batch for arrival in known.values())
    number = max((int(batch.rpartition("_")[2]) for batch in sizes), default=1)
    while True:
        name = f"batch_{number:06d}"
        for _ in range(max(0, batch_size - sizes[name])):
            yield name
        number += 1
