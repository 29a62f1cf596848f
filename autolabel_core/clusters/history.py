"""Reads what the ledger knows of one cluster definition: runs, identities, requests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from autolabel_core.foundation.ids import fingerprint
from autolabel_core.ledger import ClusterEvent, ClusterRun, Ledger, Request
from autolabel_core.ledger.clusters import Answered, StoredName

REQUEST = "cluster"
FULL, DELETE = "full", "delete"
SUCCEEDED, FAILED, UNCHANGED, DELETED = "succeeded", "failed", "unchanged", "deleted"
NOTHING = "nothing"
"""The status of a run that found no cluster: too few documents, or all of them noise."""
PROMOTION = "promotion"


@dataclass(frozen=True)
class History:
    """Runs since the last deletion, and everything that was ever said of identities.

    Attributes:
        runs: in order, failed ones included.
        deleted: the deletion before them, if there was one.
        events: the life of all identities, in order.
        waiting: what was asked for since, and no run has answered.
    """

    runs: tuple[ClusterRun, ...]
    deleted: ClusterRun | None
    events: tuple[ClusterEvent, ...]
    waiting: tuple[Request, ...]

    @property
    def last(self) -> ClusterRun | None:
        """The last successful run: the one in force."""
        return next((run for run in reversed(self.runs) if run.status == SUCCEEDED), None)

    @property
    def failure(self) -> ClusterRun | None:
        """The last run, if it failed."""
        return self.runs[-1] if self.runs and self.runs[-1].status == FAILED else None

    @property
    def nothing(self) -> ClusterRun | None:
        """The last run, if it found no cluster."""
        return self.runs[-1] if self.runs and self.runs[-1].status == NOTHING else None

    @property
    def used(self) -> frozenset[str]:
        """Every id that was ever given; none is given twice."""
        return frozenset(event.cluster_id for event in self.events)

    @property
    def names(self) -> dict[str, StoredName]:
        """The name that each identity got last."""
        named = (event for event in self.events if "name" in event.payload)
        return {event.cluster_id: event.payload["name"] for event in named}

    def central_members(self, run_id: str) -> dict[str, list[str]]:
        """Return the most central documents of each cluster of a run, by cluster id."""
        events = (e for e in self.events if e.run_id == run_id and "core" in e.payload)
        return {event.cluster_id: event.payload["core"] for event in events}

    def is_answered(self, declaration: str) -> bool:
        """Whether a run of a declaration succeeded, or the history of it was deleted."""
        ended = [run for run in self.runs if run.status in (SUCCEEDED, UNCHANGED)]
        ended += [self.deleted] if self.deleted else []
        return any(run.payload.get("declaration") == declaration for run in ended)

    def in_vain(self, declaration: str) -> int | None:
        """Return how many documents the last run of a declaration had that came to nothing.

        Args:
            declaration: fingerprint of the declaration.

        Returns:
            Their number, 0 where an older version did not note it; None without such a run.
        """
        for run in reversed(self.runs):
            in_vain = run.status in (FAILED, NOTHING)
            if in_vain and run.payload.get("declaration") == declaration:
                return run.payload.get("documents") or 0
        return None


def read_history(ledger: Ledger, collection: str, cluster_name: str) -> History:
    """Read what the ledger knows of a definition.

    Args:
        ledger: the ledger.
        collection: the collection that declares it.
        cluster_name: the definition's name.

    Returns:
        Its history.
    """
    runs = ledger.cluster_runs(collection, cluster_name)
    ends = [i for i, run in enumerate(runs) if run.status == DELETED]
    since = runs[ends[-1] + 1 :] if ends else runs
    answered = max((run.payload.get("answers", 0) for run in runs), default=0)
    asked = ledger.requests(collection, REQUEST, after=answered)
    return History(
        tuple(since),
        runs[ends[-1]] if ends else None,
        tuple(ledger.cluster_events(collection, cluster_name)),
        tuple(r for r in asked if r.payload.get("cluster_name") == cluster_name),
    )


def ask_for_run(
    ledger: Ledger, collection: str, cluster_name: str, by: str, because: object
) -> bool:
    """Ask for a full run; the same reason is kept once.

    Args:
        ledger: the ledger.
        collection: the collection that declares the definition.
        cluster_name: its name.
        by: who asks: `cli`, `schedule` or a trigger.
        because: what makes this request another than the one before, such as a moment.

    Returns:
        Whether the request is new.
    """
    request = Request(
        request_id=fingerprint(REQUEST, collection, cluster_name, by, because),
        collection=collection,
        kind=REQUEST,
        payload={"cluster_name": cluster_name, "by": by},
    )
    return ledger.append_requests([request]) == 1


def delete_history(
    ledger: Ledger, collection: str, cluster_name: str, declaration: str | None
) -> bool:
    """End the history of a definition: nothing is in force, and what was asked for is dropped.

    Args:
        ledger: the ledger.
        collection: the collection that declares it.
        cluster_name: its name.
        declaration: fingerprint of the declaration, which makes no run by itself any more.

    Returns:
        Whether there was anything to end.
    """
    runs = ledger.cluster_runs(collection, cluster_name)
    asked = ledger.requests(collection, REQUEST)
    own = [r.id for r in asked if r.payload.get("cluster_name") == cluster_name]
    if not runs or runs[-1].status == DELETED:
        return False
    end = ClusterRun(
        run_id=run_id_of("del", collection, cluster_name, runs[-1].run_id),
        collection=collection,
        cluster_name=cluster_name,
        mode=DELETE,
        status=DELETED,
        payload={"answers": max(own, default=0), "declaration": declaration},
    )
    return ledger.append_cluster_run(end)


def run_id_of(prefix: str, *content: object) -> str:
    """Return the id of a run: the same content has the same id."""
    return f"{prefix}_{fingerprint(*content)[:16]}"


def answers(requests: Iterable[Request]) -> Answered:
    """Return what a run notes of the requests that it answers."""
    requests = list(requests)
    return {
        "answers": max((request.id for request in requests), default=0),
        "asked_by": sorted({str(request.payload.get("by")) for request in requests}),
    }
