"""Which version is in service: what the gate and people decided, folded in the order of the ledger.

A promotion puts a version into service, holding takes it out, and then the one before serves again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from autolabel_core.foundation.errors import AutolabelError, NotFoundError
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.ledger import Event, GateResult, Ledger, event_id

GATE = "gate"
PROMOTED_EVENT = "weights.promoted"


def active_version(results: Iterable[GateResult]) -> str | None:
    """Return the version in service.

    Args:
        results: decisions about one kind of one collection, in order.

    Returns:
        The version promoted last that was not held since; None where there is none.
    """
    in_service: list[str] = []
    for result in results:
        in_service = [version for version in in_service if version != result.version]
        if result.decision == "promoted":
            in_service.append(result.version)
    return in_service[-1] if in_service else None


def append_decision(
    ledger: Ledger,
    model: tuple[str, str, str],
    decision: Literal["promoted", "held"],
    decided_by: str,
    reason: str,
    figures: Mapping[str, Any] | None = None,
) -> GateResult:
    """Record a decision with who and why; a promotion is the event `weights.promoted` too.

    Args:
        ledger: where to.
        model: collection, kind and version.
        decision: what.
        decided_by: `gate` or a person's name.
        reason: why.
        figures: what the gate measured.

    Returns:
        The decision.

    Raises:
        AutolabelError: nobody, or no reason, is given.
    """
    collection, kind, version = model
    if not decided_by.strip() or not reason.strip():
        raise AutolabelError(
            "A decision about a model is recorded with who decided and why; one of them is empty."
        )
    before = ledger.gate_results(collection, kind)
    result = GateResult(
        gate_id=fingerprint(collection, kind, version, decision, len(before)),
        collection=collection,
        kind=kind,
        version=version,
        against=active_version(before),
        decision=decision,
        decided_by=decided_by,
        payload={"reason": reason, **(figures or {})},
    )
    events = [_promoted(result)] if decision == "promoted" else []
    if not ledger.append_gate_result(result, events):
        raise AutolabelError(
            f"Another process decided about {collection}/{kind} at the same moment; nothing was "
            "recorded. Look at `autolabel models list` and decide again."
        )
    return result


def roll_back(ledger: Ledger, collection: str, kind: str, who: str, why: str) -> GateResult:
    """Take the version in service out of it; the one before serves again.

    Args:
        ledger: where to.
        collection: whose.
        kind: of model.
        who: decides.
        why: for what reason.

    Returns:
        The decision; the version that it is about is the one taken out.

    Raises:
        NotFoundError: no version is in service.
    """
    active = active_version(ledger.gate_results(collection, kind))
    if active is None:
        raise NotFoundError(
            f"`{collection}` has no {kind} in service, so there is nothing to roll back. "
            "`autolabel models list` shows what there is."
        )
    return append_decision(ledger, (collection, kind, active), "held", who, why)


def _promoted(result: GateResult) -> Event:
    payload = {
        "collection": result.collection,
        "kind": result.kind,
        "version": result.version,
        "against": result.against,
        "decided_by": result.decided_by,
        "reason": result.payload["reason"],
    }
    return Event(
        event_id(PROMOTED_EVENT, result.gate_id),
        PROMOTED_EVENT,
        result.collection,
        f"{result.kind} {result.version}",
        payload,
    )
