"""Sends one event at once: a test, or an event that is delivered again."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace

from autolabel_core.foundation.errors import NotFoundError
from autolabel_core.ledger import Delivery, Event, Ledger, Pending
from autolabel_core.notifications.webhooks.apprise_sender import person_sender
from autolabel_core.notifications.webhooks.attempts import DeliveryContext, outcome_of
from autolabel_core.notifications.webhooks.endpoints import DISABLED, Endpoint, access, mark
from autolabel_core.notifications.webhooks.http_sender import GONE, Answer, http_sender
from autolabel_core.notifications.webhooks.retry_schedule import moment_after

TEST_EVENT = "webhook.test"


def send_now(endpoint: Endpoint, event: Event, context: DeliveryContext | None = None) -> Answer:
    """Send one event, whatever its state; nothing is recorded.

    Args:
        endpoint: where to.
        event: what.
        context: clock, environment and resolver.

    Returns:
        What came of it.
    """
    used = context or DeliveryContext()

    async def once() -> Answer:
        known = access(endpoint, used.environ)
        if endpoint.is_for_people:
            async with person_sender(endpoint, known, used.resolver) as send_message:
                return await send_message([event], used.now())
        async with http_sender(endpoint, known, used.resolver) as send:
            return await send(event, used.now())

    return asyncio.run(once())


def test_event(endpoint: Endpoint, context: DeliveryContext | None = None) -> Event:
    """Return an event that tells nothing but that the endpoint is reached."""
    at = moment_after((context or DeliveryContext()).now(), 0.0)
    payload = {"endpoint": endpoint.name, "message": "autolabel reaches this endpoint"}
    collection = endpoint.name.partition("/")[0]
    return Event(f"test_{uuid.uuid4().hex}", TEST_EVENT, collection, "test", payload, at)


def redeliver(
    ledger: Ledger, endpoint: Endpoint, event_id: str, context: DeliveryContext | None = None
) -> Delivery:
    """Send an event again under its own id, and record what came of it.

    Args:
        ledger: holds events and deliveries.
        endpoint: where to.
        event_id: which event.
        context: clock, environment, chance and resolver.

    Returns:
        The attempt. An event that was given up stays given up when it fails again.

    Raises:
        NotFoundError: there is no such event.
    """
    used = context or DeliveryContext()
    event = ledger.event(event_id)
    if event is None:
        raise NotFoundError(
            f"No event `{event_id}`. `autolabel webhooks deliveries --failed` lists those that "
            "did not arrive."
        )
    past = ledger.deliveries(endpoint.name, event_id)
    last = past[-1] if past else None
    answer = send_now(endpoint, event, used)
    attempt = last.attempt + 1 if last else 1
    now = used.now()
    row = outcome_of(endpoint.name, Pending(event, last), attempt, answer, now, used.rng)
    if row.outcome == "failed" and any(d.outcome == "abandoned" for d in past):
        row = replace(row, outcome="abandoned", next_attempt_at=None)
    rows = [row]
    if answer.status_code == GONE:
        rows.append(
            mark(endpoint, DISABLED, address_hash=access(endpoint, used.environ).address_hash)
        )
    ledger.append_deliveries(rows)
    return row
