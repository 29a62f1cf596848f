"""Endpoints, events and a clock to deliver webhooks with."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from autolabel_core.declarations import Webhook
from autolabel_core.ledger import Event
from autolabel_core.webhooks.endpoints import Endpoint
from autolabel_core.webhooks.messages import new_secret
from autolabel_core.webhooks.outbox import Means, deliver

SECRET = new_secret(bytes(range(32)))
START = datetime(2030, 1, 1, tzinfo=UTC)


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
    means = Means(now=now or Means().now, rng=random.Random(0), environ=environ)
    told = deliver(ledger, endpoints, budget, means)
    return told[0] if len(told) == 1 else told
