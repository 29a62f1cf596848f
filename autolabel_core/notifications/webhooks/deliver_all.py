"""One delivery pass: record the events of derived tables, then deliver the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from filelock import FileLock, Timeout

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.notifications.batch_events import COMPLETED, MATERIALIZED, record_batch_events
from autolabel_core.notifications.webhooks.attempts import DeliveryContext, PassResult
from autolabel_core.notifications.webhooks.dispatcher import deliver
from autolabel_core.notifications.webhooks.endpoints import declare_endpoints, endpoints_of
from autolabel_core.tables.workspace import OpenCollection, Workspace

NOTES = frozenset({COMPLETED, MATERIALIZED})


@dataclass(frozen=True)
class DeliveryRound:
    """One round over all endpoints; `busy` is true when another process is at it already."""

    passes: tuple[PassResult, ...] = ()
    busy: bool = False

    @property
    def problems(self) -> list[str]:
        """What a person has to cure before some endpoint can be reached."""
        return [done.problem for done in self.passes if done.problem]

    def __str__(self) -> str:
        if self.busy:
            return "Another process is delivering."
        counts = {
            kind: sum(getattr(done, kind) for done in self.passes)
            for kind in ("delivered", "failed", "abandoned")
        }
        off = [done.endpoint for done in self.passes if done.disabled]
        summary = f"{len(self.passes)} endpoints: " + ", ".join(
            f"{n} {k}" for k, n in counts.items()
        )
        return summary + (f"; switched off by 410: {', '.join(off)}" if off else "")


def deliver_all(
    workspace: Workspace, budget_seconds: float, context: DeliveryContext | None = None
) -> DeliveryRound:
    """Send every declared endpoint the events that are due now.

    Args:
        workspace: the stores.
        budget_seconds: no request is begun later than this.
        context: clocks, chance, environment and resolver.

    Returns:
        What was done; problems of single endpoints and collections are among it.
    """
    endpoints = endpoints_of(workspace.collections.values())
    lock = workspace.paths.locks / "webhooks.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(lock, timeout=0):
            declare_endpoints(workspace.ledger, endpoints)
            problems = note_batches(workspace, [e.event_types for e in endpoints])
            return DeliveryRound(
                (*problems, *deliver(workspace.ledger, endpoints, budget_seconds, context))
            )
    except Timeout:
        return DeliveryRound(busy=True)


def note_batches(workspace: Workspace, wanted: Sequence[frozenset[str]]) -> list[PassResult]:
    """Append the events of tables, where somebody wants them; say which collections fail."""
    problems = [
        PassResult(str(problem.collection), problem=str(problem))
        for problem in workspace.declared.problems
    ]
    for name, collection in workspace.collections.items():
        if any(NOTES & types for types in wanted):
            try:
                record_batch_events(OpenCollection(workspace, collection))
            except AutolabelError as error:
                problems.append(PassResult(name, problem=str(error)))
    return problems
