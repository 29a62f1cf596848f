"""The models of `automation:` in a collection's YAML: what happens without a command, and when."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from autolabel_core.declarations.model import Count, Declaration

CRON_FIELDS = 5


def _checked_cron(value: str) -> str:
    from croniter import croniter

    if len(value.split()) != CRON_FIELDS or not croniter.is_valid(value):
        raise ValueError(
            "is no cron expression; use five fields: minute, hour, day of the month, month, day of "
            'the week, such as "0 * * * *" (hourly) or "30 6 * * 1" (Mondays at 6:30 UTC)'
        )
    return value


Cron = Annotated[str, AfterValidator(_checked_cron)]


class Relabel(Declaration):
    """When new labels flow back over everything; whichever comes first.

    Attributes:
        after_labels: as soon as so many labels wait.
        after_minutes: so long after the oldest label that waits; 0 is at once.
    """

    after_labels: Count = 10
    after_minutes: float = Field(default=5.0, ge=0.0, strict=True)


class Retrain(Declaration):
    """When corrections ask for training: after so many since the last time."""

    after_corrections: Count = 500


class AuditSchedule(Declaration):
    """When a sample of auto-labels is drawn for a person to verify, and how large it is."""

    cron: Cron
    sample: Count = 50

    @model_validator(mode="before")
    @classmethod
    def bare_cron(cls, value: object) -> object:
        """Accept the cron expression alone."""
        return {"cron": value} if isinstance(value, str) else value


class Automation(Declaration):
    """What a collection does by itself.

    Attributes:
        enabled: whether sensors and schedules run from the start; they can be switched in
            Dagster's UI either way.
        check_every_seconds: how long a sensor rests between two looks, at least.
        relabel: when new labels flow back.
        retrain: when corrections ask for training.
        full_reconciliation: when the whole bucket is listed and every table compared, in a run of
            its own that no time limit cuts; null is never.
        audit: when a sample of auto-labels is drawn; null is never.
    """

    enabled: bool = Field(default=True, strict=True)
    check_every_seconds: Count = 15
    relabel: Relabel = Field(default_factory=Relabel.model_construct)
    retrain: Retrain = Field(default_factory=Retrain.model_construct)
    full_reconciliation: Cron | None = "0 * * * *"
    audit: AuditSchedule | None = None
