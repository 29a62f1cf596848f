"""The outbox reaches real servers: signed, at least once, in order, and it gives up in the end."""

from __future__ import annotations

import random
import time

import pytest
from receivers import receiver
from standardwebhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from autolabel_core.ledger import Event, Ledger
from autolabel_core.webhooks.endpoints import Endpoint, declare_endpoints
from autolabel_core.webhooks.messages import new_secret
from tests.webhook_samples import SECRET, Clock, endpoint, record, run


@pytest.fixture
def ledger(tmp_path):
    return Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")


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
