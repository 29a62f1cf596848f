"""The soak's comparison notices what it is there to notice."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from support.angle_samples import NAME
from support.receivers import Receiver, Request
from support.soak_events import compare_outbox, compare_receiver, has_received_all, outbox

from autolabel_core.notifications.batch_events import record_batch_events

DAMAGES = {
    "an object's event lost": (
        "DELETE FROM events WHERE event_type = 'object.created'",
        "arrivals",
    ),
    "an annotation's event lost": (
        "DELETE FROM events WHERE event_type LIKE 'annotation.%'",
        "annotations",
    ),
    "a batch never completed": (
        "DELETE FROM events WHERE event_type = 'batch.completed'",
        "batches with batch.completed",
    ),
    "the last labels untold": (
        "DELETE FROM events WHERE id = "
        "(SELECT max(id) FROM events WHERE event_type = 'taxonomy.materialized')",
        "a batch untold of",
    ),
    "an event twice": (
        "INSERT INTO events (event_id, event_type, collection, subject, payload, recorded_at) "
        "SELECT 'evt_other', event_type, collection, subject, payload, recorded_at FROM events "
        "WHERE event_type = 'object.created' LIMIT 1",
        "arrivals",
    ),
}


@pytest.fixture
def ledger(angles, home, bring_up_to_date):
    """The file of a ledger whose outbox is whole; the labels of its batch changed once."""
    ws = angles({"a": 0, "b": 5, "c": 90}, {"a": "left"})
    record_batch_events(ws.open(NAME))
    home.put(NAME, {"b": 6})
    bring_up_to_date(ws, NAME)
    record_batch_events(ws.open(NAME))
    return home.paths.home / "ledger.sqlite"


@pytest.mark.parametrize(("damage", "said"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_outbox_is_noticed(ledger, home, damage, said):
    compare_outbox(home.workspace, ledger, NAME)
    with closing(sqlite3.connect(ledger)) as connection:
        connection.execute(damage)
        connection.commit()
    with pytest.raises(AssertionError, match=said):
        compare_outbox(home.workspace, ledger, NAME)


def got(*ids):
    return Receiver(requests=[Request("/", {"webhook-id": id_}, b"") for id_ in ids])


def test_what_a_receiver_lacks_or_got_in_another_order_is_noticed(ledger):
    ids = [id_ for id_, _ in outbox(ledger)]
    compare_receiver(got(*ids, ids[0]), ledger)
    assert not has_received_all(got(*ids[1:]), ledger)
    for wrong in (ids[1:], [*ids, "evt_invented"], ids[::-1]):
        with pytest.raises(AssertionError):
            compare_receiver(got(*wrong), ledger)
