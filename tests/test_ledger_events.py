"""Facts become events in the same transaction; deliveries, requests and firings are kept."""

from __future__ import annotations

import pytest
from test_ledger import label

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.ledger import (
    AlertFiring,
    Annotation,
    Arrival,
    Delivery,
    Event,
    Ledger,
    Request,
    Wanted,
)


def told(ledger: Ledger, after: int = 0) -> list[tuple[str, str]]:
    return [(e.event_type, e.subject) for e in ledger.events_after(after)]


def arrive(ledger: Ledger, *arrivals: tuple[str, str], collection: str = "c") -> None:
    given = [Arrival(d, f"{d}.png", "batch_000001", event, "1") for d, event in arrivals]
    ledger.record_arrivals(collection, lambda known: given)


def event(number: int, **further: object) -> Event:
    return Event(f"e{number}", "batch.completed", "c", f"batch_{number}", **further)


def test_arrivals_are_told(url):
    ledger = Ledger(url, now=lambda: "now")
    arrive(ledger, ("d1", "created"), ("d2", "created"))
    arrive(ledger)
    arrive(ledger, ("d1", "deleted"))
    arrive(ledger, ("d1", "created"))
    arrive(ledger, ("d1", "updated"), collection="other")
    found = ledger.events_after(0)
    assert told(ledger) == [
        ("collection.created", "c"),
        ("object.created", "d1"),
        ("object.created", "d2"),
        ("object.deleted", "d1"),
        ("object.created", "d1"),
        ("collection.created", "other"),
        ("object.updated", "d1"),
    ]
    assert len({e.event_id for e in found}) == 7
    assert [e.id for e in found] == sorted(e.id for e in found)
    assert ledger.last_event_id() == found[-1].id
    assert found[1].payload == {
        "collection": "c",
        "document_id": "d1",
        "key": "d1.png",
        "batch": "batch_000001",
        "version": "1",
    }


def test_annotations_are_told_as_created_once_for_each_document(url):
    ledger = Ledger(url)
    first = label("d1", "a", event_id="1")
    assert ledger.append_annotations([first, label("d1", "b"), label("d2", "c")]) == 3
    assert ledger.append_annotations([first, label("d2", None, action="withdraw")]) == 1
    other = Annotation("other", "d1", "d1.png", "a", "h", "me", "cli")
    assert ledger.append_annotations([other, first]) == 1
    assert told(ledger) == [
        ("annotation.created", "d1"),
        ("annotation.updated", "d1"),
        ("annotation.created", "d2"),
        ("annotation.updated", "d2"),
        ("annotation.created", "d1"),
    ]
    assert ledger.events_after(0)[3].payload["action"] == "withdraw"


def test_a_fact_that_is_not_recorded_is_not_told(url):
    ledger = Ledger(url)
    with pytest.raises(AutolabelError, match="Nothing was recorded"):
        ledger.append_annotations([label("d", "a"), label("e", "b", content_hash=None)])
    with pytest.raises(AutolabelError, match="Nothing was recorded"):
        arrive(ledger, ("d1", "created"), ("d2", None))
    assert told(ledger) == []


def test_derived_facts_are_told_once_and_read_by_a_cursor(url):
    ledger = Ledger(url, now=lambda: "now")
    given = [event(1), event(2, payload={"n": 1}, recorded_at="then"), event(1, payload={"n": 2})]
    assert ledger.append_events(given) == 2
    assert Ledger(url).append_events([event(2), event(3)]) == 1
    found = ledger.events_after(0)
    assert [(e.event_id, e.payload, e.recorded_at) for e in found] == [
        ("e1", {}, "now"),
        ("e2", {"n": 1}, "then"),
        ("e3", {}, found[2].recorded_at),
    ]
    assert ledger.events_after(0, limit=2) == found[:2]
    assert ledger.events_after(found[1].id) == found[2:]
    assert ledger.event("e2") == found[1]
    assert ledger.event("missing") is None


