from __future__ import annotations

import sqlite3
from threading import Thread

import pytest

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.paths import sqlite_url
from autolabel_core.ledger import Annotation, Arrival, AuditVerdict, Ledger, Request


def label(document: str, name: str, **further: object) -> Annotation:
    given = {"annotator": "me", "origin": "cli", "content_hash": "h", **further}
    return Annotation("c", document, f"{document}.png", name, **given)


def test_events_come_back_in_order_and_whole(url):
    rich = label(
        "d1",
        "Ünïcode 🦊 'quoted'",
        fields={"employee_id": "7"},
        reason="seen",
        provenance={"score": 0.9, "from": ["d2"]},
        source="promoted",
        recorded_at="2026-01-01T00:00:00",
    )
    events = [label("d2", "b"), rich, label("d2", None, action="withdraw"), label("d0", "z")]
    ledger = Ledger(url, now=lambda: "now")
    assert ledger.append_annotations(events[:2]) == 2
    assert Ledger(url).append_annotations([]) == 0
    assert ledger.append_annotations(events[2:]) == 2
    found = Ledger(url).annotations("c")
    assert [e.event_id for e in found] == [e.event_id for e in events]
    assert found[1] == rich
    assert [e.recorded_at for e in found] == ["now", "2026-01-01T00:00:00", "now", "now"]
    assert [e.event_id for e in ledger.annotations("c", "d2")] == [
        events[0].event_id,
        events[2].event_id,
    ]
    assert ledger.annotations("other") == []


def test_an_event_is_recorded_once(url):
    ledger = Ledger(url)
    one, two = label("d", "a", event_id="1"), label("d", "b", event_id="2")
    assert ledger.append_annotations([one, label("d", "c", event_id="1")]) == 1
    assert ledger.append_annotations([one, two]) == 1
    assert [e.label for e in ledger.annotations("c")] == ["a", "b"]


def test_many_events_are_compared_with_the_known(url):
    ledger = Ledger(url)
    events = [label(f"d{i}", "a", event_id=f"e{i}") for i in range(1200)]
    assert ledger.append_annotations(events[::2]) == 600
    assert ledger.append_annotations(events) == 600
    assert len(ledger.annotations("c")) == 1200


def test_all_or_nothing(url):
    ledger = Ledger(url)
    bad = label("d", "b", content_hash=None)
    with pytest.raises(AutolabelError, match="Nothing was recorded"):
        ledger.append_annotations([label("d", "a"), bad, label("d", "c")])
    assert ledger.annotations("c") == []


def test_what_is_appended_together_is_all_or_nothing(url):
    ledger = Ledger(url)
    request = Request("r", "c", "train")
    with pytest.raises(KeyboardInterrupt), ledger.together():
        assert ledger.append_annotations([label("d", "a")]) == 1
        assert ledger.append_requests([request]) == 1
        assert ledger.annotations("c") == [] and Ledger(url).annotations("c") == []
        raise KeyboardInterrupt
    assert ledger.annotations("c") == [] and ledger.requests("c", "train") == []
    with ledger.together():
        ledger.append_annotations([label("d", "a")])
        ledger.append_requests([request])
    assert len(Ledger(url).annotations("c")) == len(ledger.requests("c", "train")) == 1


def test_another_thread_takes_no_part_in_a_transaction(url):
    ledger = Ledger(url)
    other = Thread(target=ledger.append_annotations, args=([label("d", "theirs")],))
    with pytest.raises(KeyboardInterrupt), ledger.together():
        ledger.append_annotations([label("d", "ours")])
        other.start()
        raise KeyboardInterrupt
    other.join()
    assert [a.label for a in ledger.annotations("c")] == ["theirs"]


def test_the_ledger_offers_no_way_to_edit():
    methods = {name for name in dir(Ledger) if not name.startswith("_")}
    assert methods >= {"append_annotations", "record_arrivals", "append_audits"}
    assert not [name for name in methods if name.startswith(("update", "delete", "remove", "set"))]


def test_arrivals_keep_the_last_event_of_each_document(url):
    ledger = Ledger(url)
    first = [Arrival("d1", "a", "batch_000001", "created", "1")]
    second = [
        Arrival("d1", "a", "batch_000001", "deleted", "1"),
        Arrival("d2", "b", "batch_000001", "created", "1"),
    ]
    assert ledger.record_arrivals("c", lambda known: first if not known else []) == first
    assert ledger.record_arrivals("c", lambda known: second if known else []) == second
    assert ledger.objects("c") == {"d1": second[0], "d2": second[1]}
    assert ledger.objects("other") == {}


def test_a_decision_that_fails_appends_nothing(url):
    ledger = Ledger(url)
    with pytest.raises(ZeroDivisionError):
        ledger.record_arrivals("c", lambda known: 1 / 0)
    assert ledger.objects("c") == {}
    assert ledger.append_annotations([label("d", "a")]) == 1


def test_audits_come_back_in_order(url):
    ledger = Ledger(url)
    verdicts = [
        AuditVerdict("d1", "a", "h", "cat", "right", None, "me"),
        AuditVerdict("d1", "a", "h", "cat", "wrong", "dog", "me"),
    ]
    ledger.append_audits("c", verdicts)
    ledger.append_audits("c", [])
    assert Ledger(url).audits("c") == verdicts


UNUSABLE = {
    "no url": ("nonsense", "cannot be opened.*AUTOLABEL_LEDGER_URL"),
    "no driver": ("oracle://x/y", "cannot be opened"),
    "no server": ("postgresql+psycopg://u:secret@127.0.0.1:9/x", "cannot be used"),
    "a folder": ("sqlite:///{folder}", "cannot be used: unable to open"),
    "no database": ("sqlite:///{folder}/file", "cannot be used: file is not a database"),
    "no folder": ("sqlite:///{folder}/file/x.sqlite", "cannot be opened"),
}


@pytest.mark.parametrize(("template", "said"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_ledger_that_cannot_be_used_says_so(tmp_path, template, said):
    (tmp_path / "file").write_text("not a database, " * 100)
    with pytest.raises(AutolabelError, match=said) as caught:
        Ledger(template.format(folder=tmp_path)).annotations("c")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["with space", "hash#tag", "per%20cent", "ünï", "what?x=1"])
def test_the_ledger_lies_where_the_path_says(tmp_path, name):
    file = tmp_path / name / "ledger.sqlite"
    Ledger(sqlite_url(file)).append_annotations([label("d", "a")])
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT count(*) FROM annotations").fetchone() == (1,)


def test_a_full_disk_loses_nothing(tmp_path):
    """SQLite's own limit on pages stands for the disk."""
    ledger = Ledger(f"sqlite:///{tmp_path / 'l.sqlite'}")
    ledger.append_annotations([label("d", "a")])

    from sqlalchemy import event

    @event.listens_for(ledger.database.engine, "connect")
    def fill(connection, _record):
        connection.execute("PRAGMA max_page_count = 20")

    with pytest.raises(AutolabelError, match=r"disk is full.*Nothing was recorded"):
        ledger.append_annotations([label(f"d{i}", "x" * 500) for i in range(2000)])
    assert [e.label for e in ledger.annotations("c")] == ["a"]
