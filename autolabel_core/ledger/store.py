"""The ledger as the rest of the system uses it: append in one transaction, read in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from autolabel_core.ledger.alert_firings import AlertFiringRows
from autolabel_core.ledger.annotation_table import AnnotationRows
from autolabel_core.ledger.arrivals import ArrivalRows
from autolabel_core.ledger.audits import AuditRows
from autolabel_core.ledger.box_annotation_table import BoxAnnotationRows
from autolabel_core.ledger.certifications import CertificationRows
from autolabel_core.ledger.clusters import ClusterRows
from autolabel_core.ledger.database import Database
from autolabel_core.ledger.deliveries import DeliveryRows
from autolabel_core.ledger.doubt_decisions import DoubtDecisionRows
from autolabel_core.ledger.events import EventRows
from autolabel_core.ledger.exports import ExportRows
from autolabel_core.ledger.forgetting import ForgettingRows
from autolabel_core.ledger.gold_judgements import GoldJudgementRows
from autolabel_core.ledger.last_annotations import LastAnnotationRows
from autolabel_core.ledger.models import ModelRows
from autolabel_core.ledger.requests import RequestRows
from autolabel_core.ledger.rules import RuleRows
from autolabel_core.ledger.training_memory import TrainingRows
from autolabel_core.ledger.upgrading import upgrade


def utc_now() -> str:
    """Return the present moment as ISO 8601 text in UTC, which sorts by time."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


class Ledger(
    ArrivalRows,
    AnnotationRows,
    BoxAnnotationRows,
    LastAnnotationRows,
    TrainingRows,
    AuditRows,
    CertificationRows,
    DoubtDecisionRows,
    GoldJudgementRows,
    EventRows,
    DeliveryRows,
    RequestRows,
    AlertFiringRows,
    ModelRows,
    ClusterRows,
    RuleRows,
    ExportRows,
    ForgettingRows,
):
    """Append-only facts in SQLite or PostgreSQL; several processes may write at once.

    The tables of a new ledger are made when it is opened, those of an older one brought up to date.
    `now` is the clock.
    """

    def __init__(self, url: str, now: Callable[[], str] = utc_now) -> None:
        super().__init__(Database(url), now)
        upgrade(self._database)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Make one transaction of all that this thread appends within the block.

        Everybody else who writes waits for it, so that nothing slow belongs there; what is read
        within does not see it yet.
        """
        with self._database.writing():
            yield

    @property
    def database(self) -> Database:
        """The database, for what concerns all tables: backup, export, restore."""
        return self._database
