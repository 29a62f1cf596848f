"""Which version is in service, by the decisions of gate and people in the order of the ledger.

A promotion puts a version into service, holding takes it out, and then the one before serves again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from autolabel_core.foundation.errors import AutolabelError, NotFoundError
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.ledger import Event, GateResult, Ledger, ModelVersion, event_id
from autolabel_core.ledger.models import GateFigures

GATE = "gate"
PROMOTED_EVENT = "weights.promoted"


ADDED = "a person decides about weights that were trained elsewhere"


class DecisionsChangedError(AutolabelError):
    """Somebody decided about the same kind of model since the decisions were read."""


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
    figures: GateFigures | None = None,
    seen: Sequence[GateResult] | None = None,
) -> GateResult:
    """Record a decision with who and why; a promotion is the event `weights.promoted` too.

    Args:
        ledger: where to.
        model: collection, kind and version.
        decision: what.
        decided_by: `gate` or a person's name.
        reason: why.
        figures: what the gate measured.
        seen: the decisions that this one rests on, as they were read; None reads them now.

    Returns:
        The decision.

    Raises:
        AutolabelError: nobody, or no reason, is given.
        DecisionsChangedError: others were recorded since; nothing is.
    """
    collection, kind, version = model
    if not decided_by.strip() or not reason.strip():
        raise AutolabelError(
            "A decision about a model is recorded with who decided and why; one of them is empty."
        )
    before = ledger.gate_results(collection, kind) if seen is None else seen
    result = GateResult(
        # The place alone: of two that follow the same decisions, one is recorded.
        gate_id=fingerprint(collection, kind, len(before)),
        collection=collection,
        kind=kind,
        version=version,
        against=active_version(before),
        decision=decision,
        decided_by=decided_by,
        payload={"reason": reason, **(figures or GateFigures())},
    )
    events = [_promoted(result)] if decision == "promoted" else []
    if not ledger.append_gate_result(result, events):
        raise DecisionsChangedError(
            f"Another process decided about {collection}/{kind} at the same moment; nothing was "
            "recorded. Look at `autolabel models list` and decide again."
        )
    return result


def needs_a_person(
    candidate: ModelVersion, versions: Sequence[ModelVersion], decisions: Sequence[GateResult]
) -> str | None:
    """Say why the gate may not put a version into service by itself, whatever it measures.

    A person's decision holds until a person decides otherwise, or until a version that was
    not there when it was given is not worse.

    Args:
        candidate: the version that is judged.
        versions: all of its kind, in order.
        decisions: all about its kind, in order.

    Returns:
        The reason in a sentence; None where the gate may decide.
    """
    checksums = {model.version: model.checksum for model in versions}
    same = [d for d in decisions if checksums.get(d.version) == candidate.checksum]
    of_people = [d for d in same if d.decided_by != GATE]
    if of_people and of_people[-1].decision == "held":
        word = of_people[-1]
        return f"{word.decided_by} held the same weights, {word.version}: {word.payload['reason']}"
    active = active_version(decisions)
    if active is None or active == candidate.version:
        return None if candidate.card["data_hash"] else ADDED
    if checksums.get(active) == candidate.checksum:
        return f"these are the weights of {active}, which serves"
    word = [d for d in decisions if d.version == active and d.decision == "promoted"][-1]
    if word.decided_by != GATE and candidate.recorded_at <= word.recorded_at:
        return f"{word.decided_by} put {active} into service when this version was there already"
    return None if candidate.card["data_hash"] else ADDED


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
