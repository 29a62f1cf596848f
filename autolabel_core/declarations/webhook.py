"""The model of `webhooks:` in a collection's YAML: which endpoints receive which events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field, field_validator, model_validator

from autolabel_core.declarations.channel import Channel, NoticeName
from autolabel_core.declarations.model import Declaration
from autolabel_core.foundation.suggestions import did_you_mean

EVENT_TYPES = (
    "collection.created",
    "collection.halted",
    "collection.renamed",
    "object.created",
    "object.updated",
    "object.deleted",
    "annotation.created",
    "annotation.updated",
    "batch.completed",
    "taxonomy.materialized",
    "alert.triggered",
    "weights.promoted",
    "cluster.completed",
)
ADDRESS = ("channel", "channel_type", "url", "url_env", "config", "configs")
SHARED = tuple(name for name in Channel.model_fields if name not in ADDRESS)


class Webhook(Declaration):
    """Who is told of which events.

    The keys of a channel may stand in the webhook itself: then they are its only channel, or hold
    for all of its channels.

    Attributes:
        aliases: words that mean the same.
        shorthands: words that are taken apart.
        webhook_name: names the endpoint in the ledger; it keeps its place when the URL changes.
        events: event types; `object.*` is all of a kind, and nothing is all events.
        channels: where to.
        enabled: false holds events back; they wait.
        all_collections: whether events of all collections are told, not of this one alone.
        from_beginning: whether events from before the declaration are told too.
    """

    aliases: ClassVar[Mapping[str, str]] = {"name": "webhook_name", "event_types": "events"}
    shorthands = (*ADDRESS, *SHARED)

    webhook_name: NoticeName
    events: tuple[str, ...] = EVENT_TYPES
    channels: tuple[Channel, ...] = Field(min_length=1)
    enabled: bool = Field(default=True, strict=True)
    all_collections: bool = Field(default=False, strict=True)
    from_beginning: bool = Field(default=False, strict=True)

    @model_validator(mode="before")
    @classmethod
    def flat_channel(cls, value: object) -> object:
        """Accept the keys of a channel beside the name."""
        if not isinstance(value, dict):
            return value
        rest = {k: v for k, v in value.items() if k not in (*ADDRESS, *SHARED)}
        flat = {k: v for k, v in value.items() if k in (*ADDRESS, *SHARED)}
        if "channels" not in rest:
            return {**rest, "channels": [flat]} if flat else rest
        if not isinstance(rest["channels"], list):
            return rest
        shared = {k: v for k, v in flat.items() if k in SHARED}
        own = [{**shared, **c} if isinstance(c, dict) else c for c in rest["channels"]]
        if alone := {k: v for k, v in flat.items() if k in ADDRESS}:
            own.append({**shared, **alone})
        return {**rest, "channels": own}

    @field_validator("events")
    @classmethod
    def events_are_known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Spell out `object.*` and `*`; refuse an event that never comes."""
        known: dict[str, None] = {}
        for word in value or ("*",):
            prefix = word.removesuffix("*")
            kinds = [
                t for t in EVENT_TYPES if t == word or (prefix != word and t.startswith(prefix))
            ]
            if not kinds:
                raise ValueError(
                    f"no event `{word}`.{did_you_mean(word, EVENT_TYPES)} "
                    f"Events: {', '.join(EVENT_TYPES)}"
                )
            known |= dict.fromkeys(kinds)
        return tuple(known)
