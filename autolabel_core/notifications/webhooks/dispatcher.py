"""Delivers the outbox to every endpoint: at least once, in order for each object.

An attempt is recorded before the next event of the same object is sent. A process that is killed in
between sends again under the same id. Attempts that end together are recorded together.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.retry_after import LONGEST_SECONDS
from autolabel_core.ledger import Delivery, Ledger, Pending
from autolabel_core.notifications.webhooks.attempts import (
    SETTLED_EVERY,
    DeliveryContext,
    PassResult,
    chains_due,
    outcome_of,
)
from autolabel_core.notifications.webhooks.batched_recorder import Recorder
from autolabel_core.notifications.webhooks.endpoints import (
    DISABLED,
    SETTLED,
    Access,
    Endpoint,
    State,
    access,
    declare_endpoints,
    endpoint_state,
    mark,
)
from autolabel_core.notifications.webhooks.http_sender import (
    GONE,
    MAX_CONNECTIONS,
    Answer,
    Send,
    http_sender,
)
from autolabel_core.notifications.webhooks.message_pass import message_passes
from autolabel_core.notifications.webhooks.retry_schedule import moment_after

PAGE = 1000
"""Pending events that are read at once."""
LONGEST_PAGE = 16_000
FAILURES_IN_A_ROW = 8
"""After so many the endpoint is taken to be down, and is left alone until the next pass."""


def deliver(
    ledger: Ledger,
    endpoints: Sequence[Endpoint],
    budget_seconds: float,
    context: DeliveryContext | None = None,
) -> list[PassResult]:
    """Send every endpoint the events that are due now.

    Args:
        ledger: holds events and deliveries.
        endpoints: all that are declared.
        budget_seconds: no request is begun later than this; one takes 15 seconds at most.
        context: clocks, chance, environment and resolver.

    Returns:
        What was done at each endpoint that is enabled. The rest is for the next pass.
    """
    context = context or DeliveryContext()
    declare_endpoints(ledger, endpoints)
    until = context.monotonic() + budget_seconds
    return asyncio.run(_deliver(ledger, [e for e in endpoints if e.enabled], until, context))


async def _deliver(
    ledger: Ledger, endpoints: list[Endpoint], until: float, context: DeliveryContext
) -> list[PassResult]:
    programs = [endpoint for endpoint in endpoints if not endpoint.is_for_people]
    people = [endpoint for endpoint in endpoints if endpoint.is_for_people]
    async with Recorder(ledger) as recorder:
        # One endpoint's error must not cut off the others: all end, and are recorded, before it is
        # raised.
        passes = [
            *(_Pass(ledger, endpoint, recorder, until, context) for endpoint in programs),
            *message_passes(ledger, people, recorder, until, context),
        ]
        outcomes = await asyncio.gather(*(p.run() for p in passes), return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    results = {result.endpoint: result for p in passes for result in p.results}
    return [results[endpoint.name] for endpoint in endpoints]


class _Pass:
    """One pass over the outbox of one webhook."""

    def __init__(
        self,
        ledger: Ledger,
        endpoint: Endpoint,
        recorder: Recorder,
        until: float,
        context: DeliveryContext,
    ) -> None:
        self._ledger = ledger
        self._endpoint = endpoint
        self._recorder = recorder
        self._until = until
        self._context = context
        self._failures_in_a_row = 0
        self._waits = False
        self.result = PassResult(endpoint.name)

    @property
    def results(self) -> list[PassResult]:
        """What was done."""
        return [self.result]

    async def run(self) -> None:
        try:
            # The ledger blocks. In a thread it does not hold up the requests of other endpoints.
            state = await asyncio.to_thread(endpoint_state, self._ledger, self._endpoint)
            known = access(self._endpoint, self._context.environ)
            # It was switched off by 410 Gone; another address in the declaration switches it on.
            if state.disabled_address == known.address_hash:
                self.result.disabled = True
                return
            if await asyncio.to_thread(self._is_asked_to_wait):
                return
            async with http_sender(self._endpoint, known, self._context.resolver) as send:
                await self._empty(send, state, known)
        except AutolabelError as error:
            self.result.problem = str(error)

    def _is_asked_to_wait(self) -> bool:
        now = moment_after(self._context.now(), 0.0)
        return any(
            d.outcome == "failed"
            and d.retry_after_seconds is not None
            and now
            < (d.next_attempt_at or "")
            <= moment_after(self._context.now(), LONGEST_SECONDS)
            for d in self._ledger.deliveries(self._endpoint.name, limit=2 * MAX_CONNECTIONS)
        )

    @property
    def _is_over(self) -> bool:
        gives_up = self._failures_in_a_row >= FAILURES_IN_A_ROW
        return self._waits or gives_up or self._context.monotonic() >= self._until

    async def _empty(self, send: Send, state: State, known: Access) -> None:
        wanted, page = self._endpoint.wanted(state.after or 0), PAGE
        while True:
            # Before `pending`: an event that is appended in between must not count as settled.
            newest = await asyncio.to_thread(self._ledger.last_event_id)
            pending = await asyncio.to_thread(self._ledger.pending, wanted, page)
            settled = pending[0].event.id - 1 if pending else newest
            chains = deque(chains_due(pending, self._context.now()))
            if self._is_over or (not chains and (len(pending) < page or page >= LONGEST_PAGE)):
                break
            # A whole page waits for its retries: what is due now may lie behind it.
            page = page if chains else page * 4
            async with asyncio.TaskGroup() as group:
                for _ in range(min(MAX_CONNECTIONS, len(chains))):
                    group.create_task(self._work(chains, send))
        if settled >= (state.after or 0) + SETTLED_EVERY:
            await self._recorder.record(mark(self._endpoint, SETTLED, settled_to=settled))
        if self.result.disabled:
            await self._recorder.record(
                mark(self._endpoint, DISABLED, address_hash=known.address_hash)
            )

    async def _work(self, chains: deque[list[Pending]], send: Send) -> None:
        while chains and not self._is_over:
            # A worker takes all events of an object, so that they are sent in order.
            for pending in chains.popleft():
                if self._is_over:
                    return
                now = self._context.now()
                answer = await send(pending.event, now)
                attempt = pending.last.attempt + 1 if pending.last else 1
                outcome = outcome_of(
                    self._endpoint.name, pending, attempt, answer, now, self._context.rng
                )
                await self._recorder.record(outcome)
                self._count(outcome, answer)
                # Later events of the object wait until this one has arrived or is given up.
                if outcome.outcome == "failed":
                    break

    def _count(self, outcome: Delivery, answer: Answer) -> None:
        setattr(self.result, outcome.outcome, getattr(self.result, outcome.outcome) + 1)
        self._failures_in_a_row = 0 if answer.delivered else self._failures_in_a_row + 1
        if answer.status_code == GONE:
            self.result.disabled = True
        self._waits |= self.result.disabled or answer.retry_after_seconds is not None
