"""Sends messages for people, to Slack and by e-mail, through apprise."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from autolabel_core.declarations.channel import check_address
from autolabel_core.declarations.model import KeyedError
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.network.guarded_network import Resolve, resolve
from autolabel_core.foundation.network.ssrf_guard import PrivateAddressError, check
from autolabel_core.ledger import Event
from autolabel_core.notifications.webhooks.endpoints import Access, Endpoint
from autolabel_core.notifications.webhooks.http_sender import Answer
from autolabel_core.notifications.webhooks.messages import common_text, common_title, detail

if TYPE_CHECKING:
    from apprise import NotifyBase

SendTogether = Callable[[Sequence[Event], datetime], Awaitable[Answer]]


@asynccontextmanager
async def person_sender(
    endpoint: Endpoint, known: Access, resolver: Resolve = resolve
) -> AsyncIterator[SendTogether]:
    """Prepare one service of apprise.

    Args:
        endpoint: whose.
        known: its address.
        resolver: makes addresses of a name. apprise resolves again itself, so that an address of a
            service is checked, but not pinned as that of a webhook is.

    Yields:
        SendTogether: sends one message of one or several events.

    Raises:
        AutolabelError: the address is none of the channel's.
    """
    import apprise

    channel = endpoint.channel
    try:
        check_address(channel.channel, known.url)
    except KeyedError as error:
        raise AutolabelError(f"The address of `{endpoint.name}` {error}.") from error
    service: NotifyBase = apprise.Apprise.instantiate(known.url, suppress_exceptions=True)
    if service is None:
        raise AutolabelError(
            f"The address of `{endpoint.name}` is none that apprise knows for {channel.channel}; "
            "see https://github.com/caronc/apprise/wiki."
        )
    host, port = _host_of(service)
    hidden = _parts_of(known.url)

    async def send(events: Sequence[Event], now: datetime) -> Answer:
        try:
            async with asyncio.timeout(channel.timeout_seconds):
                if not channel.allow_private:
                    check(host, await resolver(host, port))
                done, failure = await asyncio.to_thread(_notify, service, events)
        except TimeoutError:
            return Answer(False, None, f"no answer within {channel.timeout_seconds:g} s")
        except PrivateAddressError as error:
            return Answer(False, None, detail(str(error), [known.url]))
        except OSError as error:
            return Answer(False, None, detail(f"{host} has no address: {error}", hidden))
        return Answer(done, None, None if done else detail(failure, hidden))

    yield send


def _notify(service: NotifyBase, events: Sequence[Event]) -> tuple[bool, str]:
    """Send, and gather what apprise reports of a failure.

    It is passed as plain text: apprise then escapes what a service takes for markup (keys and
    labels are named by whoever uploads), and keeps line breaks in the HTML part of a mail.
    """
    import apprise

    people = apprise.Apprise()
    people.add(service)
    messages: list[str] = []
    handler = _Gathering(messages)
    logger = logging.getLogger("apprise")
    logger.addHandler(handler)
    try:
        done = bool(
            people.notify(
                body=common_text(events) or common_title(events),
                title=common_title(events),
                body_format=apprise.NotifyFormat.TEXT,
            )
        )
    finally:
        logger.removeHandler(handler)
    return done, "; ".join(messages) or "the message was not taken"


class _Gathering(logging.Handler):
    def __init__(self, into: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._into = into

    def emit(self, record: logging.LogRecord) -> None:
        self._into.append(record.getMessage())


def _host_of(service: NotifyBase) -> tuple[str, int]:
    if hasattr(service, "smtp_host"):
        return service.smtp_host or service.host, service.port or 25
    return urlsplit(service.webhook_url).hostname or "hooks.slack.com", 443


def _parts_of(url: str) -> list[str]:
    """Return what is secret of an address: itself, its password and the parts of a Slack URL."""
    parts = urlsplit(url)
    secrets = [url, parts.password or "", unquote(parts.password or "")]
    if parts.scheme in ("slack", "https"):
        secrets += [*parts.path.split("/"), parts.netloc if parts.scheme == "slack" else ""]
    return [secret for secret in secrets if secret]
