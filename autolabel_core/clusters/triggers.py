"""Decides when a full run of clusters is due, and records the request in the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from autolabel_core.clusters.definition_state import DefinitionState
from autolabel_core.clusters.history import FULL, ask_for_run
from autolabel_core.clusters.report import new_documents, recluster_advice
from autolabel_core.declarations.cluster import Cluster, ClusterTrigger

RECLUSTER_GROWTH = 0.1
"""A recommended run is made once so many have come, as a share of the last run's documents: the
same documents would give the same figures."""


def asks_in_full(definition: Cluster, trigger: ClusterTrigger) -> bool:
    """Whether a trigger asks for a full run; documents are assigned as they come anyway."""
    return (trigger.mode or definition.mode) == FULL


def ask_where_due(defined: Iterable[DefinitionState], now: datetime) -> list[str]:
    """Ask for a full run of each definition that has a reason to, except the clock's.

    A reason is known by its content, so that it asks once, and a run that failed is not asked for
    again until there is another reason.

    Args:
        defined: the definitions, as they are before anything is asked for.
        now: the present moment.

    Returns:
        What was asked for, `definition (why)`.
    """
    asked = []
    for state in defined:
        if state.due or state.documents.fingerprint is None:
            continue
        for trigger in state.definition.triggers:
            if not asks_in_full(state.definition, trigger):
                continue
            by, because = _reason(state, trigger, now)
            if because is not None and ask_for_run(
                state.collection.workspace.ledger, state.collection.name, state.name, by, because
            ):
                asked.append(f"{state.name} ({by})")
    return asked


def _reason(state: DefinitionState, trigger: ClusterTrigger, now: datetime) -> tuple[str, object]:
    """Return who asks, and what makes this time another than the last; None where it is not due."""
    runs, last = state.history.runs, state.history.last
    if trigger.after_documents is not None:
        came = new_documents(state) if last else state.documents.objects
        times = came // trigger.after_documents
        return "after_documents", [last.run_id if last else None, times] if times else None
    if trigger.every_minutes is not None:
        rest = timedelta(minutes=trigger.every_minutes)
        over = bool(runs) and now - datetime.fromisoformat(runs[-1].recorded_at) >= rest
        return "every_minutes", runs[-1].run_id if over else None
    if trigger.event is not None:
        owners = [collection.collection_name for collection in state.documents.collections]
        events = [
            state.collection.workspace.ledger.last_event(owner, trigger.event) for owner in owners
        ]
        told = sorted(event.event_id for event in events if event is not None)
        return trigger.event, told or None
    if trigger.should_recluster and last and recluster_advice(state):
        enough = new_documents(state) >= RECLUSTER_GROWTH * last.payload["documents"]
        return "should_recluster", last.run_id if enough else None
    return "", None
