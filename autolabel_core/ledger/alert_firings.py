"""The history of alerts: when each fired and on what, for cool-down and de-duplication."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from autolabel_core.foundation.json_types import JsonObject
from autolabel_core.ledger.events import Event, append_events
from autolabel_core.ledger.rows import Rows, append
from autolabel_core.ledger.schema import ALERT_FIRINGS

QUIET = "quiet"


@dataclass(frozen=True)
class AlertFiring:
    """An alert fired; `fingerprint` says on what, so that the same is not told twice.

    `value` is the number that passed the limit. `id` is the place in the ledger's order, 0 before
    the firing is recorded.
    """

    collection: str
    alert: str
    fingerprint: str
    value: float | None = None
    payload: JsonObject = field(default_factory=dict)
    recorded_at: str = ""

    @property
    def group(self) -> str | None:
        """The value of `group_by` that it fired for; None: for all documents."""
        group = self.payload.get("group")
        return group if isinstance(group, str) else None

    id: int = 0


class AlertFiringRows(Rows):
    """Alert firings in the ledger."""

    def append_alert_firings(
        self, firings: Sequence[AlertFiring], events: Sequence[Event] = ()
    ) -> None:
        """Append firings, and in the same transaction the events that tell of them.

        Args:
            firings: what fired, in order.
            events: such as `alert.triggered`; those whose `event_id` is known are left out.
        """
        at = self._now()
        rows = [vars(f) | {"recorded_at": f.recorded_at or at} for f in firings]
        with self._database.writing() as connection:
            own = [{k: v for k, v in r.items() if k != "id"} for r in rows]
            append(connection, ALERT_FIRINGS, own)
            append_events(connection, events, at)

    def alert_firings(
        self, collection: str | None = None, alert: str | None = None, after: int = 0
    ) -> list[AlertFiring]:
        """Return firings in order: of one collection, of one alert, after an id, or all."""
        wanted = {"collection": collection, "alert": alert}
        return self._listed(AlertFiring, ALERT_FIRINGS, wanted, after)
