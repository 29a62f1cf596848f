"""The model of `alerts:` in a collection's YAML: what is watched, and which channels hear of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from autolabel_core.declarations.channel import Channel, NoticeName
from autolabel_core.declarations.model import Declaration, KeyedError, Text

CONDITION = re.compile(r"(<=|>=|==|<|>)\s*(-?\d+(?:\.\d+)?)\s*(%?)")
COUNT = re.compile(r"count\s*(<=|>=|==|<|>)\s*(\d+)")
RISE = re.compile(r"count\s+rises\s+by\s+(\d+)")
DRIFT = ("drift", "confidence_drift")
"""The second is the older word; without `window_hours` it judges batches."""
DEFAULT_TRIGGERS = {**dict.fromkeys(DRIFT, "< 0.01"), "run_failures": ">= 1"}


Metric = Literal[
    "coverage", "review_queue", "unreadable_share", "run_failures", "drift", "confidence_drift"
]


@dataclass(frozen=True)
class Trigger:
    """When an alert fires: the number compared with `limit`, or its rise since the last time."""

    operator: Literal["<", "<=", ">", ">=", "==", "rises by"]
    limit: float

    def holds(self, value: float, base: float = 0.0) -> bool:
        """Whether a number fires; a rise is counted from `base`."""
        return {
            "<": value < self.limit,
            "<=": value <= self.limit,
            ">": value > self.limit,
            ">=": value >= self.limit,
            "==": value == self.limit,
            "rises by": value - base >= self.limit,
        }[self.operator]


class Alert(Declaration):
    """What is watched, when it fires, and who is told.

    Attributes:
        aliases: words that mean the same.
        shorthands: words that are taken apart.
        name: names the alert in the ledger.
        description: for people; told with the alert.
        source: `retriever` watches what a retriever finds, `metric` a number of the collection.
        retriever: the retriever that is run.
        inputs: values for its `{{INPUT.name}}`.
        metric: coverage, unreadable_share (shares from 0 to 1), review_queue (documents),
            run_failures (in `window_hours`), drift (how rare what uploads look like is without a
            change, from 0 to 1).
        trigger_on: `results`, `count >= 5`, `count rises by 10`; for a metric `< 0.6` or `< 60%`.
        group_by: a field such as `metadata.camera_id`; each of its values is watched alone.
        window_hours: run_failures are counted over so long; drift judges uploads by windows of so
            long, a day where it is not given.
        cool_down_minutes: after firing, silent for so long; 0 is never.
        mode: `on_demand` is looked at by `autolabel alerts check` alone, the others always.
        enabled: false is not looked at.
        channels: where to; besides, webhooks are told `alert.triggered`.
    """

    aliases: ClassVar[Mapping[str, str]] = {
        "alert_name": "name",
        "retriever_id": "retriever",
        "condition": "trigger_on",
    }
    shorthands = ("notification_config",)

    name: NoticeName
    description: str = ""
    source: Literal["retriever", "metric"] = "retriever"
    retriever: Text | None = None
    inputs: dict[str, str] = Field(default_factory=dict)
    metric: Metric | None = None
    trigger_on: Text = "results"
    group_by: Text | None = None
    window_hours: float | None = Field(default=None, gt=0.0, strict=True)
    cool_down_minutes: float = Field(default=60.0, ge=0.0, strict=True)
    mode: Literal["on_ingest", "scheduled", "on_demand"] = "on_ingest"
    enabled: bool = Field(default=True, strict=True)
    channels: tuple[Channel, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def flatten_notification(cls, value: object) -> object:
        """Accept `notification_config: {channels: […]}`; know the source from what is given."""
        if not isinstance(value, dict):
            return value
        rest = {k: v for k, v in value.items() if k != "notification_config"}
        if "notification_config" in value:
            nested = value["notification_config"]
            if not isinstance(nested, dict) or set(nested) != {"channels"} or "channels" in rest:
                raise KeyedError(("notification_config",), "expected {channels: […]} and no other")
            rest |= nested
        if "metric" in rest:
            rest.setdefault("source", "metric")
            default = DEFAULT_TRIGGERS.get(str(rest["metric"]))
            if default and "trigger_on" not in rest and "condition" not in rest:
                rest["trigger_on"] = default
        return rest

    @field_validator("trigger_on")
    @classmethod
    def trigger_is_understood(cls, value: str) -> str:
        """Refuse a trigger that cannot be read."""
        if parse_trigger(value) is None:
            raise ValueError(
                "expected `results`, `count >= 5`, `count rises by 10`, or for a metric a "
                "comparison such as `< 0.6`"
            )
        return value.strip()

    @model_validator(mode="after")
    def source_and_trigger_fit(self) -> Alert:
        """Refuse a metric without a comparison, a retriever without a count, and mixtures."""
        if self.source == "metric":
            if self.metric is None or self.retriever is not None or self.inputs:
                raise KeyedError(("metric",), "needs `metric`, and neither retriever nor inputs")
            if not CONDITION.fullmatch(self.trigger_on):
                raise KeyedError(("trigger_on",), "a metric is compared, such as `< 0.6`")
        elif self.retriever is None or self.metric is not None:
            raise KeyedError(("retriever",), "name the retriever to run, or give a `metric`")
        elif CONDITION.fullmatch(self.trigger_on):
            raise KeyedError(("trigger_on",), "a retriever is counted, such as `count >= 5`")
        if self.window_hours is not None and self.metric not in ("run_failures", *DRIFT):
            raise KeyedError(("window_hours",), "is for run_failures and drift alone")
        if self.metric == "run_failures" and self.group_by is not None:
            raise KeyedError(("group_by",), "runs belong to no group of documents; leave it out")
        if self.metric in DRIFT and not self._is_rate:
            raise KeyedError(
                ("trigger_on",),
                "is a p-value, the rate of false alarms a year, from 0 to 1: write `< 0.01`",
            )
        return self

    @property
    def _is_rate(self) -> bool:
        return self.trigger.operator in ("<", "<=") and 0.0 < self.trigger.limit < 1.0

    @property
    def trigger(self) -> Trigger:
        """The trigger, read."""
        found = parse_trigger(self.trigger_on)
        if found is None:
            raise ValueError(f"not a trigger: {self.trigger_on}")
        return found


def parse_trigger(text: str) -> Trigger | None:
    """Read a trigger; None where it is none. `results` is `count >= 1`, a percentage a share."""
    text = text.strip()
    if text == "results":
        return Trigger(">=", 1.0)
    if rise := RISE.fullmatch(text):
        return Trigger("rises by", max(1.0, float(rise[1])))
    found = COUNT.fullmatch(text) or CONDITION.fullmatch(text)
    if found is None:
        return None
    scale = 100.0 if found.re is CONDITION and found[3] else 1.0
    return Trigger(found[1], float(found[2]) / scale)  # type: ignore[arg-type]
