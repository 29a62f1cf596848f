"""The declared endpoints, with their state in the ledger.

An endpoint is known by collection, webhook (or alert) and channel; it keeps its place in the
order of events when its URL changes. Marks are rows among the deliveries, of attempt 0:

- `endpoint.declared`: it was seen for the first time; events up to `settled_to` are not told.
- `endpoint.settled`: every event up to `settled_to` has a final outcome; now and then.
- `endpoint.disabled`: it answered 410 Gone at the address of `address_hash`; another starts anew.
- `endpoint.enabled`: a person asked for it again.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from autolabel_core.declarations import Channel, Collection
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.ledger import Delivery, Ledger, Wanted

DECLARED, SETTLED = "endpoint.declared", "endpoint.settled"
DISABLED, ENABLED = "endpoint.disabled", "endpoint.enabled"
MARKS = frozenset({DECLARED, SETTLED, DISABLED, ENABLED})
ALERT_EVENT = "alert.triggered"


@dataclass(frozen=True)
class Endpoint:
    """One channel of one webhook or alert, and the events that it is told of."""

    name: str
    channel: Channel
    collection: str | None
    event_types: frozenset[str]
    subject: str | None = None
    enabled: bool = True
    from_beginning: bool = False

    @property
    def is_for_people(self) -> bool:
        """Whether it is a message that people read, not a request to a program."""
        return self.channel.channel != "webhook"

    def wanted(self, after: int) -> Wanted:
        """Return the events that it is told of, after an id."""
        return Wanted(self.name, after, self.collection, self.event_types, self.subject)


@dataclass(frozen=True)
class State:
    """What the ledger knows of an endpoint; `after` is the id up to which nothing is to be sent."""

    after: int | None = None
    disabled_at: str | None = None
    disabled_address: str | None = None


@dataclass(frozen=True)
class Access:
    """The address and the secrets of a channel, read from the environment when they are used."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secret: str | None = field(default=None, repr=False)

    @property
    def secrets(self) -> list[str]:
        """Texts that must not be seen anywhere."""
        return [self.url, *self.headers.values(), *(self.secret or "").split()]

    @property
    def address_hash(self) -> str:
        """A short hash of the address: tells another address without showing it."""
        return fingerprint("address", self.url)[:8]


def endpoints_of(collections: Iterable[Collection]) -> list[Endpoint]:
    """Return every endpoint that is declared.

    Args:
        collections: the declarations.

    Returns:
        Named `<collection>/<webhook>/<channel>` and `<collection>/alert <name>/<channel>`; a second
        channel of a kind is `webhook-2`.
    """
    endpoints = []
    for collection in collections:
        name = collection.collection_name
        for hook in collection.webhooks:
            scope = None if hook.all_collections else name
            for kind, channel in _named(hook.channels):
                full_name = f"{name}/{hook.webhook_name}/{kind}"
                types = frozenset(hook.events)
                endpoints.append(
                    Endpoint(
                        full_name, channel, scope, types, None, hook.enabled, hook.from_beginning
                    )
                )
        for alert in collection.alerts:
            for kind, channel in _named(alert.channels):
                full_name = f"{name}/alert {alert.name}/{kind}"
                endpoints.append(
                    Endpoint(full_name, channel, name, frozenset({ALERT_EVENT}), alert.name)
                )
    return endpoints


def _named(channels: Iterable[Channel]) -> Iterable[tuple[str, Channel]]:
    counts: dict[str, int] = {}
    for channel in channels:
        counts[channel.channel] = count = counts.get(channel.channel, 0) + 1
        yield (channel.channel if count == 1 else f"{channel.channel}-{count}"), channel


def endpoint_state(ledger: Ledger, endpoint: Endpoint) -> State:
    """Read the marks of an endpoint."""
    after = [
        mark.settled_to or 0
        for kind in (DECLARED, SETTLED)
        for mark in ledger.deliveries(endpoint.name, kind, limit=1)
    ]
    last = {
        kind: mark
        for kind in (DISABLED, ENABLED)
        for mark in ledger.deliveries(endpoint.name, kind, limit=1)
    }
    off = last.get(DISABLED)
    if off and (ENABLED not in last or last[ENABLED].recorded_at < off.recorded_at):
        return State(max(after, default=None), off.recorded_at, off.address_hash)
    return State(max(after, default=None))


def declare_endpoints(ledger: Ledger, endpoints: Iterable[Endpoint]) -> None:
    """Mark where new endpoints begin: after the last event there is, or before the first.

    Called before arrivals are recorded, alerts looked at and events delivered, so that a collection
    and its webhook can be declared together and nothing is missed.

    Args:
        ledger: where.
        endpoints: all that are declared.
    """
    new = [e for e in endpoints if not ledger.deliveries(e.name, DECLARED, limit=1)]
    if new:
        newest = ledger.last_event_id()
        ledger.append_deliveries(
            [mark(e, DECLARED, settled_to=0 if e.from_beginning else newest) for e in new]
        )


def mark(
    endpoint: Endpoint, kind: str, settled_to: int | None = None, address_hash: str | None = None
) -> Delivery:
    """Return a mark of an endpoint, to be appended to the deliveries."""
    return Delivery(
        endpoint.name, kind, 0, "delivered", settled_to=settled_to, address_hash=address_hash
    )


def access(endpoint: Endpoint, environ: Mapping[str, str] = os.environ) -> Access:
    """Read the address and the secrets of an endpoint.

    Args:
        endpoint: whose.
        environ: the environment.

    Returns:
        What is needed to send.
    """
    channel = endpoint.channel
    url = channel.url or _variable(endpoint, channel.url_env or "", environ)
    named = {k: _variable(endpoint, v, environ) for k, v in channel.headers_env.items()}
    secret = _variable(endpoint, channel.secret_env, environ) if channel.secret_env else None
    return Access(url, {**channel.headers, **named}, secret)


def _variable(endpoint: Endpoint, name: str, environ: Mapping[str, str]) -> str:
    value = environ.get(name, "").strip()
    if not value or not value.isprintable():
        raise AutolabelError(
            f"The endpoint `{endpoint.name}` needs the environment variable {name}, which "
            f"{'is not set' if not value else 'holds a control character'}. Set it where the "
            "daemon and the command line run."
        )
    return value