def test_what_is_pending_has_no_final_outcome(url):
    ledger = Ledger(url, now=lambda: "now")
    wanted = Wanted("hook")
    assert ledger.pending(wanted) == []
    ledger.append_events([event(number) for number in range(5)])
    failed = Delivery("hook", "e1", 1, "failed", 503, "busy", "later", "now")
    again = Delivery("hook", "e1", 2, "failed", None, "no answer", "later still", "now")
    ledger.append_deliveries(
        [
            Delivery("hook", "e0", 1, "delivered", 200),
            failed,
            Delivery("hook", "e2", 1, "abandoned", 410),
            Delivery("other", "e3", 1, "delivered", 200),
            again,
        ]
    )
    found = ledger.pending(wanted)
    assert [(p.event.event_id, p.last) for p in found] == [
        ("e1", again),
        ("e3", None),
        ("e4", None),
    ]
    assert [p.event.event_id for p in ledger.pending(wanted, limit=1)] == ["e1"]
    ledger.append_deliveries(
        [Delivery("hook", "e1", 3, "delivered"), Delivery("hook", "e4", 1, "delivered")]
    )
    assert [p.event.event_id for p in ledger.pending(wanted)] == ["e3"]
    ledger.append_deliveries([Delivery("hook", "e3", 1, "abandoned")])
    assert ledger.pending(wanted) == []
    ledger.append_events([event(9)])
    assert [p.event.event_id for p in ledger.pending(wanted)] == ["e9"]
    assert [p.event.event_id for p in Ledger(url).pending(wanted)] == ["e9"]
    assert ledger.deliveries("hook", "e1")[:2] == [failed, again]
    assert [d.outcome for d in ledger.deliveries("hook", limit=2)] == ["delivered", "abandoned"]


def test_an_endpoint_is_told_of_what_it_wants(url):
    ledger = Ledger(url)
    arrive(ledger, ("d1", "created"))
    arrive(ledger, ("d2", "created"), collection="other")
    start = ledger.last_event_id()
    arrive(ledger, ("d1", "updated"))

    def pending(**wanted: object) -> list[tuple[str, str]]:
        found = ledger.pending(Wanted("hook", **wanted))
        return [(p.event.event_type, p.event.subject) for p in found]

    created = frozenset({"object.created"})
    assert pending(event_types=created) == [("object.created", "d1"), ("object.created", "d2")]
    assert pending(event_types=created, collection="other") == [("object.created", "d2")]
    assert pending(after=start) == [("object.updated", "d1")]


def test_requests_are_kept_once(url):
    ledger = Ledger(url, now=lambda: "now")
    one = Request("r1", "c", "retrain", {"because": 5})
    two = Request("r2", "d", "retrain")
    assert ledger.append_requests([one, one]) == 1
    assert ledger.append_requests([one, two]) == 1
    found = ledger.requests()
    assert [(r.request_id, r.payload, r.recorded_at) for r in found] == [
        ("r1", {"because": 5}, "now"),
        ("r2", {}, "now"),
    ]
    assert ledger.requests("d", "retrain") == found[1:]
    assert ledger.requests("d", "something else") == []
    assert ledger.requests(after=found[0].id) == found[1:]


def test_firings_and_what_tells_of_them_are_one_transaction(url):
    ledger = Ledger(url, now=lambda: "now")
    firing = AlertFiring("c", "low coverage", "f1", 0.25, {"batch": "b"})
    ledger.append_alert_firings([firing], [event(1)])
    ledger.append_alert_firings([AlertFiring("c", "other", "f2")], [event(1)])
    with pytest.raises(AutolabelError):
        ledger.append_alert_firings([AlertFiring("c", None, "f3")], [event(2)])
    found = ledger.alert_firings()
    assert [(f.alert, f.value, f.payload) for f in found] == [
        ("low coverage", 0.25, {"batch": "b"}),
        ("other", None, {}),
    ]
    assert ledger.alert_firings("c", "other") == found[1:]
    assert [e.event_id for e in ledger.events_after(0)] == ["e1"]


def test_what_was_read_is_reused_and_stays_as_it_was(url):
    ledger, writer = Ledger(url), Ledger(url)
    arrive(writer, ("d1", "created"))
    before = ledger.objects("c")
    statements = count_statements(ledger)
    assert ledger.objects("c") == before
    assert statements() == 1
    arrive(writer, ("d2", "created"), ("d1", "deleted"))
    assert {d: a.event for d, a in ledger.objects("c").items()} == {
        "d1": "deleted",
        "d2": "created",
    }
    assert {d: a.event for d, a in before.items()} == {"d1": "created"}
    with pytest.raises(TypeError):
        before["d1"] = None
    writer.append_annotations([label("d1", "a")])
    ledger.annotations("c").clear()
    writer.append_annotations([label("d1", "b")])
    assert [a.label for a in ledger.annotations("c")] == ["a", "b"]


def count_statements(ledger: Ledger):
    from sqlalchemy import event as happening

    seen: list[str] = []
    happening.listen(
        ledger.database.engine,
        "before_cursor_execute",
        lambda _c, _cursor, statement, *_: seen.append(statement),
    )
    return lambda: len([s for s in seen if s != "BEGIN"])
