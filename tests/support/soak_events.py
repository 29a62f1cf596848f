"""No event lost, none invented: ledger, outbox and what a receiver got, compared row by row."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

from autolabel_core.notifications.batch_events import record_batch_events
from support.receivers import Receiver

OF_ARRIVALS = "SELECT event, document_id, version, recorded_at FROM arrivals"
OF_ANNOTATIONS = "SELECT document_id, label, content_hash, recorded_at FROM annotations"
OF_BATCHES = "SELECT DISTINCT batch FROM arrivals"


def outbox(ledger: Path) -> list[tuple[str, str]]:
    """Return event id and subject of every event, in order."""
    return rows_of(ledger, "SELECT event_id, subject FROM events ORDER BY id")


def compare_outbox(workspace, ledger: Path, name: str) -> None:
    """Each arrival and annotation is one event, and every batch was told of as it stands."""
    told = rows_of(
        ledger,
        "SELECT substr(event_type, 8), subject, payload ->> 'version', recorded_at FROM events "
        "WHERE event_type LIKE 'object.%'",
    )
    assert Counter(told) == Counter(rows_of(ledger, OF_ARRIVALS)), "arrivals and their events"
    told = rows_of(
        ledger,
        "SELECT subject, payload ->> 'label', payload ->> 'content_hash', recorded_at "
        "FROM events WHERE event_type LIKE 'annotation.%'",
    )
    assert Counter(told) == Counter(rows_of(ledger, OF_ANNOTATIONS)), "annotations and their events"
    batches = set(rows_of(ledger, OF_BATCHES))
    for kind in ("batch.completed", "taxonomy.materialized"):
        made = f"SELECT DISTINCT subject FROM events WHERE event_type = '{kind}'"
        assert set(rows_of(ledger, made)) == batches, f"batches with {kind}"
    assert record_batch_events(workspace.open(name)) == 0, "a batch untold of"
    ids = [id_ for id_, _ in outbox(ledger)]
    assert len(set(ids)) == len(ids), "a fact with two events"


def has_received_all(receiver: Receiver, ledger: Path) -> bool:
    """Whether every event of the outbox has arrived."""
    return set(receiver.ids) >= {id_ for id_, _ in outbox(ledger)}


def compare_receiver(receiver: Receiver, ledger: Path) -> None:
    """Every event arrived, nothing else did, and first arrivals keep the order of each subject."""
    events = outbox(ledger)
    got = list(dict.fromkeys(receiver.ids))
    assert set(got) == {id_ for id_, _ in events}, "events lost or invented on the way"
    assert by_subject(got, dict(events)) == by_subject([i for i, _ in events], dict(events))


def by_subject(ids: list[str], subjects: dict[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for id_ in ids:
        found.setdefault(subjects[id_], []).append(id_)
    return found


def rows_of(ledger: Path, query: str) -> list:
    """Ask the ledger's file itself, past the code that writes it."""
    with closing(sqlite3.connect(ledger)) as connection:
        return connection.execute(query).fetchall()
