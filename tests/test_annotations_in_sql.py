"""What the database says of annotations is what Python says, on SQLite and PostgreSQL."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from autolabel_core.foundation.paths import sqlite_url
from autolabel_core.ledger import Annotation, Ledger, effective_annotations
from autolabel_core.ledger.revocations import REINSTATE, REVOKE, REVOKED_EVENT
from autolabel_core.ledger.schema import ANNOTATIONS

fresh = count()
DOCUMENTS, CONTENTS, LABELS = ("a", "b", "c"), ("one", "two"), ("cat", "cats", "dog", "Ünı", "Dog")
words = st.builds(
    lambda document, content, label, annotator, source, origin: Annotation(
        collection="",
        document_id=document,
        key=document,
        label=label,
        action="withdraw" if label is None else "label",
        content_hash=content,
        annotator=annotator,
        source=source,
        origin=origin,
        fields={"f": str(label)},
    ),
    st.sampled_from(DOCUMENTS),
    st.sampled_from(CONTENTS),
    st.sampled_from((*LABELS, None, None)),
    st.sampled_from(("ann", "bob", "metadata")),
    st.sampled_from(("human", "human", "promoted")),
    st.sampled_from(("cli", "csv", "metadata", "filename", "moved")),
)


def about(event, action):
    """Take an event back, or give it back."""
    return replace(
        event,
        action=action,
        label=None,
        fields={},
        annotator="carla",
        provenance={REVOKED_EVENT: event.event_id},
        event_id=f"{action} {next(fresh)}",
    )


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    history=st.lists(words, max_size=25),
    revoked=st.lists(st.tuples(st.integers(0, 24), st.sampled_from([REVOKE, REVOKE, REINSTATE]))),
)
def test_the_database_agrees_with_python(url, history, revoked):
    ledger = Ledger(url)
    name = f"collection_{next(fresh)}"
    events = [Annotation(**{**vars(event), "collection": name}) for event in history]
    revocations = [about(events[i], action) for i, action in revoked if i < len(events)]
    ledger.append_annotations([*events, *revocations])
    last_action = {r.provenance[REVOKED_EVENT]: r.action for r in revocations}
    counting = [e for e in events if last_action.get(e.event_id) != REVOKE]
    recorded = ledger.annotations(name)
    assert [e.event_id for e in recorded] == [e.event_id for e in counting]
    holding = {
        (event.document_id, event.content_hash): event.event_id
        for content in CONTENTS
        for event in effective_annotations(recorded, dict.fromkeys(DOCUMENTS, content)).values()
    }
    found = ledger.holding_annotations(name)
    assert {(e.document_id, e.content_hash): e.event_id for e in found} == holding
    assert len(found) == len(holding)
    last = {event.document_id: event.content_hash for event in recorded}
    uses = Counter(event.label for event in effective_annotations(recorded, last).values())
    assert {label: ledger.uses_of(name, label) for label in LABELS} == {
        label: uses[label] for label in LABELS
    }
    assert all(ledger.is_in_use(name, label) == (uses[label] > 0) for label in LABELS)
    assert sorted(ledger.labels_given(name)) == sorted({e.label for e in events if e.label})


def named(event_id):
    """An annotation of the collection `c`."""
    return Annotation(
        collection="c",
        document_id="a",
        key="a",
        label="cat",
        content_hash="one",
        source="human",
        annotator="ann",
        origin="cli",
        event_id=event_id,
    )


def numbered(ledger, name):
    """Id and event of each annotation, in order."""
    query = select(ANNOTATIONS.c.id, ANNOTATIONS.c.event_id).order_by(ANNOTATIONS.c.id)
    with ledger.database.reading() as connection:
        return list(connection.execute(query.where(ANNOTATIONS.c.collection == name)))


def counted(ledger, name, until):
    """The position by looking at every annotation."""
    rows = [row for row in numbered(ledger, name) if until is None or row[0] <= until]
    return (len(rows), *(rows[-1] if rows else (0, "")))


def test_another_database_in_place_of_the_first_is_counted_anew(tmp_path):
    ledgers = {
        name: Ledger(sqlite_url(tmp_path / f"{name}.sqlite")) for name in ("first", "other", "both")
    }
    for name, events in {"first": 5, "other": 3}.items():
        ledgers[name].append_annotations([named(f"{name} {n}") for n in range(events)])
        ledgers[name].database.engine.dispose()
    place = tmp_path / "both.sqlite"
    positions = []
    for name in ("first", "other", "first"):
        ledgers["both"].database.engine.dispose()
        for left in tmp_path.glob("both.sqlite-*"):
            left.unlink()
        shutil.copy(tmp_path / f"{name}.sqlite", place)
        positions.append(ledgers["both"].annotation_position("c"))
    assert positions == [(5, 5, "first 4"), (3, 3, "other 2"), (5, 5, "first 4")]


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), history=st.lists(words, max_size=12))
def test_some_documents_are_read_as_of_a_moment(url, data, history):
    ledger = Ledger(url)
    name = f"collection_{next(fresh)}"
    events = [Annotation(**{**vars(event), "collection": name}) for event in history]
    cut = data.draw(st.integers(0, len(events)))
    ledger.append_annotations(events[:cut])
    position = ledger.annotation_position(name)
    number, last, newest = position
    assert (number, newest) == (cut, events[cut - 1].event_id if cut else "")
    ledger.append_annotations(events[cut:])
    assert ledger.annotation_position(name, until=last) == position
    ids = [0, *(id_ for id_, _ in numbered(ledger, name))]
    for until in data.draw(st.lists(st.sampled_from([*ids, None]), max_size=6)):
        assert ledger.annotation_position(name, until) == counted(ledger, name, until)
        assert Ledger(url).annotation_position(name, until) == counted(ledger, name, until)
    wanted = data.draw(st.sets(st.sampled_from(DOCUMENTS)))
    ids = [event.event_id for event in events[:cut] if event.document_id in wanted]
    assert [e.event_id for e in ledger.annotations_of(name, wanted, until=last)] == ids
    assert ledger.annotated_after(name, last) == {e.document_id for e in events[cut:]}
