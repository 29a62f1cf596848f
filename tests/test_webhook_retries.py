"""What is not delivered is tried again, in order, and given up only after the schedule."""

from __future__ import annotations

import random
import threading
import time

import pytest
from receivers import receiver

from autolabel_core.ledger import Event, Ledger
from autolabel_core.webhooks.endpoints import declare_endpoints
from autolabel_core.webhooks.outbox import chains_due
from autolabel_core.webhooks.schedule import MAX_ATTEMPTS, retry_after_seconds, wait_seconds
from tests.webhook_samples import START, Clock, endpoint, record, run


@pytest.fixture
def ledger(tmp_path):
    return Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")


@pytest.mark.parametrize(
    ("status", "headers", "said"),
    [
        (500, {}, "broken"),
        (404, {}, "broken"),
        (302, {"Location": "http://127.0.0.1:1/"}, "redirects are not followed"),
        (199 + 400, {}, "broken"),
    ],
)
def test_an_answer_other_than_2xx_is_tried_again_later(ledger, status, headers, said):
    clock = Clock()
    with receiver(lambda _r: (status, headers, b"broken")) as server:
        one = endpoint(server.url)
        declare_endpoints(ledger, [one])
        record(ledger, "doc", "doc")
        assert run(ledger, one, now=clock).failed == 1
        assert run(ledger, one, now=clock).failed == 0
        [tried] = ledger.undelivered(one.name)
        assert (tried.status_code, tried.attempt) == (status, 1)
        assert said in tried.detail
        clock.advance(13)
        server.answer = lambda _r: (204, {}, b"")
        assert run(ledger, one, now=clock).delivered == 2
        assert server.ids == ["e0", "e0", "e1"]
        assert not ledger.undelivered(one.name)


def test_a_receiver_that_hangs_or_refuses_is_tried_again(ledger):
    stop = threading.Event()
    with receiver(lambda _r: (stop.wait(5), (200, {}, b""))[1]) as server:
        hanging = endpoint(server.url, name="c/hangs/webhook", timeout_seconds=0.2)
        refusing = endpoint("http://127.0.0.1:9/", name="c/refuses/webhook")
        nowhere = endpoint("http://no-such-host.invalid/", name="c/nowhere/webhook")
        declare_endpoints(ledger, [hanging, refusing, nowhere])
        record(ledger, "doc")
        assert [told.failed for told in run(ledger, hanging, refusing, nowhere)] == [1, 1, 1]
        stop.set()
    assert ledger.undelivered(hanging.name)[0].detail == "no answer within 0.2 s"
    assert "ConnectError" in ledger.undelivered(refusing.name)[0].detail
    assert "has no address" in ledger.undelivered(nowhere.name)[0].detail


def test_retry_after_holds_back_the_whole_endpoint(ledger):
    clock = Clock()
    with receiver(lambda _r: (429, {"Retry-After": "120"}, b"slow down")) as server:
        one = endpoint(server.url)
        declare_endpoints(ledger, [one])
        record(ledger, *(f"doc{i}" for i in range(100)))
        run(ledger, one, now=clock)
        asked = len(server.requests)
        assert asked <= 40
        server.answer = lambda _r: (200, {}, b"")
        clock.advance(119)
        run(ledger, one, now=clock)
        assert len(server.requests) == asked
        clock.advance(2)
        assert run(ledger, one, now=clock).delivered == 100


def test_gone_switches_an_endpoint_off_until_its_address_changes(ledger):
    with receiver(lambda _r: (410, {}, b"")) as gone, receiver() as fresh:
        declare_endpoints(ledger, [endpoint(gone.url)])
        record(ledger, "doc")
        assert run(ledger, endpoint(gone.url)).disabled
        assert run(ledger, endpoint(gone.url)).disabled
        assert len(gone.requests) == 1
        assert run(ledger, endpoint(fresh.url)).delivered == 1


