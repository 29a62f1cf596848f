"""The outbox reaches real servers: signed, at least once, in order, and it gives up in the end."""

from __future__ import annotations

import random
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError
from support.receivers import receiver

from autolabel_core.declarations import Webhook
from autolabel_core.ledger import Event, Ledger
from autolabel_core.notifications.webhooks.attempts import DeliveryContext, chains_due
from autolabel_core.notifications.webhooks.dispatcher import deliver
from autolabel_core.notifications.webhooks.endpoints import Endpoint, declare_endpoints
from autolabel_core.notifications.webhooks.messages import new_secret
from autolabel_core.notifications.webhooks.retry_schedule import MAX_ATTEMPTS

SECRET = new_secret(bytes(range(32)))
START = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path):
    return Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")


def endpoint(url, name="c/w/webhook", **keys):
    keys = {"allow_private": True, "timeout_seconds": 2.0, **keys}
    hook = Webhook.model_validate({"name": "w", "url": url, **keys})
    return Endpoint(name, hook.channels[0], "c", frozenset(hook.events))


def record(ledger, *subjects, kind="object.created"):
    """Append one event for each subject, and return their ids."""
    first = ledger.last_event_id()
    events = [Event(f"e{first + i}", kind, "c", s, {"n": i}) for i, s in enumerate(subjects)]
    ledger.append_events(events)
    return [event.event_id for event in events]


class Clock:
    """A clock that is set by hand."""

    def __init__(self):
        self.moment = START

    def __call__(self):
        return self.moment

    def advance(self, seconds):
        self.moment += timedelta(seconds=seconds)


def run(ledger, *endpoints, now=None, budget=20.0, **environ):
    means = DeliveryContext(now=now or DeliveryContext().now, rng=random.Random(0), environ=environ)
    told = deliver(ledger, endpoints, budget, means)
    return told[0] if len(told) == 1 else told


def test_an_event_arrives_signed_with_its_id(ledger):
    with receiver() as server:
        one = endpoint(server.url, secret_env="KEY", headers={"X-Team": "shop"})
        declare_endpoints(ledger, [one])
        record(ledger, "doc")
        assert run(ledger, one, KEY=SECRET).delivered == 1
        got = server.requests[0]
    body = Verifier(SECRET).verify(got.content, got.headers)
    assert body == {"type": "object.created", "timestamp": body["timestamp"], "data": {"n": 0}}
    assert got.id == "e0" and got.headers["x-team"] == "shop"
    tampered = got.content.replace(b"created", b"deleted")
    with pytest.raises(WebhookVerificationError):
        Verifier(SECRET).verify(tampered, got.headers)


def test_two_secrets_sign_twice_while_one_replaces_the_other(ledger):
    other = new_secret(bytes(24))
    with receiver() as server:
        one = endpoint(server.url, secret_env="KEY")
        declare_endpoints(ledger, [one])
        record(ledger, "doc")
        run(ledger, one, KEY=f"{SECRET} {other}")
        got = server.requests[0]
    for secret in (SECRET, other):
        Verifier(secret).verify(got.content, got.headers)


def test_an_endpoint_begins_where_it_was_declared(ledger):
    record(ledger, "before")
    with receiver() as server, receiver() as history:
        new = endpoint(server.url)
        old = Endpoint("c/all/webhook", endpoint(history.url).channel, "c", new.event_types)
        old = Endpoint(**{**vars(old), "from_beginning": True})
        run(ledger, new, old)
        record(ledger, "after")
        run(ledger, new, old)
        assert server.ids == ["e1"]
        assert sorted(history.ids) == ["e0", "e1"]


def test_only_the_declared_types_and_collections_are_told(ledger):
    with receiver() as server:
        one = Endpoint("c/w/webhook", endpoint(server.url).channel, "c", frozenset({"a.b"}))
        declare_endpoints(ledger, [one])
        ledger.append_events(
            [Event("x", "a.c", "c", "s"), Event("y", "a.b", "d", "s"), Event("z", "a.b", "c", "s")]
        )
        run(ledger, one)
        assert server.ids == ["z"]


def test_a_second_pass_tells_nothing_twice(ledger):
    with receiver() as server:
        one = endpoint(server.url)
        declare_endpoints(ledger, [one])
        record(ledger, *"abc")
        assert run(ledger, one).delivered == 3
        assert run(ledger, one).delivered == 0
        assert len(server.requests) == 3


def test_events_of_one_object_arrive_in_order_while_others_overtake(ledger):
    rng = random.Random(1)
    subjects = [f"doc{rng.randrange(12)}" for _ in range(300)]
    fails = {f"e{i}" for i in rng.sample(range(300), 40)}
    seen = set()

    def moody(request):
        time.sleep(rng.random() * 0.004)
        first = request.id not in seen
        seen.add(request.id)
        return (
            (500, {}, b"")
            if first and request.id in fails and rng.random() < 0.5
            else (200, {}, b"")
        )

    clock = Clock()
    with receiver(moody) as server:
        one = endpoint(server.url)
        declare_endpoints(ledger, [one])
        ids = record(ledger, *subjects)
        for _ in range(40):
            run(ledger, one, now=clock)
            clock.advance(100_000)
    arrived = list(dict.fromkeys(reversed(server.ids)))[::-1]
    assert sorted(arrived) == sorted(ids)
    for subject in set(subjects):
        own = [i for i, s in zip(ids, subjects, strict=True) if s == subject]
        assert [i for i in arrived if i in own] == own


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
