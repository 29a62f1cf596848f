"""Stops the work when a bucket lost most of its objects at once, which is seldom meant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from autolabel_core.declarations import Collection
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.ledger import Arrival
from autolabel_core.ledger.arrivals import DELETED
from autolabel_core.storage.buckets.stored_objects import version_when_renamed

MIN_OBJECTS = 20
"""Of fewer objects any number may be deleted at once."""
WHOLE = "the collection"


class LostObjectsError(AutolabelError):
    """So many objects are gone at once that the bucket is rather not there than emptied."""


def check_losses(
    collection: Collection, changes: Iterable[Arrival], known: Mapping[str, Arrival]
) -> None:
    """Refuse changes that delete more than the declared share of a bucket, or of the collection.

    What is gone under one key and new under another was moved, and is no loss.

    Args:
        collection: the declaration.
        changes: what is about to be recorded.
        known: the last arrival of each document.

    Raises:
        LostObjectsError: too many are gone; the message says how many, and what to do.
    """
    changes = list(changes)
    new = Counter(version_when_renamed(c.version) for c in changes if c.event == "created")
    gone: Counter[str] = Counter()
    for change in (change for change in changes if change.event == DELETED):
        version = version_when_renamed(change.version)
        if new[version] > 0:
            new[version] -= 1
        else:
            gone.update({WHOLE, _bucket_of(collection, change.key)})
    if not gone:
        return
    there: Counter[str] = Counter()
    for arrival in known.values():
        if arrival.event != DELETED:
            there.update({WHOLE, _bucket_of(collection, arrival.key)})
    share = collection.source.max_deleted_share
    for place, lost in gone.items():
        if there[place] >= MIN_OBJECTS and lost > share * there[place]:
            raise LostObjectsError(_message(collection, place, lost, there[place]))


def _bucket_of(collection: Collection, key: str) -> str:
    """Return what messages call the bucket that a key belongs to."""
    buckets = [b for b in collection.source.buckets if key.startswith(b.key_prefix)]
    bucket = max(buckets, key=lambda b: len(b.key_prefix), default=None)
    if bucket is None:
        return "a bucket that is declared no more"
    return bucket.uri or f"the bucket {bucket.bucket_name or collection.collection_name}"


def _message(collection: Collection, place: str, lost: int, there: int) -> str:
    name = collection.collection_name
    return (
        f"`{name}`: {lost} of {there} objects of {place} are gone, more than max_deleted_share: "
        f"{collection.source.max_deleted_share:g} of the source allows at once, so nothing was "
        "recorded as deleted and everything stands as it was. Is the disk mounted, and the address "
        f"in the YAML right? If they are deleted on purpose: `autolabel sweep {name} --yes`."
    )
