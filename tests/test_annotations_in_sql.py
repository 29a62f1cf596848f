"""What the database says of annotations is what Python says, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autolabel_core.ledger import Annotation, Ledger, effective_annotations
from autolabel_core.ledger.revocations import REINSTATE, REVOKE, REVOKED_EVENT

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
    wanted = data.draw(st.sets(st.sampled_from(DOCUMENTS)))
    ids = [event.event_id for event in events[:cut] if event.document_id in wanted]
    assert [e.event_id for e in ledger.annotations_of(name, wanted, until=last)] == ids
    assert ledger.annotated_after(name, last) == {e.document_id for e in events[cut:]}
