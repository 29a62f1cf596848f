"""Delivers what people are told: events that wait for one address leave in one message."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from random import Random

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.ledger import Ledger, Pending
from autolabel_core.notifications.webhooks.apprise_sender import SendTogether, person_sender
from autolabel_core.notifications.webhooks.attempts import (
    SETTLED_EVERY,
    DeliveryContext,
    PassResult,
    chains_due,
    outcome_of,
)
from autolabel_core.notifications.webhooks.batched_recorder import Recorder
from autolabel_core.notifications.webhooks.endpoints import (
    SETTLED,
    Access,
    Endpoint,
    access,
    endpoint_state,
    mark,
)

MAX_EVENTS = 25
"""Events of one message; more of them leave in further messages."""


class MessagePass:
    """One pass over the outboxes of endpoints that have one address.

    Args:
        ledger: holds events and deliveries.
        endpoints: with one address and one channel's settings.
        known: the address.
        recorder: records attempts.
        until: no message is begun after this moment of the context's monotonic clock.
        context: clocks, chance, environment and resolver.
    """

    def __init__(
        self,
        ledger: Ledger,
        endpoints: Sequence[Endpoint],
        known: Access,
        recorder: Recorder,
        until: float,
        context: DeliveryContext,
    ) -> None:
        self._ledger = ledger
        self._endpoints = {endpoint.name: endpoint for endpoint in endpoints}
        self._channel = endpoints[0].channel
        self._known = known
        self._recorder = recorder
        self._until = until
        self._context = context
        self._results = {endpoint.name: PassResult(endpoint.name) for endpoint in endpoints}

    @property
    def results(self) -> list[PassResult]:
        """What was done at each endpoint."""
        return list(self._results.values())

    async def run(self) -> None:
        """Send what is due, until nothing is, or a message fails."""
        first = next(iter(self._endpoints.values()))
        try:
            async with person_sender(first, self._known, self._context.resolver) as send:
                await self._empty(send)
        except AutolabelError as error:
            for result in self.results:
                result.problem = str(error)

    async def _empty(self, send: SendTogether) -> None:
        arrives = True
        while arrives and self._context.monotonic() < self._until:
            due = await asyncio.to_thread(self._due)
            if not is_complete((p for _, p in due), self._channel.group_wait_seconds, self._now):
                return
            arrives = await self._send(send, due[:MAX_EVENTS])

    def _due(self) -> list[tuple[str, Pending]]:
        """Return endpoint and event of all that is due, in the order of the events."""
        due: list[tuple[str, Pending]] = []
        for name, endpoint in self._endpoints.items():
            after = endpoint_state(self._ledger, endpoint).after or 0
            # Before `pending`: an event that is appended in between must not count as settled.
            newest = self._ledger.last_event_id()
            pending = self._ledger.pending(endpoint.wanted(after))
            due += [(name, one) for chain in chains_due(pending, self._now) for one in chain]
            if not pending and newest >= after + SETTLED_EVERY:
                self._ledger.append_deliveries([mark(endpoint, SETTLED, settled_to=newest)])
        return sorted(due, key=lambda found: found[1].event.id)

    @property
    def _now(self) -> datetime:
        return self._context.now()

    async def _send(self, send: SendTogether, due: Sequence[tuple[str, Pending]]) -> bool:
        now = self._now
        # One seed for all: what failed together is due again together.
        seed = self._context.rng.random()
        answer = await send([pending.event for _, pending in due], now)
        for name, pending in due:
            attempt = pending.last.attempt + 1 if pending.last else 1
            outcome = outcome_of(name, pending, attempt, answer, now, Random(seed))
            await self._recorder.record(outcome)
            counts = self._results[name]
            setattr(counts, outcome.outcome, getattr(counts, outcome.outcome) + 1)
        return answer.delivered


def is_complete(due: Iterable[Pending], wait_seconds: float, now: datetime) -> bool:
    """Whether what is due may leave now, or waits for others to leave with it.

    Args:
        due: events with their last attempts.
        wait_seconds: how long an event waits for others; at least 0.
        now: the present moment, in UTC. An event from the future does not wait: the clock went
            back.

    Returns:
        Whether anything is due that waited for so long, or failed before.
    """
    for pending in due:
        age = now - datetime.fromisoformat(pending.event.recorded_at)
        if pending.last is not None or not timedelta(0) <= age < timedelta(seconds=wait_seconds):
            return True
    return False


def message_passes(
    ledger: Ledger,
    endpoints: Iterable[Endpoint],
    recorder: Recorder,
    until: float,
    context: DeliveryContext,
) -> list[MessagePass | FailedPass]:
    """Group endpoints by address, so that people get one message of all that concerns them.

    Args:
        ledger: holds events and deliveries.
        endpoints: of the channels for people.
        recorder: records attempts.
        until: no message is begun after this moment of the context's monotonic clock.
        context: clocks, chance, environment and resolver.

    Returns:
        One pass for each address, and one for each endpoint without any.
    """
    groups: dict[tuple[object, ...], list[Endpoint]] = {}
    passes: list[MessagePass | FailedPass] = []
    for endpoint in endpoints:
        try:
            known = access(endpoint, context.environ)
        except AutolabelError as error:
            passes.append(FailedPass(endpoint, str(error)))
            continue
        channel = endpoint.channel
        settings = (channel.allow_private, channel.timeout_seconds, channel.group_wait_seconds)
        groups.setdefault((channel.channel, known.url, *settings), []).append(endpoint)
    for group in groups.values():
        known = access(group[0], context.environ)
        passes.append(MessagePass(ledger, group, known, recorder, until, context))
    return passes


class FailedPass:
    """What is left of a pass whose endpoint has no address.

    Args:
        endpoint: whose.
        problem: what a person has to cure.
    """

    def __init__(self, endpoint: Endpoint, problem: str) -> None:
        self.results = [PassResult(endpoint.name, problem=problem)]

    async def run(self) -> None:
        """Do nothing."""
