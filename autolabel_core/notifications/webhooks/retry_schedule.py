"""When a failed delivery is retried, and when it is given up. Clock and chance are passed in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

from autolabel_core.foundation.retry_after import LONGEST_SECONDS

FIRST_SECONDS = 10.0
FACTOR = 4.0
JITTER = 0.25
MAX_ATTEMPTS = 10
"""The ninth and last wait ends about 63 hours after the first attempt."""


def wait_seconds(attempt: int, rng: Random) -> float | None:
    """Return how long to wait after a failed attempt: growing fourfold, up to a day, and jitter.

    Args:
        attempt: which attempt failed, from 1.
        rng: adds up to a quarter, so that many deliveries do not come back at once.

    Returns:
        Seconds; None when it was the last attempt.
    """
    if attempt >= MAX_ATTEMPTS:
        return None
    seconds = min(FIRST_SECONDS * FACTOR ** (attempt - 1), LONGEST_SECONDS)
    return seconds * (1.0 + JITTER * rng.random())


def moment_after(now: datetime, seconds: float) -> str:
    """Return a moment as the ledger writes it, which sorts by time."""
    return (now + timedelta(seconds=seconds)).astimezone(UTC).isoformat(timespec="microseconds")
