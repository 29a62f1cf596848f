"""One attempt at a delivery: what is due, and what is recorded of its answer."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from random import Random

from autolabel_core.foundation.network.guarded_network import Resolve, resolve
from autolabel_core.foundation.retry_after import LONGEST_SECONDS
from autolabel_core.ledger import Delivery, Pending
from autolabel_core.notifications.webhooks.http_sender import GONE, Answer
from autolabel_core.notifications.webhooks.retry_schedule import moment_after, wait_seconds

SETTLED_EVERY = 200
"""Delivered events after which the ledger notes how far the outbox is empty."""


def utc_moment() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class DeliveryContext:
    """What a delivery needs beside the ledger: clocks, chance, environment, resolver."""

    now: Callable[[], datetime] = utc_moment
    monotonic: Callable[[], float] = time.monotonic
    rng: Random = field(default_factory=Random)
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    resolver: Resolve = resolve


@dataclass
class PassResult:
    """What one pass did at one endpoint; `problem` is what a person has to cure."""

    endpoint: str
    delivered: int = 0
    failed: int = 0
    abandoned: int = 0
    disabled: bool = False
    problem: str | None = None


def chains_due(pending: Iterable[Pending], now: datetime) -> list[list[Pending]]:
    """Group what is pending by object, in order, and leave out the objects whose first must wait.

    Args:
        pending: events in order, with their last attempts.
        now: the present moment. A next attempt further away than any wait is a clock that went
            back, and is due.

    Returns:
        One list for each object, to be sent one after another.
    """
    chains: dict[tuple[str, str], list[Pending]] = {}
    for waiting in pending:
        chains.setdefault((waiting.event.collection, waiting.event.subject), []).append(waiting)
    at, horizon = moment_after(now, 0.0), moment_after(now, 2 * LONGEST_SECONDS)
    return [
        chain
        for chain in chains.values()
        if chain[0].last is None or not at < (chain[0].last.next_attempt_at or "") < horizon
    ]


def outcome_of(
    endpoint: str, pending: Pending, attempt: int, answer: Answer, now: datetime, rng: Random
) -> Delivery:
    """Return what is recorded of an attempt: delivered, to be tried again, or given up.

    Args:
        endpoint: its name.
        pending: the event.
        attempt: its number, from 1.
        answer: what came of it.
        now: when it was sent.
        rng: for the jitter.

    Returns:
        The row.
    """
    row = Delivery(endpoint, pending.event.event_id, attempt, "delivered", answer.status_code)
    if answer.delivered:
        return row
    row = replace(row, retry_after_seconds=answer.retry_after_seconds)
    detail = answer.detail
    if answer.retry_after_seconds is not None:
        detail = f"Retry-After {answer.retry_after_seconds:.0f} s; {detail or ''}".rstrip("; ")
    wait = wait_seconds(attempt, rng)
    if answer.status_code == GONE:
        return replace(row, outcome="failed", detail=detail)
    if wait is None:
        return replace(row, outcome="abandoned", detail=detail)
    due = moment_after(now, max(wait, answer.retry_after_seconds or 0.0))
    return replace(row, outcome="failed", detail=detail, next_attempt_at=due)
