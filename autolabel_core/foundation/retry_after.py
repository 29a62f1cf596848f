"""Parses the HTTP header Retry-After."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_SECONDS = 86_400.0


def retry_after_seconds(header: str | None, now: datetime) -> float | None:
    """Read the header Retry-After: seconds or a date, at most a day.

    Args:
        header: its value.
        now: the present moment.

    Returns:
        Seconds from now, at least 0; None where there is none that can be read.
    """
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return min(float(text), LONGEST_SECONDS)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment.replace(tzinfo=moment.tzinfo or UTC)
    return min(max(0.0, (moment - now).total_seconds()), LONGEST_SECONDS)