def test_what_never_arrives_is_given_up_and_no_longer_in_the_way(ledger):
    clock = Clock()
    with receiver(lambda r: (200 if r.id == "e1" else 500, {}, b"no")) as server:
        one = endpoint(server.url)
        declare_endpoints(ledger, [one])
        record(ledger, "doc", "doc")
        for _ in range(MAX_ATTEMPTS + 3):
            run(ledger, one, now=clock)
            clock.advance(130_000)
        assert server.ids == ["e0"] * MAX_ATTEMPTS + ["e1"]
    [given_up] = ledger.undelivered(one.name)
    assert (given_up.outcome, given_up.attempt) == ("abandoned", MAX_ATTEMPTS)


def test_an_endpoint_that_is_down_is_not_asked_for_every_event(ledger):
    one = endpoint("http://127.0.0.1:9/")
    declare_endpoints(ledger, [one])
    record(ledger, *(f"doc{i}" for i in range(500)))
    assert run(ledger, one).failed < 100


def test_a_poisoned_object_does_not_starve_the_others(ledger):
    clock = Clock()
    with receiver(lambda r: (500 if r.body["data"]["bad"] else 200, {}, b"")) as server:
        one = endpoint(server.url)
        declare_endpoints(ledger, [one])
        poisoned = [
            Event(f"p{i}", "object.updated", "c", "bad", {"bad": True}) for i in range(1200)
        ]
        well = Event("well", "object.updated", "c", "good", {"bad": False})
        ledger.append_events([*poisoned, well])
        run(ledger, one, now=clock)
        assert "well" in server.ids
        assert len(server.requests) == 2


def test_the_budget_ends_a_pass_and_the_next_goes_on(ledger):
    with receiver(lambda _r: (time.sleep(0.05), (200, {}, b""))[1]) as server:
        one = endpoint(server.url)
        declare_endpoints(ledger, [one])
        record(ledger, *["doc"] * 12)
        first = run(ledger, one, budget=0.3).delivered
        assert 1 <= first < 12
        assert run(ledger, one).delivered == 12 - first
        assert server.ids == [f"e{i}" for i in range(12)]


def test_one_endpoint_with_a_problem_keeps_no_other_waiting(ledger):
    with receiver() as server:
        bad = endpoint(server.url, name="c/bad/webhook", secret_env="UNSET_KEY")
        weak = endpoint(server.url, name="c/weak/webhook", secret_env="WEAK")
        good = endpoint(server.url, name="c/good/webhook")
        declare_endpoints(ledger, [bad, weak, good])
        record(ledger, "doc")
        told = run(ledger, bad, weak, good, WEAK="whsec_c2hvcnQ=")
    assert [t.delivered for t in told] == [0, 0, 1]
    assert "UNSET_KEY" in told[0].problem and "24 to 64 bytes" in told[1].problem
    assert "c2hvcnQ" not in told[1].problem


def test_waits_grow_fourfold_up_to_a_day_with_a_quarter_of_jitter():
    rng = random.Random(3)
    waits = [wait_seconds(n, rng) for n in range(1, MAX_ATTEMPTS)]
    for n, wait in enumerate(waits):
        plain = min(10 * 4**n, 86_400)
        assert plain <= wait <= 1.25 * plain
    assert wait_seconds(MAX_ATTEMPTS, rng) is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("99999999", 86_400),
        ("Tue, 01 Jan 2030 00:02:00 GMT", 120),
        ("Mon, 31 Dec 2029 00:00:00 GMT", 0),
        ("-5", None),
        ("soon", None),
        ("١٢", None),
        ("9" * 5000, None),
        (None, None),
    ],
)
def test_retry_after_is_read_in_both_forms(header, seconds):
    assert retry_after_seconds(header, START) == seconds


def test_a_clock_that_went_back_does_not_postpone_for_years(ledger):
    clock = Clock()
    with receiver(lambda _r: (500, {}, b"")) as server:
        one = endpoint(server.url)
        declare_endpoints(ledger, [one])
        record(ledger, "doc")
        run(ledger, one, now=clock)
        clock.advance(-10 * 365 * 86_400)
        assert len(chains_due(ledger.pending(one.wanted(0)), clock())) == 1
        run(ledger, one, now=clock)
        assert len(server.requests) == 2
