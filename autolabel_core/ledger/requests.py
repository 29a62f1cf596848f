"""Requests that wait to be carried out, such as retraining."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypedDict

from autolabel_core.ledger.rows import Rows, append, unknown
from autolabel_core.ledger.schema import REQUESTS

RETRAIN = "retrain"


class RequestPayload(TypedDict, total=False):
    """What a request is about.

    Of retraining: corrections until then, those since the request before, and who asked if a person
    did. Of a new run of a cluster definition: its name, and why.
    """

    corrections: int
    since_last: int
    by: str
    cluster_name: str
    because: str


@dataclass(frozen=True)
class Request:
    """Somebody, or a rule, asks for work of a `kind` such as `retrain`; the same one is kept once.

    `id` is the place in the ledger's order, 0 before the request is recorded.
    """

    request_id: str
    collection: str
    kind: str
    payload: RequestPayload = field(default_factory=RequestPayload)
    recorded_at: str = ""
    id: int = 0


class RequestRows(Rows):
    """Requests in the ledger."""

    def append_requests(self, requests: Sequence[Request]) -> int:
        """Append all or nothing; those whose `request_id` is known already are left out.

        Args:
            requests: what is asked for, in order.

        Returns:
            How many were appended.
        """
        with self._database.writing() as connection:
            at = self._now()
            given = [vars(r) | {"recorded_at": r.recorded_at or at} for r in requests]
            rows = unknown(connection, REQUESTS.c.request_id, given)
            append(connection, REQUESTS, [{k: v for k, v in r.items() if k != "id"} for r in rows])
        return len(rows)

    def requests(
        self, collection: str | None = None, kind: str | None = None, after: int = 0
    ) -> list[Request]:
        """Return requests in order: of one collection, of one kind, after an id, or all."""
        wanted = {"collection": collection, "kind": kind}
        return self._listed(Request, REQUESTS, wanted, after)
